import type { Random } from '../../testing/random.ts';
import { legalFields } from './fields.ts';
import { type Draft, FLAWS, QUIRKS, type Script, STALLS, stall } from './instanceH1Changes.ts';
import type { Asked, Given } from './oracle.ts';

function draftOf(random: Random, asked: Asked): Draft {
  const text = `${asked.id}:${random.word(random.pick([0, 3, 40, 40, 700, 20_000]))}`;
  return {
    expectation: 'right',
    status: 200,
    fields: [{ name: 'x-id', value: asked.id, passes: 'must' }, ...legalFields(random)],
    body: Buffer.from(text),
    trailers: [],
    headSent: true,
    stalls: false,
    before: '',
    version: 'HTTP/1.1',
    code: '200',
    reason: 'OK',
    framing: random.chance(0.6) ? 'length' : 'chunked',
    lines: '',
    extra: '',
    share: 1,
    ending: 'keep',
    chunk: (size) => size.toString(16),
    newline: '\r\n',
  };
}

/** @returns the body as it goes over the wire. */
function framed(draft: Draft, random: Random): string {
  const body = draft.body.toString('latin1');
  if (draft.framing !== 'chunked') return body;
  let text = '';
  for (let at = 0; at < body.length; ) {
    const size = random.chance(0.8) ? body.length - at : random.between(1, body.length - at);
    text += `${draft.chunk(size)}\r\n${body.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${text}0\r\n${draft.trailers.map(line).join('')}\r\n`;
}

const line = ({ name, value }: Given): string => `${name}: ${value}\r\n`;

/** Takes back what quirks in their sum make of a legal answer. */
function reconcile(draft: Draft, bodiless: boolean): void {
  if (draft.version === 'HTTP/1.0') {
    draft.before = '';
    if (draft.framing === 'chunked' && draft.expectation === 'right') draft.framing = 'length';
  }
  if (draft.status === 205) draft.body = Buffer.alloc(0);
  // RFC 9110, 8.6, and RFC 9112, 6.1: a 204 has neither of the two.
  if (draft.status === 204 && draft.expectation === 'right') draft.framing = 'none';
  if (draft.framing === 'close' && draft.ending === 'keep') draft.ending = 'end';
  if (draft.framing !== 'chunked' || bodiless) draft.trailers = [];
  // A 205 has no body for HTTP/2 to break off.
  if (draft.status === 205 && draft.expectation === 'broken' && draft.headSent) draft.expectation = 'either';
  // The framing does not matter of a body that cannot come.
  if (bodiless && draft.expectation === 'broken' && draft.share === 1 && draft.headSent)
    draft.expectation = 'either';
}

/** @returns what an instance of HTTP/1.1 answers to this request. */
export function scriptH1(random: Random, asked: Asked): Script {
  const draft = draftOf(random, asked);
  for (let i = random.pick([0, 1, 1, 2, 3]); i > 0; i--) random.pick(QUIRKS)(draft, random, asked);
  if (random.chance(STALLS)) stall(draft, random, asked);
  else if (random.chance(0.45)) random.pick(FLAWS)(draft, random, asked);
  const bodiless = asked.method === 'HEAD' || draft.status === 204 || draft.status === 304;
  reconcile(draft, bodiless);
  const announced = draft.framing === 'length' ? `content-length: ${draft.body.length}\r\n` : '';
  const framing = draft.framing === 'chunked' ? 'transfer-encoding: chunked\r\n' : announced;
  const written = draft.fields.map(line);
  written.splice(random.below(written.length + 1), 0, framing);
  const start = `${draft.version} ${draft.code} ${draft.reason}\r\n`;
  const top =
    draft.before + `${start}${written.join('')}${draft.lines}\r\n`.replaceAll('\r\n', draft.newline);
  const sent = bodiless ? '' : framed(draft, random);
  const all = Buffer.from(top + sent + draft.extra, 'latin1');
  const end = Math.floor(all.length * draft.share);
  if (draft.share < 1) cutShort(draft, end, top.length, all.length);
  if (bodiless) draft.body = Buffer.alloc(0);
  const bytes = all.subarray(0, end);
  const places = random.chance(0.2)
    ? random.places(Math.max(0, bytes.length - draft.extra.length - 1), 6)
    : [];
  const early = asked.body.length > 0 && random.chance(0.2);
  // Who closes while the request still comes resets the connection, and its answer may be lost with it.
  if (early && draft.ending !== 'keep' && draft.expectation === 'right') draft.expectation = 'either';
  return {
    model: draft,
    pieces: split(bytes, places),
    ending: draft.ending,
    early,
    spoils: draft.ending !== 'keep' || draft.expectation !== 'right',
  };
}

/** An answer that ends before its end: without a length of its own it is whole for all that anyone can know. */
function cutShort(draft: Draft, sent: number, headLength: number, total: number): void {
  draft.headSent = sent >= headLength;
  if (!draft.headSent) return;
  if (draft.framing === 'close' && draft.ending === 'end')
    draft.body = draft.body.subarray(0, sent - headLength);
  if (sent === total || (draft.framing === 'close' && draft.ending === 'end') || draft.framing === 'none') {
    draft.expectation = 'either';
  }
}

/** @returns the pieces between these places. */
export function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set([...places.filter((place) => place > 0 && place < bytes.length), bytes.length])];
  return ends.map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end));
}
