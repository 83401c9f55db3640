import { S3Error, type S3ErrorCode } from './errors.ts';

/** An object of a listing. */
export interface Listed {
  key: string;
  size: number;
  /** Milliseconds since 1970. */
  modified: number;
}

/** A page of a listing, and what asks for the next one (S3 API, ListObjectsV2). */
export interface ListPage {
  objects: Listed[];
  /** Keys up to and with the delimiter, each once. */
  prefixes: string[];
  next?: string;
}

/** What lists are from their beginning to their end. */
const LIST = /^\s*(?:<\?xml[^>]*>\s*)?<ListBucketResult[\s>].*<\/ListBucketResult>\s*$/s;

/**
 * Reads the answer of ListObjectsV2. Keys are as the store writes them in XML; ours need no escapes.
 * @throws {S3Error} S3_ANSWER where it is not that, or not all of it: what a list lacks is taken for gone, and swept.
 */
export function readList(xml: string): ListPage {
  if (!LIST.test(xml)) throw noList('it is something else, or cut off');
  const isTruncated = textOf(xml, 'IsTruncated');
  const next = (isTruncated !== 'false' && textOf(xml, 'NextContinuationToken')) || undefined;
  if (isTruncated === 'true' && next === undefined) {
    throw noList('it goes on, and does not say how (ListObjectsV2)');
  }
  return {
    objects: elements(xml, 'Contents').map(readListed),
    prefixes: elements(xml, 'CommonPrefixes').map((each) => textOf(each, 'Prefix') ?? ''),
    ...(next === undefined ? {} : { next }),
  };
}

function readListed(xml: string): Listed {
  const [key = '', size = '', date = ''] = ['Key', 'Size', 'LastModified'].map((name) => textOf(xml, name));
  const modified = Date.parse(date);
  if (key === '' || !/^\d{1,15}$/.test(size) || Number.isNaN(modified)) {
    throw noList('an object in it lacks its key, its size or its time');
  }
  return { key, size: Number(size), modified };
}

/** @param why what is wrong with what was answered to a request for a list. */
export function noList(why: string): S3Error {
  return new S3Error('S3_ANSWER', `The store's list of objects cannot be used: ${why}.`);
}

/** What an answer that is no success means. @param what the request, for people. */
export function refusal(what: string, status: number, body: string): S3Error {
  const named = textOf(body, 'Code') ?? '';
  const code = codeOf(status, named);
  const said = `${what}: the store answered ${status}${named && ` (${named})`}`;
  return new S3Error(code, `${said}.${adviceOf(code, status, named)}`);
}

/** What a store names its answers where the status alone does not say it (S3 API, Error responses). */
const CODES: ReadonlyMap<string, S3ErrorCode> = new Map([
  ['NoSuchBucket', 'S3_NO_BUCKET'],
  ['NoSuchKey', 'S3_NO_OBJECT'],
  ['RequestTimeout', 'S3_BUSY'],
  ['OperationAborted', 'S3_BUSY'],
]);

function codeOf(status: number, named: string): S3ErrorCode {
  const known = CODES.get(named);
  if (known) return known;
  if (status === 401 || status === 403) return 'S3_DENIED';
  return status === 429 || status >= 500 ? 'S3_BUSY' : 'S3_ANSWER';
}

const KEYS = ' The keys of the Secret in chart value api.storage.s3.secret must be';
const OTHER_KEYS = `${KEYS} the store's.`;
const ELSEWHERE =
  ' Chart values api.storage.s3.endpoint and api.storage.s3.region must be those of the bucket.';

/** By what the store names it. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['NoSuchBucket', ' The bucket in chart value api.storage.s3.bucket must be there.'],
  ['InvalidAccessKeyId', OTHER_KEYS],
  ['SignatureDoesNotMatch', OTHER_KEYS],
  ['RequestTimeTooSkewed', ' The clocks of the node and of the store must agree.'],
  ['AuthorizationHeaderMalformed', ELSEWHERE],
]);

function adviceOf(code: S3ErrorCode, status: number, named: string): string {
  const known = ADVICE.get(named);
  if (known) return known;
  if (code === 'S3_DENIED') return `${KEYS} allowed to read, write, list and delete.`;
  return status < 400 ? ELSEWHERE : '';
}

function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, inner]) => inner ?? '');
}

const LAST_CODE_POINT = 0x10_ff_ff;
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function textOf(xml: string, name: string): string | undefined {
  const [text] = elements(xml, name);
  return text?.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, named) => {
    if (named) return ENTITIES[named] ?? whole;
    const code = Number.parseInt(decimal ?? hex, decimal ? 10 : 16);
    return code <= LAST_CODE_POINT ? String.fromCodePoint(code) : whole;
  });
}
