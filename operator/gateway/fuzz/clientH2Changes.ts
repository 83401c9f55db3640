import type { Random } from '../../testing/random.ts';
import type { Expected } from './clientInstances.ts';
import * as h2 from './frames.ts';

type Fields = [string, string][];

/** One request, and what of it may reach an instance. */
export interface Draft {
  stream: number;
  expected: Expected;
  section: Fields;
  rest: Buffer;
  cuts: number[];
  data: Buffer[];
  trailers: Fields | undefined;
  before: Buffer[];
  after: Buffer[];
  /** No server may take it for a request. */
  malformed: boolean;
  /** Only so many of its frames are sent. */
  most: number;
}

type Change = (draft: Draft, random: Random) => void;

const foreign =
  (make: (stream: number, random: Random) => Buffer): Change =>
  (draft, random) => {
    const bytes = make(draft.stream, random);
    if (random.chance(0.5)) draft.before.push(bytes);
    else draft.data.splice(random.below(draft.data.length + 1), 0, bytes);
  };

/** Legal, if rare. */
export const QUIRKS: Change[] = [
  foreign(() => h2.frame(h2.PING, 0, 0, Buffer.alloc(8))),
  foreign(() => h2.settings([4, 70_000], [0x77, 1])),
  // Before its HEADERS a stream is idle, and takes only PRIORITY.
  (draft) => void draft.data.unshift(h2.windowUpdate(draft.stream, 1000)),
  foreign(() => h2.windowUpdate(0, 1000)),
  foreign((stream) => h2.frame(h2.PRIORITY, 0, stream, Buffer.from([0, 0, 0, 0, 9]))),
  foreign((stream) => h2.frame(0x77, 255, stream, Buffer.from('unknown'))),
  (draft, random) => {
    draft.cuts = random.places(80, 5);
  },
  (draft) => {
    if (draft.data.length > 0)
      draft.trailers = [
        ['x-sum', '1'],
        ['x-id', 'TRAILER'],
      ];
  },
  (draft) =>
    void draft.section.push(['cookie', 'a=b'], ['cookie', 'c=d'], ['x-empty', ''], ['x-latin', '\xe9']),
  (draft) => void draft.section.push(['referer', 'a'], ['referer', 'b'], ['te', 'trailers']),
  (draft) => void draft.section.push(['forwarded', 'for=1.2.3.4'], ['x-forwarded-for', '1.2.3.4']),
  (draft) => {
    const announced = draft.section.some(([name]) => name === 'content-length');
    if (!announced) draft.section.push(['content-length', String(draft.expected.body.length)]);
  },
  (draft, random) => {
    for (let i = random.between(10, 100); i > 0; i--) draft.section.push([`x-many-${i}`, String(i)]);
  },
];

/** A header section that is no request (RFC 9113, 8.2 and 8.3). */
const malformed =
  (change: (section: Fields, random: Random) => void): Change =>
  (draft, random) => {
    draft.malformed = true;
    change(draft.section, random);
  };
const pseudo = (name: string, ...values: string[]): Change =>
  malformed((section, random) => {
    const field = section.find(([candidate]) => candidate === name);
    if (field) field[1] = random.pick(values);
  });
/** A length that no body of this request has. */
export const overstated = ({ expected }: Draft): [string, string] => [
  'content-length',
  String(expected.body.length + 3),
];
/** It may be passed as it is, or be refused. */
const unsure = (change: Change): Change => change;

