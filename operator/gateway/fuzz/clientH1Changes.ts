import type { Random } from '../../testing/random.ts';

/** A request of HTTP/1.x before it is bytes. */
export interface Draft {
  method: string;
  target: string;
  version: string;
  /** Lines of the head, without their ends. */
  lines: string[];
  framing: 'none' | 'length' | 'chunked';
  body: string;
  size: (length: number) => string;
  chunkEnd: string;
  trailer: string;
  newline: string;
  /** In place of everything else. */
  instead?: string;
}

type Change = (draft: Draft, random: Random, host: string) => void;

const change =
  (part: 'target' | 'newline', make: (present: string, random: Random, host: string) => string): Change =>
  (draft, random, host) => {
    draft[part] = make(draft[part], random, host);
  };

export const METHODS = [
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'PROPFIND',
  'REPORT',
  'PURGE',
];

const add =
  (...lines: string[]): Change =>
  (draft) =>
    void draft.lines.push(...lines);
const anyOf =
  (...lines: string[]): Change =>
  (draft, random) =>
    void draft.lines.push(random.pick(lines));

/** Legal, if rare. */
export const QUIRKS: Change[] = [
  change('target', (target) => `${target}?a=b&c=%20%00//../`),
  change('target', (target, _random, host) => (target.startsWith('/') ? `http://${host}${target}` : target)),
  add('X-Empty:', 'X-Latin: \xe9', 'Cookie: a=b', 'Cookie: c=d'),
  add('Referer: a', 'Referer: b', 'User-Agent: x', 'User-Agent: y'),
  add('Connection: keep-alive, x-hop', 'X-Hop: 1', 'Keep-Alive: timeout=5', 'Proxy-Connection: x'),
  add('X-Spaces:  \t a b \t '),
  add('TE: trailers', 'Forwarded: for=1.2.3.4;host="x"', 'X-Forwarded-For: 1.2.3.4'),
  (draft, random) => {
    for (let i = random.between(10, 150); i > 0; i--) draft.lines.push(`x-many-${i}: ${i}`);
  },
  (draft, random) => {
    draft.framing = 'chunked';
    draft.size = (length) =>
      random.pick([
        `000${length.toString(16)}`,
        `${length.toString(16).toUpperCase()};a=b`,
        `${length.toString(16)};x="y;z"`,
      ]);
  },
  (draft) => {
    draft.framing = 'chunked';
    draft.trailer = 'x-sum: 1\r\nx-id: TRAILER\r\n';
  },
  (draft) => {
    if (draft.framing !== 'none') draft.lines.push('Expect: 100-continue');
  },
  anyOf('Upgrade: h2c', 'Upgrade: TLS/1.2', 'Upgrade: foo'),
];

const length =
  (make: (given: number) => string[]): Change =>
  (draft) => {
    draft.framing = 'none';
    const present = Buffer.byteLength(draft.body, 'latin1');
    draft.lines.push(...make(present));
    draft.instead = `${headOf(draft)}${draft.body}`;
  };
const coding =
  (...codings: string[]): Change =>
  (draft, random) => {
    draft.framing = 'chunked';
    const text = `${headOf({ ...draft, lines: [...draft.lines, random.pick(codings)] }, false)}${bodyOf(draft, random)}`;
    draft.instead = text;
  };

