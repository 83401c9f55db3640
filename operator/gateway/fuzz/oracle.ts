import { type Field, values } from './http1.ts';

/** The gateway did what it must not; `message` is the kind, the same for all cases of one fault. */
export class Finding extends Error {
  readonly code = 'FINDING';
  readonly detail: string;

  constructor(kind: string, detail = '') {
    super(kind);
    this.detail = detail;
  }
}

/** A request as a client sent it. */
export interface Asked {
  id: string;
  method: string;
  version: '1.0' | '1.1' | '2';
  body: Buffer;
}

/** What the client got for it. */
export interface Seen {
  informational: { status: number; fields: Field[] }[];
  /** 0: no answer. */
  status: number;
  fields: Field[];
  body: Buffer;
  trailers: Field[];
  /** The answer looks complete; otherwise its connection or stream broke. */
  whole: boolean;
  /** How its connection ended before it was whole: the error's code, or without one. */
  cut?: string;
  /** Why what came is no HTTP. */
  malformed?: string;
}

export const nothing = (malformed?: string): Seen => ({
  informational: [],
  status: 0,
  fields: [],
  body: Buffer.alloc(0),
  trailers: [],
  whole: false,
  ...(malformed === undefined ? undefined : { malformed }),
});

/** A field of an instance's answer: `one` is there several times and passes at least once. */
export interface Given {
  name: string;
  value: string;
  passes: 'must' | 'one' | 'may' | 'never';
}

/** What an instance was made to answer, and what a client may see of it. */
export interface Model {
  /** `right`: exactly this; `either`: this, a rejection or a broken connection; `broken`: never as if it were whole. */
  expectation: 'right' | 'either' | 'broken';
  status: number;
  fields: Given[];
  body: Buffer;
  trailers: Given[];
  /** The instance sent its whole head, so that an answer may have begun. */
  headSent: boolean;
  /** It ends by a timeout: what has no length may end where it is (Knative conformance, TestRevisionTimeout). */
  stalls: boolean;
}

/** Fields that the gateway itself may add to an answer. */
const OWN = new Set([
  'connection',
  'keep-alive',
  'date',
  'transfer-encoding',
  'content-length',
  'cache-control',
]);
/** Fields that no trailer section may have (RFC 9110, 6.5.1). */
const NEVER_TRAILERS = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'host',
  'trailer',
  'te',
]);
const REJECTIONS = new Set([500, 502, 503, 504]);

const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? '';

/**
 * Checks what a client got for a request.
 * @param lenient an instance's earlier fault may have reached this request, so that a rejection is right as well.
 * @throws Finding
 */
export function judge(asked: Asked, model: Model, seen: Seen, lenient: boolean): void {
  try {
    checkSeen(asked, model, seen, lenient);
  } catch (error) {
    if (error instanceof Finding) throw new Finding(error.message, `${asked.id}: ${error.detail}`);
    throw error;
  }
}

function checkSeen(asked: Asked, model: Model, seen: Seen, lenient: boolean): void {
  const expectation = lenient && model.expectation === 'right' ? 'either' : model.expectation;
  if (seen.malformed !== undefined)
    throw new Finding('the client got bytes that are no HTTP', seen.malformed);
  if (seen.status === 0) {
    if (expectation !== 'right' && (model.headSent || lenient)) return;
    throw new Finding(
      `the connection ended without an answer (HTTP/${asked.version}, expected: ${expectation === 'right' ? 'an answer' : 'a rejection'})`,
      `${show(model.status)}, ${seen.cut}`,
    );
  }
  const ids = values(seen.fields, 'x-id');
  if (ids.some((id) => id !== asked.id)) {
    throw new Finding('FATAL: an answer of another request', `${show(ids)} for ${asked.id}`);
  }
  if (ids.length === 0) checkRejection(asked, expectation, seen);
  else checkPassed(asked, { ...model, expectation }, seen);
}

function checkRejection(asked: Asked, expectation: Model['expectation'], seen: Seen): void {
  const said = `${seen.status} ${show(seen.body.toString('latin1'))}`;
  if (expectation === 'right')
    throw new Finding(`a right answer was rejected with ${seen.status} (HTTP/${asked.version})`, said);
  if (!REJECTIONS.has(seen.status))
    throw new Finding(`the instance's fault was answered with ${seen.status}`, said);
  if (!seen.whole) throw new Finding('a rejection was broken off', said);
}

