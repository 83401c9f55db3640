import { HOP, ILLEGAL, legalFields, legalTrailers } from './fields.ts';
import type { Asked, Given, Model } from './oracle.ts';
import type { Random } from './random.ts';

/** What an instance does for one request. */
export interface Script {
  model: Model;
  /** Written one after the other; what is one piece must stay one. */
  pieces: Buffer[];
  /** How it goes on when all is written. */
  then: 'keep' | 'end' | 'reset' | 'stall';
  /** It answers before it has the request's body. */
  early: boolean;
  /** The connection is of no use afterwards. */
  spoils: boolean;
  /** Later attempts at the same request: the first was refused before anything was done. */
  retry?: Script;
}

/** An answer before it is bytes. */
interface Draft extends Model {
  before: string;
  version: string;
  code: string;
  reason: string;
  framing: 'length' | 'chunked' | 'close' | 'none';
  /** Lines behind all fields, as they are. */
  lines: string;
  /** Bytes behind the answer. */
  extra: string;
  /** Only this share of the bytes is sent. */
  share: number;
  then: Script['then'];
  chunk: (size: number) => string;
  newline: string;
}

type Change = (draft: Draft, random: Random, asked: Asked) => void;

const informational = (line: string): Change => (draft) => {
  draft.before += line;
};

/** Legal, if rare: the answer must come through. */
const QUIRKS: Change[] = [
  (draft, random) => {
    draft.status = random.between(200, 599);
    draft.code = String(draft.status);
  },
  (draft, random) => {
    draft.status = random.pick([204, 304, 205, 206, 226, 413, 426, 511, 599]);
    draft.code = String(draft.status);
  },
  (draft, random) => {
    draft.reason = random.pick(['', 'Ünïcode 中'.normalize(), 'latin \xe9', 'a\tb', 'x'.repeat(500)]);
    draft.reason = Buffer.from(draft.reason).toString('latin1');
  },
  informational('HTTP/1.1 100 Continue\r\n\r\n'),
  informational('HTTP/1.1 102 Processing\r\n\r\n'),
  informational('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload, </b>; rel=preload\r\n\r\n'),
  informational('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nLink: </b>\r\nX-A: \xe9\r\n\r\n'),
  informational('HTTP/1.1 103 Early Hints\r\nDate: a\r\nDate: b\r\nETag: 1\r\nETag: 2\r\n\r\n'),
  informational('HTTP/1.1 103 Early Hints\r\nLink: no link at all\r\nConnection: x\r\n\r\n'),
  (draft, random) => void draft.fields.push(...random.pick(HOP)(random)),
  (draft, random) => {
    draft.framing = 'chunked';
    draft.trailers = legalTrailers(random, false);
  },
  (draft) => {
    draft.framing = 'chunked';
    draft.chunk = (size) => `000${size.toString(16).toUpperCase()};name="a;b"`;
  },
  (draft) => {
    draft.version = 'HTTP/1.0';
    draft.framing = 'close';
    draft.then = 'end';
  },
  (draft) => {
    draft.framing = 'close';
    draft.then = 'end';
  },
  (draft) => {
    draft.then = 'end';
    draft.lines += 'connection: close\r\n';
  },
  (draft) => {
    draft.body = Buffer.alloc(0);
  },
];

/** A fault in the head: nothing of the answer can have begun. */
const head =
  (verdict: 'either' | 'broken', change: Change): Change =>
  (draft, random, asked) => {
    draft.verdict = verdict;
    draft.headSent = false;
    if (draft.then === 'keep') draft.then = 'end';
    change(draft, random, asked);
  };

const body =
  (verdict: 'either' | 'broken', change: Change): Change =>
  (draft, random, asked) => {
    head(verdict, change)(draft, random, asked);
    draft.headSent = true;
  };

const sized = (value: (length: number, random: Random) => string): Change => (draft, random) => {
  draft.framing = 'none';
  draft.lines += value(draft.body.length, random);
};

const lines = (text: string): Change => (draft) => {
  draft.lines += text;
};