/** What makes a request anything but good, or leaves HTTP. */
export const FLAWS: Change[] = [
  // It passes as it came; whether an instance takes it is the instance's to say, and Node does not.
  change('target', (target) => `${target}/\xe4\xb8\xad`),
  (draft, random) => {
    draft.method = random.pick([
      'get',
      'FOO',
      'LIST',
      'G(T',
      '',
      'PRI',
      'CONNECT',
      'TRACE',
      'GET\t',
      'A'.repeat(100),
      'GE\0T',
      '\xe9',
      'SOURCE',
    ]);
  },
  (draft, random) => {
    draft.target = random.pick([
      '*',
      'abc',
      '//x',
      'http://other.test/',
      '/a b',
      '/\x01',
      '',
      `/${'a'.repeat(30_000)}`,
      '/\x7f',
      '/#frag',
      'h1.test:80',
      '/\0',
      'http://',
      '/a\tb',
    ]);
  },
  (draft, random) => {
    draft.version = random.pick([
      'HTTP/2.0',
      'HTTP/1.2',
      'HTTP/0.9',
      'http/1.1',
      'HTTP/1.10',
      '',
      'HTTP/1.',
      'HTTP/1.1 ',
      'HTTP/01.1',
      'HTTP/1.0',
    ]);
  },
  anyOf(
    'X-A : b',
    ' X-Fold: a',
    'no colon',
    ': empty',
    'X-C: a\x01b',
    'X-N: a\0b',
    'X-R: a\rb',
    'X\xe9: a',
    'X Y: a',
    'X-D: \x7f',
    '\tX: y',
    'X(: y',
  ),
  anyOf('X-F: a\r\n b', 'X-L: a\nX-M: b', 'X-L: a\rX-M: b', 'Content-Length\r\n : 5'),
  (draft, random, host) => void draft.lines.push(`Host: ${random.pick([host, 'other.test', ''])}`),
  (draft) => void draft.lines.shift(),
  (draft, random, host) => {
    draft.lines[0] = `Host: ${random.pick(['a b', '', 'x@y', 'a/b', '[::1', `${host},h2.test`, '\xe9', 'a'.repeat(300), `${host}:99999`])}`;
  },
  (draft, random) => void draft.lines.push(`X-Huge: ${'a'.repeat(random.between(50_000, 90_000))}`),
  (draft) => {
    for (let i = 0; i < 2500; i++) draft.lines.push(`x${i}: a`);
  },
  length((n) => [`Content-Length: ${n}`, `Content-Length: ${n}`]),
  length((n) => [`Content-Length: ${n}`, `Content-Length: ${n + 5}`]),
  length((n) => [`Content-Length: 0`, `Content-Length: ${n}`]),
  length((n) => [`Content-Length: ${n}, ${n}`]),
  length((n) => [`Content-Length: +${n}`]),
  length((n) => [`Content-Length: -${n}`]),
  length((n) => [`Content-Length: 0x${n.toString(16)}`]),
  length((n) => [`Content-Length: ${n}.0`]),
  length((n) => [`Content-Length: ${n} ${n}`]),
  length((n) => [`Content-Length: \x0b${n}`]),
  length(() => ['Content-Length:']),
  length(() => ['Content-Length: 18446744073709551617']),
  length((n) => [`Content-Length: ${n}`, 'Transfer-Encoding: chunked']),
  length((n) => ['Transfer-Encoding: chunked', `Content-Length: ${n}`]),
  length((n) => [`Content_Length: ${n}`]),
  length((n) => [`Content-Length : ${n}`]),
  length((n) => [`Connection: content-length`, `Content-Length: ${n}`]),
  coding(
    'Transfer-Encoding: chunked, gzip',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: identity',
  ),
  coding(
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: chunked, identity',
  ),
  coding(
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: ,chunked',
    'Transfer-Encoding: chunked\x0b',
  ),
  coding(
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer\x00-Encoding: chunked',
    'Transfer_Encoding: chunked',
    'X: a\nTransfer-Encoding: chunked',
  ),
  coding(
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nConnection: transfer-encoding',
  ),
  (draft, random) => {
    draft.framing = 'chunked';
    draft.size = (size) => {
      const hex = size.toString(16);
      return random.pick([
        `+${hex}`,
        `0x${hex}`,
        ` ${hex}`,
        `${hex} `,
        `-${hex}`,
        '',
        'g',
        `${hex}\n`,
        `${hex};a\nb`,
        `${hex};\x01`,
        `f${'f'.repeat(16)}`,
        `${hex};a\rb`,
        `${hex}\t`,
      ]);
    };
  },
  (draft, random) => {
    draft.framing = 'chunked';
    draft.chunkEnd = random.pick(['', '\n', '\r', 'xx', '\r\r\n', '\n\n']);
  },
  (draft, random) => {
    draft.framing = 'chunked';
    draft.trailer = random.pick([
      'no colon\r\n',
      'x y: z\r\n',
      ': x\r\n',
      'x: a\0\r\n',
      `x: ${'a'.repeat(90_000)}\r\n`,
      'x: a\n',
      'content-length: 5\r\n',
      'transfer-encoding: chunked\r\n',
      ' x: y\r\n',
    ]);
  },
  change('newline', (_newline, random) => random.pick(['\n', '\r', '\n\r', '\r\r\n'])),
  (draft, random) => {
    draft.instead = random.pick([
      '\n',
      '\0',
      'hello\r\n\r\n',
      ' ',
      'GET /c/x\r\n',
      '\x16\x03\x01\x02\x00\x01',
      'PRI * HTTP/2.0\r\n\r\n',
      'PR',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]);
  },
  add('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13'),
  add('Connection: Upgrade', 'Upgrade: websocket', 'X-Agree: 1'),
  add('Connection: Upgrade', 'Upgrade: TLS/1.2'),
  add('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
  anyOf('Expect: 200-ok', 'Expect: 100-continue, x', 'Expect:'),
];

export function headOf(draft: Draft, framing = true): string {
  const { method, target, version, lines, newline } = draft;
  const all = [`${method} ${target} ${version}`, ...lines];
  if (framing && draft.framing === 'length') all.push(`Content-Length: ${draft.body.length}`);
  if (framing && draft.framing === 'chunked') all.push('Transfer-Encoding: chunked');
  return all.join(newline) + newline + newline;
}

export function bodyOf(draft: Draft, random: Random): string {
  if (draft.framing === 'none') return '';
  if (draft.framing === 'length') return draft.body;
  let text = '';
  for (let at = 0; at < draft.body.length; ) {
    const size = random.chance(0.6) ? draft.body.length - at : random.between(1, draft.body.length - at);
    text += `${draft.size(size)}\r\n${draft.body.slice(at, at + size)}${draft.chunkEnd}`;
    at += size;
  }
  return `${text}0\r\n${draft.trailer}\r\n`;
}
