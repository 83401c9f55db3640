import type { Random } from '../../testing/random.ts';
import type { Given } from './oracle.ts';

/** Fields that Node's HTTP/2 accepts only once, unless `strictSingleValueFields` is off. */
const SINGLE = [
  'content-type',
  'x-content-type-options',
  'access-control-allow-credentials',
  'etag',
  'server',
  'location',
  'content-encoding',
  'retry-after',
  'last-modified',
];

const given = (passes: Given['passes'], name: string, value: string): Given => ({ name, value, passes });
const UTF8 = Buffer.from('attachment; filename="中文 ünïcödé 🙂.pdf"').toString('latin1');
const LATIN1 = 'caf\xe9 \xfc\xff';

/** Legal fields that a proxy is easily wrong about; each gives a few of them. */
const QUIRKS: ((random: Random) => Given[])[] = [
  (random) => [given('must', `X-${random.word(6)}`, random.word(random.between(1, 40)))],
  (random) => {
    const name = random.pick(SINGLE);
    return [given('one', name, 'a'), given('one', name, random.chance(0.5) ? 'a' : 'b')];
  },
  () => [given('must', 'Content-Disposition', UTF8)],
  () => [given('must', 'X-Latin', LATIN1)],
  () => [given('must', 'X-Utf8', UTF8)],
  () => [given('must', 'X-Empty', '')],
  () => [given('must', 'Set-Cookie', 'a=b'), given('must', 'Set-Cookie', 'c=d; Path=/')],
  () => [given('must', 'Set-Cookie', 'a=b'), given('may', 'Cache-Control', 'public, max-age=60')],
  (random) => [given('must', 'X-Big', random.word(random.between(1000, 8000)))],
  (random) =>
    Array.from({ length: random.between(20, 200) }, (_, at) => given('must', `x-many-${at}`, random.word(4))),
  () => [given('may', 'Trailer', 'x-sum')],
  () => [given('may', 'Trailer', 'content-length, x-sum')],
  () => [given('may', 'Http2-Settings', 'AAMAAABkAAQAAP__')],
  () => [given('may', 'Date', 'Tue, 15 Nov 1994 08:12:31 GMT')],
  () => [given('may', 'Date', 'Tue, 15 Nov 1994 08:12:31 GMT'), given('may', 'Date', 'yesterday')],
  () => [given('must', 'Alt-Svc', 'h2=":443"'), given('must', 'Via', '1.1 x'), given('must', 'Age', '-1')],
  () => [given('must', 'Link', '</a>; rel=preload, </b>; rel=preload')],
  () => [
    given('may', 'TE', 'trailers'),
    given('may', 'Host', 'other.test'),
    given('may', 'Expect', '100-continue'),
  ],
  () => [given('must', 'WWW-Authenticate', 'Basic'), given('must', 'WWW-Authenticate', 'Bearer')],
  () => [given('must', "!#$%&'*+-.^_`|~0", 'every sign of a token')],
];

/** Fields of the connection between an instance and the gateway; HTTP/2 knows none of them. */
export const HOP: ((random: Random) => Given[])[] = [
  () => [given('never', 'Keep-Alive', 'timeout=77')],
  () => [given('never', 'Proxy-Connection', 'keep-alive')],
  () => [given('never', 'Upgrade', 'foo/1')],
  () => [given('never', 'Connection', 'x-hop, keep-alive'), given('never', 'X-Hop', 'secret')],
  () => [
    given('never', 'Connection', 'X-Hop'),
    given('never', 'Connection', 'x-hop-2'),
    given('never', 'X-Hop-2', 's'),
  ],
];

/** @returns legal fields, few of them in most cases. */
export function legalFields(random: Random): Given[] {
  const count = random.pick([0, 0, 1, 1, 2, 4]);
  const chosen = new Set(Array.from({ length: count }, () => random.pick(QUIRKS)));
  const fields = [...chosen].flatMap((quirk) => quirk(random));
  // Set-Cookie makes an answer private; both quirks at once say it twice.
  return fields.sort(() => random.next() - 0.5);
}

/** Trailers that may come behind any body: those that must pass, those that must not. */
const TRAILERS: ((random: Random) => Given[])[] = [
  (random) => [given('must', 'X-Sum', random.word(8))],
  () => [given('must', 'grpc-status', '0'), given('must', 'grpc-message', 'ok')],
  () => [given('never', 'Content-Length', '0')],
  () => [given('never', 'Transfer-Encoding', 'x')],
  () => [given('never', 'Connection', 'x')],
  () => [given('never', 'Trailer', 'x'), given('must', 'X-After', '1')],
  () => [given('never', 'Host', 'a.test')],
  () => [given('may', 'ETag', '"1"'), given('may', 'ETag', '"2"')],
  () => [given('may', 'Set-Cookie', 'a=b'), given('may', 'Content-Type', 'text/plain')],
  () => [given('must', 'X-Trailer-Utf8', UTF8)],
  () => [
    given('may', 'Upgrade', 'x'),
    given('may', 'Keep-Alive', '1'),
    given('may', 'Http2-Settings', 'AAA'),
  ],
  () => [given('must', 'X-Twice', 'a'), given('must', 'X-Twice', 'b')],
];

/** Those that HTTP/2 itself can carry. */
const HOPLESS = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'keep-alive',
  'host',
]);

export function legalTrailers(random: Random, http2: boolean): Given[] {
  const chosen = new Set([random.pick(TRAILERS), random.pick(TRAILERS)]);
  const fields = [...chosen].flatMap((make) => make(random));
  if (!http2) return fields;
  return fields
    .filter(({ name }) => !HOPLESS.has(name.toLowerCase()))
    .map((field) => ({ ...field, name: field.name.toLowerCase() }));
}

/** Fields that are no HTTP, as name and value; who passes them on would pass an attack. */
export const ILLEGAL: [name: string, value: string][] = [
  ['x-control', 'a\x01b'],
  ['x-nul', 'a\x00b'],
  ['x-del', 'a\x7fb'],
  ['', 'x'],
  ['x y', 'a'],
  ['x\xe9', 'a'],
  ['x(y)', 'a'],
  ['x-cr', 'a\rb'],
];
