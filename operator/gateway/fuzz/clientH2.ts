import type { Random } from '../../testing/random.ts';
import { type ClientCase, mutated } from './clientH1.ts';
import { type Draft, FLAWS, overstated, QUIRKS } from './clientH2Changes.ts';
import * as h2 from './frames.ts';

const METHODS = ['GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'];

function draftOf(random: Random, id: string, host: string, stream: number): Draft {
  const method = random.pick(METHODS);
  const smuggled = `GET /c/${id}.s HTTP/1.1\r\nHost: ${host}\r\nX-Id: ${id}.s\r\n\r\n`;
  const text = random.pick(['', 'x', random.word(300), smuggled, `0\r\n\r\n${smuggled}`, random.word(3000)]);
  const body = Buffer.from(['POST', 'PUT'].includes(method) ? text : '');
  const data: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const piece = body.subarray(at, at + random.between(1, 3000));
    at += piece.length;
    if (random.chance(0.9)) data.push(h2.frame(h2.DATA, 0, stream, piece));
    else
      data.push(
        h2.frame(h2.DATA, h2.PADDED, stream, Buffer.concat([Buffer.from([3]), piece, Buffer.alloc(3)])),
      );
  }
  return {
    stream,
    expected: { id, method, path: `/c/${id}`, body, whole: true },
    section: [
      [':method', method],
      [':scheme', 'http'],
      [':path', `/c/${id}`],
      [':authority', host],
      ['x-id', id],
    ],
    rest: Buffer.alloc(0),
    cuts: [],
    data,
    trailers: undefined,
    before: [],
    after: [],
    malformed: false,
    most: Number.POSITIVE_INFINITY,
  };
}

function framesOf(draft: Draft): Buffer[] {
  const { stream, data, trailers } = draft;
  const alone = data.length === 0 && trailers === undefined;
  const length = String(draft.expected.body.length);
  draft.expected.announced = draft.section.some(
    ([name, value]) => name === 'content-length' && value === length,
  );
  const [name, tooLong] = overstated(draft);
  const isTooLong = draft.section.some((field) => field[0] === name && field[1] === tooLong);
  // A section that ends its stream says at once that it is wrong.
  if (alone && isTooLong) draft.malformed = true;
  const section = Buffer.concat([h2.block(draft.section), draft.rest]);
  const head = h2.headers(stream, alone ? h2.END_STREAM : 0, section, draft.cuts);
  const end = trailers
    ? h2.headers(stream, h2.END_STREAM, h2.block(trailers))
    : [h2.frame(h2.DATA, h2.END_STREAM, stream)];
  const own = [...head, ...data, ...(alone ? [] : end)];
  // A section without its end is no request, and so is what follows it in its place.
  if (draft.most < head.length) draft.malformed = true;
  if (draft.most < own.length) draft.expected.whole = false;
  return [...draft.before, ...own.slice(0, draft.most), ...draft.after];
}

function spoil(draft: Draft, random: Random): void {
  const sound = JSON.stringify(draft.section);
  for (let i = random.pick([1, 1, 2]); i > 0; i--) random.pick(FLAWS)(draft, random);
  // The second flaw may have taken out what the first had put in.
  if (JSON.stringify(draft.section) === sound && draft.rest.length === 0) draft.malformed = false;
}

/** @returns requests of HTTP/2 by grammar, one of which may be anything but good. @param first the connection's next stream. */
export function caseH2(
  random: Random,
  id: string,
  host: string,
  first: number,
): ClientCase & { streams: number[] } {
  const count = random.pick([1, 1, 2, 3, 10]);
  const bad = random.chance(0.6) ? random.below(count) : -1;
  let clean = bad < 0;
  const parts: Buffer[] = first === 1 ? [h2.PREFACE, h2.settings([1, 0], [2, 0])] : [];
  const drafts: Draft[] = [];
  for (let at = 0; at < count; at++) {
    const draft = draftOf(random, `${id}.${at}`, host, first + 2 * at);
    for (let i = random.pick([0, 0, 1, 2]); i > 0; i--) random.pick(QUIRKS)(draft, random);
    if (at === bad) spoil(draft, random);
    parts.push(...framesOf(draft));
    drafts.push(draft);
  }
  if (bad < 0 && random.chance(0.03)) {
    // Many requests that are taken back at once.
    clean = false;
    for (let at = count; at < count + 100; at++) {
      const draft = draftOf(random, `${id}.${at}`, host, first + 2 * at);
      drafts.push(draft);
      parts.push(...framesOf(draft), h2.reset(draft.stream, 8));
    }
  }
  let bytes: Buffer = Buffer.concat(parts);
  const expected = drafts.filter((draft) => !draft.malformed).map((draft) => draft.expected);
  if (random.chance(0.05)) {
    clean = false;
    bytes = cutOrBroken(random, bytes);
  }
  return { bytes, expected, clean, bad: -1, streams: drafts.map(({ stream }) => stream) };
}

/** Bytes in which frames no longer begin where they did: what they then say is anything. */
function cutOrBroken(random: Random, bytes: Buffer): Buffer {
  if (random.chance(0.3)) return mutated(random, bytes.subarray(0, 40));
  return bytes.subarray(0, random.below(bytes.length));
}