/** Faults of an instance. */
const FLAWS: Change[] = [
  head('broken', (draft, random) => {
    draft.status = random.between(600, 999);
    draft.code = String(draft.status);
  }),
  head('broken', (draft, random) => {
    draft.code = random.pick(['99', '099', '20', '2000', 'abc', '-200', '', '000', '101', '1 0']);
  }),
  head('either', (draft, random) => {
    draft.version = random.pick(['HTTP/2.0', 'HTTP/1.2', 'HTTP/1', 'http/1.1', 'ICY', 'HTTP/1.1 ', '', 'HTTP/9.9']);
  }),
  head('either', (draft, random) => {
    const [name, value] = random.pick(ILLEGAL);
    draft.fields.push({ name, value, passes: 'may' });
  }),
  head('either', (draft) => {
    draft.fields.push({ name: 'x-fold', value: 'a\r\n b', passes: 'may' });
  }),
  head('either', lines('no colon\r\n')),
  head('either', (draft, random) => {
    draft.newline = random.pick(['\n', '\r', '\n\r', '\r\r\n']);
  }),
  head('either', (draft, random) => {
    draft.reason = random.pick(['a\x00b', 'a\x01', 'a\rb', 'a\x7f']);
  }),
  head('either', (draft, random) => {
    draft.before += random.pick(['\r\n\r\n', 'garbage\r\n', '\0', 'HTTP/1.1 103 Early Hints\r\nlink: \x01\r\n\r\n']);
  }),
  head(
    'broken',
    sized((length) => `content-length: ${length}\r\ncontent-length: ${length + 1}\r\n`),
  ),
  head(
    'either',
    sized((length) => `content-length: ${length}\r\n`.repeat(2)),
  ),
  head(
    'broken',
    sized((length) => `content-length: ${length}, ${length + 1}\r\n`),
  ),
  head(
    'either',
    sized((length, random) => {
      const value = random.pick(['+N', 'N x', '-N', '0xN', 'N.0', 'Ne0', '99999999999999999999', '', '\x0bN']);
      return `content-length: ${value.replace('N', String(length))}\r\n`;
    }),
  ),
  head('either', (draft, random) => {
    draft.framing = 'chunked';
    draft.lines += `content-length: ${random.below(9)}\r\n`;
  }),
  head('either', (draft, random) => {
    draft.framing = 'close';
    draft.lines += `transfer-encoding: ${random.pick(['gzip', 'chunked, gzip', 'xchunked', ' , ', 'identity'])}\r\n`;
  }),
  head('either', (draft, random) => {
    draft.fields.push({ name: 'x-huge', value: '', passes: 'may' });
    draft.lines += `x-huge: ${'a'.repeat(random.between(60_000, 140_000))}\r\n`;
  }),
  head('either', (draft) => {
    for (let i = 0; i < 3000; i++) draft.fields.push({ name: 'x-h', value: 'a', passes: 'may' });
  }),
  body('broken', (draft, random) => {
    const bad = random.pick(['x', 'g', '', '-1', 'ffffffffffffffffff', '0x4']);
    draft.framing = 'chunked';
    draft.chunk = () => bad;
    if (draft.body.length === 0) draft.body = Buffer.from('x');
  }),
  body('either', (draft, random) => {
    draft.extra = random.pick([
      'HTTP/1.1 200 OK\r\nx-id: EVIL\r\ncontent-length: 4\r\n\r\nEVIL',
      'HTTP/1.1 103 Early Hints\r\nx-id: EVIL\r\n\r\n',
      '\r\n',
      'garbage',
      '\0',
    ]);
    if (draft.framing === 'close') draft.framing = 'length';
    draft.then = random.pick(['keep', 'end']);
  }),
  body('broken', (draft, random) => {
    draft.share = random.next();
    draft.then = random.pick(['end', 'end', 'reset']);
  }),
  body('broken', (draft, random) => {
    draft.share = random.next();
    draft.then = 'reset';
  }),
];

