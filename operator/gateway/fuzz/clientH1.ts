import type { Random } from '../../testing/random.ts';
import { bodyOf, type Draft, FLAWS, headOf, METHODS, QUIRKS } from './clientH1Changes.ts';
import type { Expected } from './clientInstances.ts';
import { Malformed, MORE, type Request1, readRequest, values } from './http1.ts';

/** What a client sends over one connection. */
export interface ClientCase {
  bytes: Buffer;
  expected: Expected[];
  /** Everything is good: each request must be answered. */
  clean: boolean;
  /** Which request is the bad one; those before it are good. -1: none, or all of them may be. */
  bad: number;
}

function draftOf(random: Random, id: string, host: string): Draft {
  const method = random.pick(METHODS);
  const framing =
    ['POST', 'PUT', 'PATCH'].includes(method) || random.chance(0.05)
      ? random.pick(['length', 'chunked', 'none'] as const)
      : 'none';
  const smuggled = `GET /c/${id}.s HTTP/1.1\r\nHost: ${host}\r\nX-Id: ${id}.s\r\n\r\n`;
  const body = random.pick([
    '',
    'x',
    random.word(200),
    smuggled,
    `0\r\n\r\n${smuggled}`,
    `\r\n${smuggled}`,
    random.word(20_000),
  ]);
  return {
    method,
    target: `/c/${id}`,
    version: 'HTTP/1.1',
    lines: [`Host: ${host}`, `X-Id: ${id}`],
    framing,
    body,
    size: (given) => given.toString(16),
    chunkEnd: '\r\n',
    trailer: '',
    newline: '\r\n',
  };
}

/** @returns what a strict server reads out of these bytes. */
export function strictReading(bytes: Buffer): Expected[] {
  const found: Expected[] = [];
  for (let at = 0; at < bytes.length; ) {
    let request: Request1 | typeof MORE;
    try {
      request = readRequest(bytes, at);
    } catch (error) {
      if (error instanceof Malformed) return found;
      throw error;
    }
    if (request === MORE) return found;
    const { method, target, fields, body, partial } = request;
    if (method === 'CONNECT') return found;
    found.push({
      id: values(fields, 'x-id').join(', '),
      method,
      path: target.replace(/^https?:\/\/[^/?#]*/i, ''),
      body,
      whole: !partial,
      refused: request.refused,
    });
    if (partial) return found;
    at += request.length;
  }
  return found;
}

/** @returns requests of HTTP/1.x by grammar, one of which may be anything but good. */
export function caseH1(random: Random, id: string, host: string): ClientCase {
  const count = random.pick([1, 1, 1, 2, 3, 5, 20]);
  const bad = random.chance(0.6) ? random.below(count) : -1;
  const parts: string[] = [];
  for (let at = 0; at < count; at++) {
    const draft = draftOf(random, `${id}.${at}`, host);
    for (let i = random.pick([0, 0, 1, 2]); i > 0; i--) random.pick(QUIRKS)(draft, random, host);
    if (at === bad) random.pick(FLAWS)(draft, random, host);
    parts.push(draft.instead ?? headOf(draft) + bodyOf(draft, random));
  }
  const bytes = Buffer.from(parts.join(''), 'latin1');
  const drafted = { bytes, expected: strictReading(bytes), clean: bad < 0, bad };
  if (!random.chance(0.1)) return drafted;
  const changed = mutated(random, bytes);
  const expected = strictReading(changed);
  // Requests are told apart by their ids.
  const ids = new Set(expected.map(({ id }) => id));
  return ids.size < expected.length ? drafted : { bytes: changed, expected, clean: false, bad: -1 };
}

/** @returns the bytes with one of them changed, one too many or one too few. */
export function mutated(random: Random, bytes: Buffer): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length);
  const other = Buffer.from([random.pick([random.below(256), 0, 10, 13, 32, 58, 0x80])]);
  const how = random.below(3);
  return Buffer.concat([
    bytes.subarray(0, at),
    ...(how === 0 ? [] : [other]),
    bytes.subarray(how === 2 ? at : at + 1),
  ]);
}
