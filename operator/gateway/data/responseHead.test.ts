import assert from 'node:assert/strict';
import { responseHead, trailerFields } from './responseHead.ts';

describe('responseHead', () => {
  const tables: Record<string, { reason: string; raw: string[]; want: string[]; length?: number }> = {
    plain: {
      reason: 'end-to-end headers pass with their case; the length comes last',
      raw: ['Content-Type', 'text/plain', 'Content-Length', '3', 'X-A', '1', 'X-A', '2'],
      want: ['Content-Type', 'text/plain', 'X-A', '1', 'X-A', '2', 'content-length', '3'],
      length: 3,
    },
    'hop-by-hop': {
      reason: 'what concerns the connection to the instance stays there',
      raw: [
        'Connection',
        'close, X-Hop',
        'Keep-Alive',
        'timeout=5',
        'Transfer-Encoding',
        'chunked',
        'X-Hop',
        '1',
        'X-B',
        '2',
      ],
      want: ['X-B', '2'],
    },
    cookie: {
      reason: 'container contract: a response with Set-Cookie is private',
      raw: ['Set-Cookie', 'a=b', 'Cache-Control', 'public, max-age=60', 'Set-Cookie', 'c=d'],
      want: ['Set-Cookie', 'a=b', 'Set-Cookie', 'c=d', 'cache-control', 'private'],
    },
    'no cookie': {
      reason: 'the program decides about caching otherwise',
      raw: ['Cache-Control', 'public'],
      want: ['Cache-Control', 'public'],
    },
    latin1: { reason: 'bytes above ASCII survive', raw: ['X-Name', 'J\xf6rg'], want: ['X-Name', 'J\xf6rg'] },
  };
  for (const [name, { reason, raw, want, length = -1 }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const head = responseHead(raw);
      assert.deepEqual(head.headers, want);
      assert.equal(head.contentLength, length);
    });
  }
});

describe('trailerFields', () => {
  it('drops what means something in a head only (RFC 9110, 6.5.1)', () => {
    const trailers = ['X-Sum', '1', 'Content-Length', '0', 'Set-Cookie', 'a=b', 'Transfer-Encoding', 'x'];
    assert.deepEqual(trailerFields([...trailers, 'Connection', 'x', 'grpc-status', '0']), [
      ...['X-Sum', '1', 'grpc-status', '0'],
    ]);
    assert.equal(trailerFields(['Host', 'x']), undefined);
    assert.equal(trailerFields(undefined), undefined);
  });
});