const stall = body('broken', (draft, random) => {
  draft.share = random.next();
  draft.then = 'stall';
  draft.stalls = true;
});

/** How often an instance says nothing more, in all: such a case takes as long as the timeout. */
const STALLS = 0.0003;

function draftOf(random: Random, asked: Asked): Draft {
  const text = `${asked.id}:${random.word(random.pick([0, 3, 40, 40, 700, 20_000]))}`;
  return {
    verdict: 'right',
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
    then: 'keep',
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
function settle(draft: Draft, bodiless: boolean): void {
  if (draft.version === 'HTTP/1.0') {
    draft.before = '';
    if (draft.framing === 'chunked' && draft.verdict === 'right') draft.framing = 'length';
  }
  if (draft.status === 205) draft.body = Buffer.alloc(0);
  // RFC 9110, 8.6, and RFC 9112, 6.1: a 204 has neither of the two.
  if (draft.status === 204 && draft.verdict === 'right') draft.framing = 'none';
  if (draft.framing === 'close' && draft.then === 'keep') draft.then = 'end';
  if (draft.framing !== 'chunked' || bodiless) draft.trailers = [];
  // Nobody looks at the framing of a body that cannot come.
  if (bodiless && draft.verdict === 'broken' && draft.share === 1 && draft.headSent) draft.verdict = 'either';
}

/** @returns what an instance of HTTP/1.1 answers to this request. */
export function scriptH1(random: Random, asked: Asked): Script {
  const draft = draftOf(random, asked);
  for (let i = random.pick([0, 1, 1, 2, 3]); i > 0; i--) random.pick(QUIRKS)(draft, random, asked);
  if (random.chance(STALLS)) stall(draft, random, asked);
  else if (random.chance(0.45)) random.pick(FLAWS)(draft, random, asked);
  const bodiless = asked.method === 'HEAD' || draft.status === 204 || draft.status === 304;
  settle(draft, bodiless);
  const announced = draft.framing === 'length' ? `content-length: ${draft.body.length}\r\n` : '';
  const framing = draft.framing === 'chunked' ? 'transfer-encoding: chunked\r\n' : announced;
  const written = draft.fields.map(line);
  written.splice(random.below(written.length + 1), 0, framing);
  const start = `${draft.version} ${draft.code} ${draft.reason}\r\n`;
  const top = draft.before + `${start}${written.join('')}${draft.lines}\r\n`.replaceAll('\r\n', draft.newline);
  const sent = bodiless ? '' : framed(draft, random);
  const all = Buffer.from(top + sent + draft.extra, 'latin1');
  const end = Math.floor(all.length * draft.share);
  if (draft.share < 1) cutShort(draft, end, top.length, all.length);
  if (bodiless) draft.body = Buffer.alloc(0);
  const bytes = all.subarray(0, end);
  const places = random.chance(0.2) ? random.places(Math.max(0, bytes.length - draft.extra.length - 1), 6) : [];
  const early = asked.body.length > 0 && random.chance(0.2);
  // Who closes while the request still comes resets the connection, and its answer may be lost with it.
  if (early && draft.then !== 'keep' && draft.verdict === 'right') draft.verdict = 'either';
  return {
    model: draft,
    pieces: split(bytes, places),
    then: draft.then,
    early,
    spoils: draft.then !== 'keep' || draft.verdict !== 'right',
  };
}

/** An answer that ends before its end: without a length of its own it is whole for all that anyone can know. */
function cutShort(draft: Draft, sent: number, headLength: number, total: number): void {
  draft.headSent = sent >= headLength;
  if (!draft.headSent) return;
  if (draft.framing === 'close' && draft.then === 'end') draft.body = draft.body.subarray(0, sent - headLength);
  if (sent === total || (draft.framing === 'close' && draft.then === 'end') || draft.framing === 'none') {
    draft.verdict = 'either';
  }
}

/** @returns the pieces between these places. */
export function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set([...places.filter((place) => place > 0 && place < bytes.length), bytes.length])];
  return ends.map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end));
}
