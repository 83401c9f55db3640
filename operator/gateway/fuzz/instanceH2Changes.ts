import type { Random } from '../../testing/random.ts';
import { ILLEGAL, legalTrailers } from './fields.ts';
import * as h2 from './frames.ts';
import type { Script } from './instanceH1Changes.ts';
import type { Model } from './oracle.ts';

/** What an h2c instance does for one request, in frames of its stream. */
export interface Draft extends Model {
  /** Frames before the answer's head. */
  before: Buffer[];
  section: [string, string][];
  /** Bytes of the header section behind its fields. */
  rest: Buffer;
  headFlags: number;
  cuts: number[];
  data: Buffer[];
  /** Frames behind the data; whether any ends the stream is in `ended`. */
  after: Buffer[];
  /** The last DATA frame ends the stream. */
  ends: boolean;
  share: number;
  ending: Script['ending'];
  early: boolean;
  retry: boolean;
  /** The whole connection fails with it. */
  spoils: boolean;
  /** A GOAWAY says that streams above its own were not looked at. */
  refusesLater: boolean;
  announced: boolean;
  /** No body can follow its head. */
  bodiless: boolean;
}

type Change = (draft: Draft, random: Random, stream: number) => void;

const info =
  (status: string, ...fields: [string, string][]): Change =>
  (draft, _random, stream) => {
    draft.before.push(...h2.headers(stream, 0, h2.block([[':status', status], ...fields])));
  };
const foreign =
  (make: (stream: number, random: Random) => Buffer): Change =>
  (draft, random, stream) => {
    const bytes = make(stream, random);
    if (random.chance(0.5)) draft.before.push(bytes);
    else draft.data.splice(random.below(draft.data.length + 1), 0, bytes);
  };

export const QUIRKS: Change[] = [
  (draft, random) => {
    draft.status = random.between(200, 599);
  },
  (draft, random) => {
    draft.status = random.pick([204, 304, 206, 413, 599]);
  },
  info('100'),
  info('102'),
  info('103', ['link', '</a>; rel=preload, </b>; rel=preload']),
  info('103', ['link', '</a>'], ['link', '</b>'], ['x-a', '\xe9']),
  info('103', ['date', 'a'], ['date', 'b'], ['etag', '1'], ['etag', '2']),
  (draft, random) => {
    draft.trailers = legalTrailers(random, true);
  },
  (draft, random) => {
    draft.announced = true;
    draft.trailers = legalTrailers(random, true);
  },
  (draft) => {
    draft.announced = true;
  },
  (draft, random) => {
    draft.cuts = random.places(60, 4);
  },
  (draft) => {
    draft.body = Buffer.alloc(0);
  },
  foreign(() => h2.frame(h2.PING, 0, 0, Buffer.alloc(8))),
  foreign(() => h2.settings([3, 100], [4, 100_000])),
  foreign((stream) => h2.windowUpdate(stream, 1000)),
  foreign(() => h2.windowUpdate(0, 1000)),
  foreign((stream) => h2.frame(h2.PRIORITY, 0, stream, Buffer.alloc(5, 0))),
  foreign((stream) => h2.frame(0x77, 255, stream, Buffer.from('unknown'))),
  foreign(() => h2.frame(10, 0, 0, Buffer.from('\0\x08http://ah2=":443"'))),
  (draft, _random, stream) => {
    draft.after.push(h2.reset(stream, 0));
    draft.early = true;
  },
  (draft, random, stream) => {
    // A second one must not name a later stream.
    if (draft.before.some((bytes) => bytes[3] === h2.GOAWAY)) return;
    const last = random.pick([stream, 0x7fffffff]);
    draft.refusesLater = last === stream;
    draft.before.push(h2.goaway(last, 0));
  },
];

const flaw =
  (expectation: Model['expectation'], headSent: boolean, change: Change): Change =>
  (draft, random, stream) => {
    draft.expectation = expectation;
    draft.headSent = headSent;
    change(draft, random, stream);
  };
