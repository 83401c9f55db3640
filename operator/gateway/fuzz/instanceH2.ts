import type { Random } from '../../testing/random.ts';
import { legalFields } from './fields.ts';
import * as h2 from './frames.ts';
import type { Script } from './instanceH1Changes.ts';
import { type Draft, FLAWS, QUIRKS } from './instanceH2Changes.ts';
import type { Asked, Given } from './oracle.ts';

function draftOf(random: Random, asked: Asked): Draft {
  const fields: Given[] = [
    { name: 'x-id', value: asked.id, passes: 'must' as const },
    ...legalFields(random),
  ].map((field) => ({
    ...field,
    name: field.name.toLowerCase(),
  }));
  return {
    expectation: 'right',
    status: 200,
    fields: fields.filter(({ name }) => name !== 'te'),
    body: Buffer.from(`${asked.id}:${random.word(random.pick([0, 3, 40, 40, 700, 20_000]))}`),
    trailers: [],
    headSent: true,
    stalls: false,
    before: [],
    section: [],
    rest: Buffer.alloc(0),
    headFlags: 0,
    cuts: [],
    data: [],
    after: [],
    ends: random.chance(0.5),
    share: 1,
    ending: 'keep',
    early: false,
    retry: false,
    spoils: false,
    refusesLater: false,
    announced: random.chance(0.3),
    bodiless: false,
  };
}

function dataFrames(draft: Draft, random: Random, stream: number): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < draft.body.length; ) {
    const piece = draft.body.subarray(at, at + random.pick([1 + random.below(500), 16_384, 16_384]));
    at += piece.length;
    if (piece.length > 16_000 || random.chance(0.9)) frames.push(h2.frame(h2.DATA, 0, stream, piece));
    else
      frames.push(
        h2.frame(h2.DATA, h2.PADDED, stream, Buffer.concat([Buffer.from([7]), piece, Buffer.alloc(7)])),
      );
    if (random.chance(0.05)) frames.push(h2.frame(h2.DATA, 0, stream));
  }
  return frames;
}

/** @returns what an h2c instance answers to this request on this stream. */
export function scriptH2(random: Random, asked: Asked, stream: number): Script {
  const draft = draftOf(random, asked);
  draft.data = dataFrames(draft, random, stream);
  for (let i = random.pick([0, 1, 1, 2, 3]); i > 0; i--) random.pick(QUIRKS)(draft, random, stream);
  const bodiless = asked.method === 'HEAD' || [204, 205, 304].includes(draft.status);
  draft.bodiless = bodiless;
  if (bodiless) draft.trailers = [];
  if (bodiless || draft.body.length === 0) {
    draft.data = draft.data.filter((frame) => frame[3] !== h2.DATA);
    draft.body = Buffer.alloc(0);
    draft.announced &&= draft.status !== 204;
  }
  draft.section = [[':status', String(draft.status)]];
  for (const { name, value } of draft.fields) draft.section.push([name, value]);
  if (random.chance(0.45)) random.pick(FLAWS)(draft, random, stream);
  // The head is the whole answer: what goes wrong behind it may come too late.
  if (bodiless && draft.expectation === 'broken' && draft.share === 1 && draft.headSent)
    draft.expectation = 'either';
  if (draft.status > 599) draft.section[0] = [':status', String(draft.status)];
  if (draft.announced) draft.section.push(['content-length', String(draft.body.length)]);
  const alone =
    draft.data.length === 0 && draft.after.length === 0 && draft.trailers.length === 0 && draft.ends;
  const head = h2.headers(
    stream,
    alone ? h2.END_STREAM : 0,
    Buffer.concat([h2.block(draft.section), draft.rest]),
    draft.cuts,
  );
  const ending: Buffer[] = [];
  if (draft.trailers.length > 0) {
    ending.push(
      ...h2.headers(stream, h2.END_STREAM, h2.block(draft.trailers.map(({ name, value }) => [name, value]))),
    );
  } else if (!alone && (draft.ends || draft.expectation !== 'broken' || draft.after.length === 0)) {
    ending.push(h2.frame(h2.DATA, h2.END_STREAM, stream));
  }
  if (draft.expectation === 'broken' && !draft.ends && draft.after.length > 0) ending.length = 0;
  // What comes on a stream that has ended is an error of the whole connection (RFC 9113, 5.1).
  const late = draft.after.some((frame) => frame[3] === h2.HEADERS || frame[3] === h2.DATA);
  if (late && ending.length > 0) draft.spoils = true;
  const all = [...draft.before, ...head, ...draft.data, ...ending, ...draft.after];
  return finish(draft, random, asked, stream, all, draft.before.length + head.length, draft.after);
}

function finish(
  draft: Draft,
  random: Random,
  asked: Asked,
  stream: number,
  all: Buffer[],
  heads: number,
  after: Buffer[],
): Script {
  let pieces = all;
  if (draft.share < 1) {
    // It ends before the frame that ends the stream, whatever else there is.
    const end = all.findIndex(
      (frame) =>
        (frame[3] === h2.DATA || frame[3] === h2.HEADERS) && ((frame[4] as number) & h2.END_STREAM) !== 0,
    );
    const kept = Math.floor((end < 0 ? all.length - after.length : end) * draft.share);
    pieces = [
      ...all.slice(0, kept),
      ...after.filter((frame) => draft.ending === 'keep' && frame[3] === h2.RST_STREAM),
    ];
    draft.headSent = kept >= heads;
    // Whatever comes in the middle of a header section ends the connection (RFC 9113, 6.10).
    const last = all[kept - 1];
    if (last && sectionOpen(last) && pieces.length > kept) draft.spoils = true;
    if (draft.headSent && draft.bodiless) draft.expectation = 'either';
  }
  const early = draft.early || (asked.body.length > 0 && random.chance(0.2));
  const spoils = draft.spoils || draft.ending !== 'keep';
  const joined = random.chance(0.8) ? [Buffer.concat(pieces)] : sectionsJoined(pieces);
  const script: Script = {
    model: draft,
    pieces: joined,
    ending: draft.ending,
    early: early && !draft.retry,
    spoils,
    refusesLater: draft.refusesLater,
  };
  if (!draft.retry) return script;
  // Only a request without a body can be sent again.
  if (asked.body.length > 0) draft.expectation = 'either';
  return { ...script, pieces: [h2.reset(stream, 7)], retry: script };
}

/** @returns the frames with each header section in one piece: no other frame may come between (RFC 9113, 4.3). */
function sectionsJoined(frames: Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  let open = false;
  for (const frame of frames) {
    const last = pieces.at(-1);
    if (open && last) pieces[pieces.length - 1] = Buffer.concat([last, frame]);
    else pieces.push(frame);
    open = sectionOpen(frame);
  }
  return pieces;
}

/** Whether a header section goes on behind this frame. */
function sectionOpen(frame: Buffer): boolean {
  const headers = frame[3] === h2.HEADERS || frame[3] === h2.CONTINUATION;
  return headers && ((frame[4] as number) & h2.END_HEADERS) === 0;
}