/** What makes a request anything but good. */
export const FLAWS: Change[] = [
  malformed((section, random) => void section.splice(random.below(3), 1)),
  malformed((section, random) => void section.push(section[random.below(4)] as [string, string])),
  malformed((section) => void section.push([':unknown', 'x'])),
  malformed((section) => void section.unshift([':status', '200'])),
  malformed((section) => void section.unshift(['x-first', 'x'])),
  pseudo(
    ':path',
    '',
    'c/x',
    '/c/x HTTP/1.1\r\nx-id: SMUGGLED\r\n\r\n',
    '/a b',
    '/\0',
    '/a\r\nb: c',
    '*',
    'http://h1.test/',
  ),
  pseudo(
    ':method',
    '',
    'GET /c/s HTTP/1.1\r\nhost: x\r\nx-id: SMUGGLED\r\n\r\nGET',
    'G ET',
    'GET\r\n',
    '\0',
    'CONNECT',
    'TRACE',
  ),
  pseudo(':authority', 'none.test', 'a b', 'x@y/z', 'a\r\nb: c', '', '\xe9', 'a/b'),
  // What nghttp2 does with such fields is to leave them out, and no more is asked.
  unsure((draft, random) => {
    draft.section.push(
      random.pick([
        ['X-Upper', 'a'],
        ['', 'x'],
        ['x y', 'a'],
        ['x:y', 'a'],
        ['x-split', 'a\r\nx-evil: 1'],
        ['x-nul', 'a\0b'],
        ['x-lf', 'a\nb'],
        ['connection', 'keep-alive'],
        ['transfer-encoding', 'chunked'],
        ['keep-alive', '1'],
        ['upgrade', 'websocket'],
        ['proxy-connection', 'x'],
        ['te', 'gzip'],
        ['x\r\ny', 'a'],
        ['content-length', '5x'],
        ['content-length', '-1'],
        ['transfer-encoding\r\n', 'chunked'],
      ] as Fields),
    );
  }),
  (draft) => {
    draft.section.push(overstated(draft));
    draft.expected.whole = false;
  },
  malformed((section) => void section.push(['content-length', '1'], ['content-length', '2'])),
  unsure((draft) => void draft.section.push(['host', 'other.test'])),
  unsure((draft, random) => void draft.section.push(['x-huge', 'a'.repeat(random.between(50_000, 140_000))])),
  unsure((draft) => {
    for (let i = 0; i < 2500; i++) draft.section.push([`x${i}`, 'a']);
  }),
  (draft, random) => {
    draft.rest = random.pick([
      Buffer.from([0x80]),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
      Buffer.from([0, 0x7f]),
      Buffer.from([0xfe]),
    ]);
    draft.malformed = true;
  },
  (draft) => {
    // A flood of CONTINUATION frames that say nothing.
    draft.cuts = Array.from({ length: 300 }, () => 5);
  },
  (draft, random) => {
    draft.most = random.below(3);
    draft.after = [h2.reset(draft.stream, random.pick([0, 1, 5, 7, 8, 11, 99]))];
  },
  (draft, random) => {
    draft.most = random.below(3);
  },
  (draft, random) => void draft.after.push(h2.reset(draft.stream, random.pick([0, 7, 8]))),
  (draft) => {
    for (let i = 0; i < 60; i++) draft.before.push(h2.frame(h2.PING, 0, 0, Buffer.alloc(8)));
  },
  (draft) => {
    for (let i = 0; i < 60; i++) draft.before.push(h2.settings([4, 65_535 + i]));
  },
  (draft) => {
    for (let i = 0; i < 60; i++) draft.data.push(h2.frame(h2.DATA, 0, draft.stream));
  },

  (draft) => void draft.before.push(h2.settings([4, 0])),
  foreign((stream, random) => h2.windowUpdate(random.pick([0, stream]), random.pick([0, 0x7fffffff]))),
  foreign((stream, random) => h2.goaway(random.pick([0, stream]), random.pick([0, 1, 11]))),
  foreign(() => h2.settings([5, 1])),
  foreign(() => h2.settings([4, 0x80000000])),
  foreign(() => h2.settings([2, 9])),
  foreign(() => h2.frame(h2.SETTINGS, h2.ACK, 0, Buffer.alloc(6))),
  foreign(() => h2.frame(h2.SETTINGS, h2.ACK, 0)),
  foreign(() => h2.frame(h2.SETTINGS, 0, 1)),
  foreign(() => h2.frame(h2.PING, 0, 0, Buffer.alloc(7))),
  foreign(() => h2.frame(h2.DATA, 0, 0, Buffer.from('x'))),
  foreign((stream) => h2.frame(h2.DATA, h2.PADDED, stream, Buffer.from([200, 1]))),
  foreign((stream) => h2.frame(h2.DATA, 0, stream + 100, Buffer.from('x'))),
  foreign((stream) => h2.frame(h2.HEADERS, 5, stream + 1, h2.block([[':path', '/']]))),
  foreign((stream) => h2.frame(h2.HEADERS, 0, stream + 50, Buffer.alloc(0))),
  foreign((stream) => h2.frame(h2.CONTINUATION, h2.END_HEADERS, stream, h2.block([['x', 'y']]))),
  foreign((stream) => h2.frame(h2.PUSH_PROMISE, h2.END_HEADERS, stream, h2.number32(2))),
  foreign((stream) => h2.frame(h2.PRIORITY, 0, stream, h2.number32(stream, 0).subarray(0, 5))),
  foreign((stream) => h2.frame(h2.PRIORITY, 0, stream, Buffer.alloc(4))),
  foreign((stream) => h2.frame(h2.RST_STREAM, 0, stream, Buffer.alloc(3))),
  foreign(() => h2.reset(0, 8)),
  foreign((stream) =>
    Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0, 0]), h2.number32(stream), Buffer.alloc(100)]),
  ),
  foreign((stream) => h2.frame(h2.HEADERS, 5, Math.max(1, stream - 2), h2.block([[':method', 'GET']]))),
  (draft) => {
    draft.trailers = [
      [':path', '/'],
      ['x-id', 'SMUGGLED'],
    ];
    draft.expected.whole = false;
  },
];
