import type { Random } from '../../testing/random.ts';
import { HOP, ILLEGAL, legalTrailers } from './fields.ts';
import type { Asked, Model } from './oracle.ts';

/** What an instance does for one request. */
export interface Script {
  model: Model;
  /** Written one after the other; what is one piece must stay one. */
  pieces: Buffer[];
  /** How it goes on when all is written. */
  ending: 'keep' | 'end' | 'reset' | 'stall';
  /** It answers before it has the request's body. */
  early: boolean;
  /** The connection is of no use afterwards. */
  spoils: boolean;
  /** Requests beside it on the connection may be refused. */
  refusesLater?: boolean;
  /** Later attempts at the same request: the first was refused before anything was done. */
  retry?: Script;
}

/** An answer before it is bytes. */
export interface Draft extends Model {
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
  ending: Script['ending'];
  chunk: (size: number) => string;
  newline: string;
}

type Change = (draft: Draft, random: Random, asked: Asked) => void;

const informational =
  (line: string): Change =>
  (draft) => {
    draft.before += line;
  };

/** Legal, if rare: the answer must come through. */
export const QUIRKS: Change[] = [
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
    draft.ending = 'end';
  },
  (draft) => {
    draft.framing = 'close';
    draft.ending = 'end';
  },
  (draft) => {
    draft.ending = 'end';
    draft.lines += 'connection: close\r\n';
  },
  (draft) => {
    draft.body = Buffer.alloc(0);
  },
];

/** A fault in the head: nothing of the answer can have begun. */
const head =
  (expectation: 'either' | 'broken', change: Change): Change =>
  (draft, random, asked) => {
    draft.expectation = expectation;
    draft.headSent = false;
    if (draft.ending === 'keep') draft.ending = 'end';
    change(draft, random, asked);
  };

const body =
  (expectation: 'either' | 'broken', change: Change): Change =>
  (draft, random, asked) => {
    head(expectation, change)(draft, random, asked);
    draft.headSent = true;
  };

const sized =
  (value: (length: number, random: Random) => string): Change =>
  (draft, random) => {
    draft.framing = 'none';
    draft.lines += value(draft.body.length, random);
  };

const lines =
  (text: string): Change =>
  (draft) => {
    draft.lines += text;
  };

/** Faults of an instance. */
export const FLAWS: Change[] = [
  head('broken', (draft, random) => {
    draft.status = random.between(600, 999);
    draft.code = String(draft.status);
  }),
  head('broken', (draft, random) => {
    draft.code = random.pick(['99', '099', '20', '2000', 'abc', '-200', '', '000', '101', '1 0']);
  }),
  head('either', (draft, random) => {
    draft.version = random.pick([
      'HTTP/2.0',
      'HTTP/1.2',
      'HTTP/1',
      'http/1.1',
      'ICY',
      'HTTP/1.1 ',
      '',
      'HTTP/9.9',
    ]);
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
    draft.before += random.pick([
      '\r\n\r\n',
      'garbage\r\n',
      '\0',
      'HTTP/1.1 103 Early Hints\r\nlink: \x01\r\n\r\n',
    ]);
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
      const value = random.pick([
        '+N',
        'N x',
        '-N',
        '0xN',
        'N.0',
        'Ne0',
        '99999999999999999999',
        '',
        '\x0bN',
      ]);
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
    draft.ending = random.pick(['keep', 'end']);
  }),
  body('broken', (draft, random) => {
    draft.share = random.next();
    draft.ending = random.pick(['end', 'end', 'reset']);
  }),
  body('broken', (draft, random) => {
    draft.share = random.next();
    draft.ending = 'reset';
  }),
];

/** It says no more. */
export const stall = body('broken', (draft, random) => {
  draft.share = random.next();
  draft.ending = 'stall';
  draft.stalls = true;
});

/** How often an instance says nothing more, in all: such a case takes as long as the timeout. */
export const STALLS = 0.0003;