function checkPassed(asked: Asked, model: Model, seen: Seen): void {
  const { expectation } = model;
  const to = `(HTTP/${asked.version})`;
  if (seen.status !== model.status)
    throw new Finding(`another status than the instance's ${to}`, `${seen.status}, not ${model.status}`);
  if (seen.status > 599) throw new Finding(`a status above 599 was passed ${to}`, show(seen.status));
  // Who sent as much as was announced has nothing left to say that could be missed.
  const length = values(seen.fields, 'content-length')[0];
  const announced =
    model.headSent && length === String(model.body.length) && seen.body.length === model.body.length;
  if (seen.whole && expectation === 'broken' && !model.stalls && !announced) {
    throw new Finding(`a broken answer looks whole ${to}`, `${seen.body.length} bytes`);
  }
  if (!seen.whole && expectation === 'right')
    throw new Finding(`a right answer was broken off ${to}`, `${seen.body.length} bytes, ${seen.cut}`);
  const got = model.body.subarray(0, seen.body.length);
  if (!got.equals(seen.body))
    throw new Finding(`another body than the instance's ${to}`, show(seen.body.toString('latin1')));
  if (seen.whole && expectation !== 'broken' && !model.stalls && got.length < model.body.length) {
    throw new Finding(`half of a body looks whole ${to}`, `${got.length} of ${model.body.length}`);
  }
  checkFraming(asked, seen, to);
  checkFields(model.fields, seen.fields, `field ${to}`);
  if (seen.whole && expectation === 'right') checkTrailers(asked, model, seen, to);
}

function checkFraming(asked: Asked, seen: Seen, to: string): void {
  if (seen.status === 204 && values(seen.fields, 'content-length').length > 0) {
    throw new Finding(`204 with Content-Length ${to}`);
  }
  if (asked.version === '1.0' && values(seen.fields, 'transfer-encoding').length > 0) {
    throw new Finding('a chunked answer to HTTP/1.0');
  }
  if (asked.version === '1.0' && seen.informational.length > 0) throw new Finding('1xx to HTTP/1.0');
  for (const { status, fields } of seen.informational) {
    if (status === 101 || status > 103) throw new Finding(`${status} was passed ${to}`);
    if (values(fields, 'x-id').some((id) => id !== asked.id))
      throw new Finding('FATAL: 1xx of another request');
  }
}

function checkFields(given: readonly Given[], seen: readonly Field[], what: string): void {
  const got = new Map<string, string[]>();
  for (const [name, value] of seen) {
    const lower = name.toLowerCase();
    const present = got.get(lower);
    if (present) present.push(value);
    else got.set(lower, [value]);
  }
  const known = new Set(OWN);
  for (const { name, value, passes } of given) {
    const lower = name.toLowerCase();
    known.add(lower);
    const found = got.get(lower);
    if (passes === 'never' && found?.includes(value))
      throw new Finding(`a ${what} of the hop was passed`, show([name, value]));
    if (passes === 'must' && !found?.includes(value)) {
      throw new Finding(`a ${what} was lost or changed`, show([name, value, found]));
    }
    const alike = (other: Given): boolean =>
      other.name.toLowerCase() === lower && !!found?.includes(other.value);
    if (passes === 'one' && !given.some(alike))
      throw new Finding(`a ${what} that came twice was lost`, show([name, value]));
  }
  for (const name of got.keys())
    if (!known.has(name)) throw new Finding(`a ${what} that neither side sent`, show(name));
}

function checkTrailers(asked: Asked, model: Model, seen: Seen, to: string): void {
  for (const [name] of seen.trailers) {
    if (NEVER_TRAILERS.has(name.toLowerCase()))
      throw new Finding(`the forbidden trailer ${name} was passed ${to}`);
  }
  const chunked = asked.version === '2' || values(seen.fields, 'transfer-encoding').length > 0;
  const lost = (trailer: Given): Given =>
    chunked || trailer.passes !== 'must' ? trailer : { ...trailer, passes: 'may' };
  const bodiless = asked.method === 'HEAD' || [204, 205, 304].includes(seen.status);
  checkFields(
    bodiless ? model.trailers.map((t) => ({ ...t, passes: 'may' })) : model.trailers.map(lost),
    seen.trailers,
    `trailer ${to}`,
  );
}
