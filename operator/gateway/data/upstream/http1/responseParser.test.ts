import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ResponseParser } from './responseParser.ts';

/** What a parser found, in order, with the body joined. */
interface Found {
  events: string[];
  body: string;
  keepAlive: boolean;
  error: string | undefined;
}

/** Feeds the bytes in pieces of these sizes, over and over, and ends the connection if asked. */
function parse(text: string, { method = 'GET', sizes = [text.length || 1], end = false } = {}): Found {
  const found: Found = { events: [], body: '', keepAlive: false, error: undefined };
  const parser = new ResponseParser({
    information: (status, headers) => void found.events.push(`${status} ${headers.join(',')}`),
    responseStart: (status, reason, headers) =>
      void found.events.push(`${status} ${reason} ${headers.join(',')}`),
    responseData: (chunk) => {
      found.body += chunk.toString('latin1');
    },
    responseEnd: (trailers) => void found.events.push(`end ${trailers?.join(',') ?? ''}`),
  });
  parser.expect(method);
  const bytes = Buffer.from(text, 'latin1');
  try {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = Math.max(1, sizes[i % sizes.length] as number);
      const piece = Buffer.alloc(size + 3, 'X'); // The rest of a read buffer holds what came before.
      const length = bytes.copy(piece, 0, at, at + size);
      parser.feed(piece, length);
      at += length;
    }
    if (end && !parser.end()) throw new Error('cut off');
  } catch (error) {
    found.error = (error as Error).message;
  }
  found.keepAlive = parser.keepAlive;
  return found;
}

const OK = 'HTTP/1.1 200 OK\r\n';

