/** A strict reading of HTTP/1.1 (RFC 9112) that owes nothing to the parsers of the gateway. */

export type Field = [name: string, value: string];

/** Bytes that are no HTTP/1.1; what stands behind them means nothing. */
export class Malformed extends Error {
  readonly code = 'MALFORMED';
}

/** Why a message is not whole: more bytes must come. */
export const MORE = Symbol('more');

export interface Request1 {
  method: string;
  target: string;
  version: string;
  fields: Field[];
  body: Buffer;
  /** Its head is there, its body not to the end. */
  partial: boolean;
  /** Its head is good, its body no chunked coding. */
  broken: boolean;
  /** Its end is known, but no server should serve it: it has not one Host (400), or codings besides chunked (501). */
  refused: boolean;
  /** Bytes from its first to its last. */
  length: number;
}

export interface Answer1 {
  informational: { status: number; fields: Field[] }[];
  status: number;
  fields: Field[];
  body: Buffer;
  trailers: Field[];
  /** As far as the framing tells. */
  whole: boolean;
  length: number;
}

/** Its parts may stand apart by several spaces (RFC 9112, 3). */
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +([\x21-\x7e\x80-\xff]+) +HTTP\/(1\.[01])$/;
const STATUS_LINE = /^HTTP\/1\.1 ([1-9]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/;
const FIELD =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[\t ]*$/;

/** @returns values of a field, in any letters; a list for each time that it is there. */
export function values(fields: readonly Field[], name: string): string[] {
  const found: string[] = [];
  for (const [candidate, value] of fields) if (candidate.toLowerCase() === name) found.push(value);
  return found;
}

function fieldsOf(lines: string[]): Field[] {
  return lines.map((line) => {
    const match = FIELD.exec(line);
    if (!match) throw new Malformed(`field line ${JSON.stringify(line.slice(0, 80))}`);
    return [match[1] as string, match[2] as string];
  });
}

/** @returns where the head ends, its first line and fields. */
function head(bytes: Buffer, start: number): { end: number; first: string; lines: string[] } | typeof MORE {
  const end = bytes.indexOf('\r\n\r\n', start, 'latin1');
  if (end < 0) return MORE;
  const [first = '', ...lines] = bytes.toString('latin1', start, end).split('\r\n');
  return { end: end + 4, first, lines };
}

interface Body {
  body: Buffer;
  broken?: boolean;
  trailers: Field[];
  end: number;
  partial: boolean;
}

const SIZE_LINE = /^([0-9A-Fa-f]{1,8})((?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?)$/;

function chunked(bytes: Buffer, start: number): Body {
  const parts: Buffer[] = [];
  let at = start;
  const partial = (broken = false): Body => ({
    body: Buffer.concat(parts),
    trailers: [],
    end: bytes.length,
    partial: true,
    broken,
  });
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1');
    if (lineEnd < 0) return partial();
    const size = SIZE_LINE.exec(bytes.toString('latin1', at, lineEnd));
    if (!size) return partial(true);
    const length = Number.parseInt(size[1] as string, 16);
    at = lineEnd + 2;
    if (length === 0) break;
    parts.push(bytes.subarray(at, at + length));
    at += length;
    if (bytes.length < at + 2) return partial();
    if (bytes.toString('latin1', at, at + 2) !== '\r\n') return partial(true);
    at += 2;
  }
  if (bytes.toString('latin1', at, at + 2) === '\r\n') {
    return { body: Buffer.concat(parts), trailers: [], end: at + 2, partial: false };
  }
  const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
  if (end < 0) return partial();
  const lines = bytes.toString('latin1', at, end).split('\r\n');
  if (!lines.every((line) => FIELD.test(line))) return partial(true);
  const trailers = fieldsOf(lines);
  return { body: Buffer.concat(parts), trailers, end: end + 4, partial: false };
}

function sized(bytes: Buffer, start: number, length: number): Body {
  const body = bytes.subarray(start, start + length);
  return { body, trailers: [], end: start + body.length, partial: body.length < length };
}

/** The greatest length that llhttp takes, of which the gateway and the instances make use: no RFC bounds it. */
const MOST_LENGTH = 2n ** 64n - 1n;

/** @returns the length; undefined without one. Equal ones, in a list or in several fields, are one (RFC 9110, 8.6). */
function lengthOf(fields: readonly Field[]): number | undefined {
  const given = new Set(values(fields, 'content-length').flatMap((value) => value.split(/[\t ]*,[\t ]*/)));
  if (given.size === 0) return undefined;
  const [one = ''] = given;
  if (given.size > 1 || !/^\d{1,30}$/.test(one) || BigInt(one) > MOST_LENGTH)
    throw new Malformed('content-length');
  return Number(one);
}

function codingOf(fields: readonly Field[]): string | undefined {
  const codings = values(fields, 'transfer-encoding');
  return codings.length === 0 ? undefined : codings.join(',').toLowerCase();
}

/**
 * Reads one request. Empty lines before it are skipped, however they end (RFC 9112, 2.2).
 * @throws Malformed
 */
export function readRequest(bytes: Buffer, from: number): Request1 | typeof MORE {
  let start = from;
  while (bytes[start] === 13 || bytes[start] === 10) start++;
  const found = head(bytes, start);
  if (found === MORE) return MORE;
  const line = REQUEST_LINE.exec(found.first);
  if (!line) throw new Malformed('request line');
  const [, method = '', target = '', version = ''] = line;
  const fields = fieldsOf(found.lines);
  const hosts = values(fields, 'host');
  const length = lengthOf(fields);
  const coding = codingOf(fields);
  if (
    coding !== undefined &&
    (length !== undefined || !/(?:^|[\t ,])chunked$/.test(coding) || version === '1.0')
  ) {
    throw new Malformed('transfer-encoding');
  }
  const body = coding ? chunked(bytes, found.end) : sized(bytes, found.end, length ?? 0);
  const { partial, broken = false } = body;
  const refused = hosts.length !== 1 || (coding !== undefined && coding !== 'chunked');
  return {
    method,
    target,
    version,
    fields,
    body: body.body,
    partial,
    broken,
    refused,
    length: body.end - from,
  };
}

/**
 * Reads one answer, with the informational ones before it.
 * @param ended no more bytes come: what has no length is whole.
 * @throws Malformed
 */
export function readAnswer(
  bytes: Buffer,
  from: number,
  method: string,
  ended: boolean,
): Answer1 | typeof MORE {
  const informational: Answer1['informational'] = [];
  let at = from;
  for (;;) {
    const found = head(bytes, at);
    if (found === MORE) {
      if (
        bytes.length > at &&
        !'HTTP/1.1 '.startsWith(bytes.toString('latin1', at, Math.min(at + 9, bytes.length)))
      ) {
        throw new Malformed(`status line ${JSON.stringify(bytes.toString('latin1', at, at + 80))}`);
      }
      return MORE;
    }
    const line = STATUS_LINE.exec(found.first);
    if (!line) throw new Malformed(`status line ${JSON.stringify(found.first.slice(0, 80))}`);
    const status = Number(line[1]);
    const fields = fieldsOf(found.lines);
    at = found.end;
    if (status < 200 && status !== 101) {
      informational.push({ status, fields });
      continue;
    }
    const length = lengthOf(fields);
    const coding = codingOf(fields);
    if (coding !== undefined && (coding !== 'chunked' || length !== undefined))
      throw new Malformed('framing');
    let body: Body;
    if (method === 'HEAD' || status === 204 || status === 304 || status === 101) body = sized(bytes, at, 0);
    else if (coding) {
      body = chunked(bytes, at);
      if (body.broken) throw new Malformed('chunked coding');
    } else if (length !== undefined) body = sized(bytes, at, length);
    else body = { body: bytes.subarray(at), trailers: [], end: bytes.length, partial: !ended };
    return {
      informational,
      status,
      fields,
      body: body.body,
      trailers: body.trailers,
      whole: !body.partial,
      length: body.end - from,
    };
  }
}