/** A fault that ends the connection, if it is noticed. */
const fatal = (make: (stream: number, random: Random) => Buffer): Change =>
  flaw('either', true, (draft, random, stream) => {
    draft.spoils = true;
    const all = random.below(3);
    if (all === 0) {
      draft.before.unshift(make(stream, random));
      draft.headSent = false;
    } else if (all === 1) draft.data.unshift(make(stream, random));
    else draft.after.push(make(stream, random));
  });

export const FLAWS: Change[] = [
  flaw('broken', false, (draft, random) => {
    draft.status = random.between(600, 999);
  }),
  flaw('broken', false, (draft, random) => {
    const status = random.pick(['099', '20', '2000', 'abc', '', '101', '1', '-20', '20 ']);
    draft.section = [
      [':status', status],
      ['x-id', draft.fields[0]?.value ?? ''],
    ];
  }),
  flaw('broken', false, (draft) => void draft.section.shift()),
  flaw('broken', false, (draft) => void draft.section.push([':status', '200'])),
  flaw('broken', false, (draft) => void draft.section.push([':unknown', '200'])),
  flaw('broken', false, (draft) => void draft.section.unshift([':path', '/'])),
  flaw('either', false, (draft, random) => {
    draft.section.push(
      random.pick([
        ...ILLEGAL,
        ['Upper-Case', 'a'],
        ['x-space', ' a '],
        ['x-split', 'a\r\nx-evil: 1'],
        ['connection', 'close'],
        ['connection', 'x-id'],
        ['keep-alive', 'timeout=77'],
        ['proxy-connection', 'close'],
        ['transfer-encoding', 'chunked'],
        ['te', 'gzip'],
        ['upgrade', 'foo'],
      ] as [string, string][]),
    );
    draft.fields.push(
      { name: 'upper-case', value: 'a', passes: 'may' },
      { name: 'x-space', value: 'a', passes: 'may' },
    );
    for (const [name, value] of ILLEGAL) draft.fields.push({ name, value, passes: 'may' });
  }),
  flaw('broken', true, (draft, random) => {
    draft.announced = false;
    if (draft.bodiless) draft.expectation = 'either';
    draft.section.push(['content-length', String(draft.body.length + random.pick([1, 100, 1e12]))]);
  }),
  flaw('either', true, (draft, random) => {
    draft.announced = false;
    const { length } = draft.body;
    const value = random.pick(['+N', '-N', 'N x', '', 'N.0', 'N, N', '99999999999999999999999']);
    draft.section.push(['content-length', value.replaceAll('N', String(length))]);
    if (random.chance(0.5)) draft.section.push(['content-length', String(length)]);
  }),
  flaw('either', false, (draft, random) => {
    // More than nghttp2 takes of a header section ends the connection.
    draft.spoils = true;
    draft.section.push(['x-huge', 'a'.repeat(random.between(60_000, 140_000))]);
    draft.fields.push({ name: 'x-huge', value: '', passes: 'may' });
  }),
  flaw('either', false, (draft) => {
    draft.spoils = true;
    for (let i = 0; i < 3000; i++) draft.section.push(['x-h', 'a']);
    draft.fields.push({ name: 'x-h', value: 'a', passes: 'may' });
  }),
  flaw('broken', false, (draft, random) => {
    draft.spoils = true;
    draft.rest = random.pick([
      Buffer.from([0x80]),
      Buffer.from([0xff, 0xff, 0x7f]),
      Buffer.from([0, 0x7f]),
      Buffer.from([0x3f, 0xff, 0xff, 0x7f]),
    ]);
  }),
  flaw('broken', true, (draft, random, stream) => {
    draft.ends = false;
    draft.after = [h2.reset(stream, random.pick([0, 1, 2, 3, 5, 7, 8, 11, 13, 77]))];
    draft.share = random.next();
  }),
  flaw('right', false, (draft) => {
    draft.retry = true;
  }),
  flaw('broken', true, (draft, random) => {
    draft.share = random.next() * 0.99;
    draft.ending = random.pick(['end', 'reset']);
    draft.spoils = true;
  }),
  flaw('either', true, (draft, random, stream) => {
    draft.spoils = true;
    draft.before.push(h2.goaway(random.pick([0, stream, stream - 2]) >>> 0, random.pick([0, 1, 2, 11])));
    draft.headSent = false;
  }),
  flaw('broken', true, (draft, _random, stream) => {
    draft.ends = false;
    draft.trailers = [];
    draft.after = [
      ...h2.headers(stream, 0, h2.block([['x-sum', '1']])),
      ...h2.headers(stream, h2.END_STREAM, h2.block([[':status', '200']])),
    ];
  }),
  flaw('broken', true, (draft, _random, stream) => {
    draft.ends = false;
    draft.trailers = [];
    draft.after = h2.headers(
      stream,
      h2.END_STREAM,
      h2.block([
        [':status', '200'],
        ['x-id', 'EVIL'],
      ]),
    );
  }),
  flaw('broken', false, (draft, _random, stream) => {
    draft.spoils = true;
    draft.before = h2.headers(stream, h2.END_STREAM, h2.block([[':status', '103']]));
  }),
  flaw('broken', false, (draft, _random, stream) => {
    draft.spoils = true;
    draft.before = [h2.frame(h2.DATA, 0, stream, Buffer.from('too early'))];
  }),
  flaw('either', true, (draft, _random, stream) => {
    draft.after.push(h2.frame(h2.DATA, h2.END_STREAM, stream, Buffer.from('EVIL')));
    draft.spoils = true;
  }),
  flaw('either', true, (draft, _random, stream) => {
    draft.after.push(
      ...h2.headers(
        stream,
        h2.END_STREAM,
        h2.block([
          [':status', '200'],
          ['x-id', 'EVIL'],
        ]),
      ),
    );
    draft.spoils = true;
  }),
  fatal(() => h2.frame(h2.DATA, 0, 0, Buffer.from('x'))),
  fatal((stream) => h2.frame(h2.DATA, 0, stream + 100, Buffer.from('x'))),
  fatal((stream) => h2.frame(h2.DATA, h2.PADDED, stream, Buffer.from([200, 1]))),
  fatal((stream) => h2.frame(h2.CONTINUATION, h2.END_HEADERS, stream, h2.block([['x', 'y']]))),
  fatal((stream) =>
    h2.frame(
      h2.PUSH_PROMISE,
      h2.END_HEADERS,
      stream,
      Buffer.concat([h2.number32(2), h2.block([[':path', '/']])]),
    ),
  ),
  fatal((stream) =>
    h2.frame(
      h2.HEADERS,
      h2.END_HEADERS,
      stream + 200,
      h2.block([
        [':status', '200'],
        ['x-id', 'EVIL'],
      ]),
    ),
  ),
  fatal(() => h2.frame(h2.HEADERS, h2.END_HEADERS, 0, h2.block([[':status', '200']]))),
  fatal((stream, random) => h2.windowUpdate(random.pick([0, stream]), random.pick([0, 0x7fffffff]))),
  fatal((_stream, random) =>
    h2.settings(
      random.pick([
        [5, 1],
        [4, 0x80000000],
        [2, 7],
        [5, 0xffffff],
      ] as [number, number][]),
    ),
  ),
  fatal(() => h2.frame(h2.SETTINGS, h2.ACK, 0, Buffer.alloc(6))),
  fatal(() => h2.frame(h2.SETTINGS, 0, 0, Buffer.alloc(5))),
  fatal(() => h2.frame(h2.PING, 0, 0, Buffer.alloc(7))),
  fatal((stream) => h2.frame(h2.RST_STREAM, 0, stream, Buffer.alloc(3))),
  fatal(() => h2.reset(0, 8)),
  fatal((stream) => h2.reset(stream + 100, 8)),
  fatal((stream) =>
    Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0, 0]), h2.number32(stream), Buffer.alloc(100)]),
  ),
  fatal((stream) => h2.frame(h2.PRIORITY, 0, stream, Buffer.alloc(4))),
  fatal((stream) => h2.frame(h2.HEADERS, 0, stream, Buffer.alloc(0))),
];
