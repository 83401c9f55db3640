import type { FlatHeaders } from '../../headers.ts';

/** Bytes that the head of a response, or its trailers, may have. */
export const MAX_HEAD_BYTES = 128 * 1024;

/** The instance sent something that is not a valid HTTP/1.1 response. */
export class ResponseSyntaxError extends Error {
  readonly code = 'GATEWAY_RESPONSE_SYNTAX';
}

/** The head of a response and what it says about the body and the connection. */
export interface HeadSection {
  status: number;
  /** The reason phrase; empty when it holds characters that cannot be passed on. */
  reason: string;
  fields: FlatHeaders;
  /** -1 when it is not announced. */
  contentLength: number;
  chunked: boolean;
  keepAlive: boolean;
  /** `Connection: close` was among the fields; it wins over anything else. */
  closes: boolean;
  keepAliveSeconds: number | undefined;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;
/** Control characters, and line ends other than CR LF, which parsers read differently (RFC 9112, 2.2 and 5). */
const FORBIDDEN = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const DIGITS = /^\d{1,15}$/;

/**
 * Reads a response head without its final empty line.
 * @throws {ResponseSyntaxError}
 */
export function parseHead(text: string): HeadSection {
  const lines = text.split('\r\n');
  const match = STATUS_LINE.exec(lines[0] as string);
  if (!match || FORBIDDEN.test(text)) throw new ResponseSyntaxError('the status line is not valid');
  const http11 = match[1] === '1';
  const head: HeadSection = {
    status: Number(match[2]),
    reason: match[3] ?? '',
    fields: [],
    contentLength: -1,
    chunked: false,
    keepAlive: http11,
    closes: false,
    keepAliveSeconds: undefined,
  };
  for (let i = 1; i < lines.length; i++) addField(head, lines[i] as string);
  if (head.chunked && (head.contentLength >= 0 || !http11)) {
    // RFC 9112, 6.1: the framing is invalid, and the next hop might choose the other of the two.
    throw new ResponseSyntaxError('Transfer-Encoding beside Content-Length, or in HTTP/1.0');
  }
  return head;
}

/**
 * Reads field lines, such as those of trailers.
 * @throws {ResponseSyntaxError}
 */
export function parseFields(lines: readonly string[]): FlatHeaders {
  const fields: FlatHeaders = [];
  for (const line of lines) {
    if (FORBIDDEN.test(line)) throw new ResponseSyntaxError('a control character in a field');
    splitField(fields, line);
  }
  return fields;
}

/** Adds the name and the value of a line. */
function splitField(fields: FlatHeaders, line: string): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon);
  if (colon < 1 || !NAME.test(name)) throw new ResponseSyntaxError('a line that is not a field');
  fields.push(name, trimmed(line, colon + 1));
}

function addField(head: HeadSection, line: string): void {
  const { fields } = head;
  splitField(fields, line);
  const name = fields[fields.length - 2] as string;
  const value = fields[fields.length - 1] as string;
  switch (name.length) {
    case 10: {
      const lower = name.toLowerCase();
      if (lower === 'connection') connectionField(head, value);
      else if (lower === 'keep-alive') keepAliveField(head, value);
      break;
    }
    case 14:
      if (name.toLowerCase() === 'content-length') contentLengthField(head, value);
      break;
    case 17:
      if (name.toLowerCase() === 'transfer-encoding') transferEncodingField(head, value);
      break;
  }
}

function connectionField(head: HeadSection, value: string): void {
  const lower = value.toLowerCase();
  if (/(?:^|[\s,])close(?:$|[\s,])/.test(lower)) head.closes = true;
  head.keepAlive = !head.closes && (head.keepAlive || /(?:^|[\s,])keep-alive(?:$|[\s,])/.test(lower));
}

function keepAliveField(head: HeadSection, value: string): void {
  const seconds = /(?:^|[\s,])timeout=(\d{1,6})/i.exec(value)?.[1];
  if (seconds !== undefined) head.keepAliveSeconds = Number(seconds);
}

/** Equal lengths are one (RFC 9112, 6.3); the first stays, the others are left out. */
function contentLengthField(head: HeadSection, value: string): void {
  const [first = '', ...others] = value.split(',').map((part) => part.trim());
  const length = Number(first);
  const differs =
    others.some((other) => other !== first) || (head.contentLength >= 0 && head.contentLength !== length);
  if (!DIGITS.test(first) || differs) throw new ResponseSyntaxError('Content-Length is not one number');
  if (head.contentLength >= 0) head.fields.length -= 2;
  else head.fields[head.fields.length - 1] = first;
  head.contentLength = length;
}

function transferEncodingField(head: HeadSection, value: string): void {
  if (head.chunked || value.toLowerCase() !== 'chunked') {
    throw new ResponseSyntaxError('a Transfer-Encoding other than chunked');
  }
  head.chunked = true;
}

/** The rest of a line without the blanks around it. */
function trimmed(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