describe('ResponseParser', () => {
  const valid: Record<
    string,
    {
      reason: string;
      text: string;
      method?: string;
      end?: boolean;
      events: string[];
      body?: string;
      keepAlive?: boolean;
    }
  > = {
    sized: {
      reason: 'RFC 9112, 6.3: Content-Length',
      text: `${OK}Content-Length: 5\r\nX-A:  b \t\r\n\r\nhello`,
      events: ['200 OK Content-Length,5,X-A,b', 'end '],
      body: 'hello',
    },
    'of no length': {
      reason: 'it ends with its head',
      text: `${OK}Content-Length: 0\r\n\r\n`,
      events: ['200 OK Content-Length,0', 'end '],
    },
    chunked: {
      reason: 'RFC 9112, 7.1, extensions and trailers included',
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n00a \r\n, my world\r\n0\r\nX-Sum: 1\r\nX-B: \r\n\r\n`,
      events: ['200 OK Transfer-Encoding,chunked', 'end X-Sum,1,X-B,'],
      body: 'hello, my world',
    },
    'until the connection ends': {
      reason: 'RFC 9112, 6.3: neither length nor chunks',
      text: `${OK}\r\nhello`,
      end: true,
      events: ['200 OK ', 'end '],
      body: 'hello',
      keepAlive: false,
    },
    'to HEAD': {
      reason: 'it has no body, whatever its length says',
      text: `${OK}Content-Length: 5\r\n\r\n`,
      method: 'HEAD',
      events: ['200 OK Content-Length,5', 'end '],
    },
    '204 and 304': {
      reason: 'they have no body',
      text: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
      events: ['304 Not Modified Content-Length,5', 'end '],
    },
    'interim responses': {
      reason: 'any number may come before the final one (RFC 9110, 15.2)',
      text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>, </b>\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`,
      events: ['100 ', '103 Link,</a>, </b>', '200 OK Content-Length,1', 'end '],
      body: 'x',
    },
    'equal lengths': {
      reason: 'RFC 9112, 6.3: they are one',
      text: `${OK}Content-Length: 2\r\ncontent-length: 2\r\n\r\nok`,
      events: ['200 OK Content-Length,2', 'end '],
      body: 'ok',
    },
    'equal lengths in one field': {
      reason: 'RFC 9112, 6.3: they are one',
      text: `${OK}Content-Length: 2, 2\r\n\r\nok`,
      events: ['200 OK Content-Length,2', 'end '],
      body: 'ok',
    },
    'bytes above ASCII': {
      reason: 'they are opaque, in values and in the reason phrase (RFC 9110, 5.5; RFC 9112, 4)',
      text: 'HTTP/1.1 200 Sch\xc3\xb6n\r\nContent-Length: 0\r\nX-A: \xe4\xb8\xad\r\n\r\n',
      events: ['200 Sch\xc3\xb6n Content-Length,0,X-A,\xe4\xb8\xad', 'end '],
    },
    'no reason phrase': {
      reason: 'with or without the space before it',
      text: 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
      events: ['200  Content-Length,0', 'end '],
    },
    'HTTP/1.0': {
      reason: 'its connection ends unless it says otherwise',
      text: 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
      events: ['200 OK Content-Length,0', 'end '],
      keepAlive: false,
    },
    'HTTP/1.0 with keep-alive': {
      reason: 'RFC 9112, 9.3',
      text: 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n',
      events: ['200 OK Connection,Keep-Alive,Content-Length,0', 'end '],
    },
    'close and keep-alive': {
      reason: 'close wins, in any order',
      text: `${OK}Connection: close, x\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n`,
      events: ['200 OK Connection,close, x,Connection,keep-alive,Content-Length,0', 'end '],
      keepAlive: false,
    },
    'a status beyond the known': {
      reason: 'judging it is not the parser’s',
      text: 'HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n',
      events: ['999 x Content-Length,0', 'end '],
    },
  };
  for (const [name, { reason, text, events, body = '', keepAlive = true, ...options }] of Object.entries(
    valid,
  )) {
    it(`takes a response ${name}: ${reason}`, () => {
      for (const sizes of [[text.length], [1], [2, 3], [7]]) {
        assert.deepEqual(parse(text, { ...options, sizes }), { events, body, keepAlive, error: undefined });
      }
    });
  }

  const invalid: Record<string, { reason: string; text: string; end?: boolean }> = {
    'both framings': {
      reason: 'RFC 9112, 6.1: response splitting',
      text: `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    },
    'different lengths': {
      reason: 'RFC 9112, 6.3',
      text: `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk`,
    },
    'different lengths in one field': {
      reason: 'RFC 9112, 6.3',
      text: `${OK}Content-Length: 2, 3\r\n\r\nokk`,
    },
    'a length with a sign': { reason: 'digits alone', text: `${OK}Content-Length: +2\r\n\r\nok` },
    'a length that is hexadecimal': { reason: 'digits alone', text: `${OK}Content-Length: 0x2\r\n\r\nok` },
    'no length in the field': { reason: 'digits alone', text: `${OK}Content-Length: \r\n\r\nok` },
    'another coding': {
      reason: 'no code here can decode it',
      text: `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    },
    'chunked twice': {
      reason: 'RFC 9112, 6.1',
      text: `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    },
    'chunks in HTTP/1.0': {
      reason: 'RFC 9112, 6.1: the framing is invalid',
      text: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    },
    'a folded line': { reason: 'RFC 9112, 5.2', text: `${OK}X-A: b\r\n c\r\n\r\n` },
    'a bare line feed': { reason: 'RFC 9112, 2.2', text: `${OK}X-A: b\nX-C: d\r\n\r\n` },
    'bare line feeds only': {
      reason: 'it is known with the first line',
      text: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
    },
    'a bare carriage return': { reason: 'RFC 9112, 2.2', text: `${OK}X-A: b\rc\r\n\r\n` },
    'a control character': { reason: 'RFC 9110, 5.5', text: `${OK}X-A: b\0c\r\n\r\n` },
    'a space before the colon': { reason: 'RFC 9112, 5.1', text: `${OK}X-A : b\r\n\r\n` },
    'a field without a name': { reason: 'RFC 9110, 5.1', text: `${OK}: b\r\n\r\n` },
    'no field': { reason: 'RFC 9112, 5', text: `${OK}hello\r\n\r\n` },
    'no HTTP': { reason: 'it is known with the first bytes', text: 'hello' },
    'another version': { reason: 'HTTP/1.1 is asked for', text: 'HTTP/2 200\r\n\r\n' },
    'a status of two digits': { reason: 'RFC 9112, 4', text: 'HTTP/1.1 99 x\r\n\r\n' },
    'an upgrade that was not requested': {
      reason: 'RFC 9110, 7.8',
      text: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
    },
    'a chunk without a size': {
      reason: 'RFC 9112, 7.1',
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n\r\n`,
    },
    'a chunk of a wrong size': {
      reason: 'RFC 9112, 7.1',
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n`,
    },
    'a size of too many digits': {
      reason: 'it would overflow',
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n00000000000001\r\na\r\n0\r\n\r\n`,
    },
    'a line feed after a chunk size': {
      reason: 'RFC 9112, 2.2',
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n`,
    },
    'bytes after its end': {
      reason: 'they belong to nothing',
      text: `${OK}Content-Length: 1\r\n\r\nxHTTP/1.1 200 OK`,
    },
    'an endless head': { reason: 'it has a limit', text: `${OK}X-A: ${'a'.repeat(140_000)}\r\n\r\n` },
    'an early end': {
      reason: 'it is shorter than it says',
      text: `${OK}Content-Length: 5\r\n\r\nhel`,
      end: true,
    },
    'an early end of chunks': {
      reason: 'the last chunk is missing',
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
      end: true,
    },
  };
  for (const [name, { reason, text, end = false }] of Object.entries(invalid)) {
    it(`rejects ${name}: ${reason}`, () => {
      for (const sizes of [[text.length], [1], [5, 2]])
        assert.ok(parse(text, { sizes, end }).error, `${sizes}`);
    });
  }

  it('finds the same however the bytes are cut', () => {
    const texts = [...Object.values(valid), ...Object.values(invalid)].filter(
      ({ text }) => text.length < 1000,
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
        ({ text, end = false }, sizes) => {
          const whole = parse(text, { end });
          const cut = parse(text, { sizes, end });
          assert.equal(cut.error === undefined, whole.error === undefined);
          if (!whole.error) assert.deepEqual(cut, whole);
        },
      ),
    );
  });

  it('keeps the payload of any chunks, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 50, unit: 'binary-ascii' }), { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
        (chunks, sizes) => {
          const body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
          const found = parse(`${OK}Transfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`, { sizes });
          assert.equal(found.error, undefined);
          assert.equal(found.body, chunks.join(''));
        },
      ),
    );
  });
});
