import assert from 'node:assert/strict';
import fc from 'fast-check';
import { headerValue, Peer, requestHead } from './headers.ts';

const peer = () => new Peer('192.0.2.7');

describe('requestHead', () => {
  const tables: Record<
    string,
    { reason: string; raw: string[]; has?: Record<string, string>; lacks?: string[] }
  > = {
    'bare request': {
      reason: 'the instance learns who asked for what host by which protocol',
      raw: ['Host', 'a.test'],
      has: {
        host: 'a.test',
        'x-forwarded-for': '192.0.2.7',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'a.test',
        forwarded: 'for=192.0.2.7;host=a.test;proto=http',
      },
    },
    'behind a load balancer': {
      reason: 'what earlier hops said is kept and added to',
      raw: [
        ...['Host', 'a.test:8080', 'X-Forwarded-For', '198.51.100.1', 'X-Forwarded-Proto', 'HTTPS'],
        ...['X-Forwarded-Host', 'www.test', 'Forwarded', 'for=198.51.100.1'],
      ],
      has: {
        'x-forwarded-for': '198.51.100.1, 192.0.2.7',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'www.test',
        forwarded: 'for=198.51.100.1, for=192.0.2.7;host="a.test:8080";proto=https',
      },
    },
    'several values of one header': {
      reason: 'repeated X-Forwarded-For and Forwarded are one list',
      raw: [
        'Host',
        'a',
        'X-Forwarded-For',
        '1.1.1.1',
        'x-forwarded-for',
        '2.2.2.2',
        'Forwarded',
        'for=x',
        'Forwarded',
        'for=y',
      ],
      has: {
        'x-forwarded-for': '1.1.1.1, 2.2.2.2, 192.0.2.7',
        forwarded: 'for=x, for=y, for=192.0.2.7;host=a;proto=http',
      },
    },
    'a protocol that is none': {
      reason: 'only http and https are believed',
      raw: ['Host', 'a', 'X-Forwarded-Proto', 'gopher'],
      has: { 'x-forwarded-proto': 'http' },
    },
    'headers of this hop': {
      reason: 'RFC 9110, 7.6.1: they are for the gateway',
      raw: [
        ...[
          'Host',
          'a',
          'Connection',
          'keep-alive, X-Hop',
          'Keep-Alive',
          'timeout=5',
          'X-Hop',
          '1',
          'X-End',
          '2',
        ],
        ...['Proxy-Connection', 'keep-alive', 'Transfer-Encoding', 'chunked', 'TE', 'gzip', 'Upgrade', 'h2c'],
        ...[
          'Trailer',
          'x',
          'HTTP2-Settings',
          'AAA',
          'Proxy-Authorization',
          'Basic x',
          'Expect',
          '100-continue',
        ],
      ],
      has: { 'x-end': '2' },
      lacks: [
        ...[
          'connection',
          'keep-alive',
          'x-hop',
          'proxy-connection',
          'transfer-encoding',
          'te',
          'upgrade',
          'trailer',
        ],
        ...['http2-settings', 'proxy-authorization', 'expect'],
      ],
    },
    'Connection naming what the gateway adds': {
      reason: 'a client cannot make the gateway hide who it is',
      raw: ['Host', 'a', 'Connection', 'x-forwarded-for, forwarded'],
      has: { 'x-forwarded-for': '192.0.2.7', forwarded: 'for=192.0.2.7;host=a;proto=http' },
    },
    'tracing context': {
      reason: 'traceparent passes on (Knative runtime contract)',
      raw: ['Host', 'a', 'Traceparent', '00-1-2-01', 'Authorization', 'Bearer x', 'Cookie', 'a=b'],
      has: { traceparent: '00-1-2-01', authorization: 'Bearer x', cookie: 'a=b' },
    },
  };
  for (const [name, { reason, raw, has = {}, lacks = [] }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const { headers } = requestHead(raw, peer());
      for (const [key, value] of Object.entries(has)) assert.equal(headerValue(headers, key), value, key);
      for (const key of lacks) assert.equal(headerValue(headers, key), undefined, key);
    });
  }

  it('quotes an IPv6 client and unwraps a mapped IPv4 one', () => {
    assert.equal(new Peer('2001:db8::1').forwarded('a', 'http'), 'for="[2001:db8::1]";host=a;proto=http');
    assert.equal(new Peer('::ffff:192.0.2.1').address, '192.0.2.1');
  });

  it('has no host when there are two', () => {
    assert.equal(requestHead(['Host', 'a', 'Host', 'b'], peer()).host, undefined);
    assert.equal(requestHead([], peer()).host, undefined);
  });

  it('finds length, chunks, trailers and 100-continue', () => {
    const head = requestHead(
      ['Host', 'a', 'Content-Length', '12', 'TE', 'gzip, trailers;q=1', 'Expect', '100-Continue'],
      peer(),
    );
    assert.equal(head.contentLength, 12);
    assert.equal(head.trailers, true);
    assert.equal(head.expectsContinue, true);
    assert.equal(requestHead(['Transfer-Encoding', 'chunked'], peer()).chunked, true);
  });

  it('leaves the framing of the body to the upstream, whatever Connection names', () => {
    const raw = ['Host', 'a', 'Content-Length', '12', 'Connection', 'content-length'];
    const head = requestHead(raw, peer());
    assert.equal(headerValue(head.headers, 'content-length'), undefined);
    assert.equal(head.contentLength, 12);
  });

  it('reports transfer codings other than chunked', () => {
    assert.equal(requestHead(['Transfer-Encoding', 'Chunked'], peer()).otherCoding, false);
    assert.equal(requestHead(['Transfer-Encoding', 'gzip, chunked'], peer()).otherCoding, true);
  });

  it('passes any other header on unchanged and in order', () => {
    const name = fc.stringMatching(/^x-[a-z]{1,20}$/).filter((n) => !n.startsWith('x-forwarded'));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.stringMatching(/^[ -~]{0,30}$/)), { maxLength: 10 }),
        (pairs) => {
          const raw = pairs.flat();
          assert.deepEqual(requestHead(['Host', 'a', ...raw], peer()).headers.slice(0, raw.length), raw);
        },
      ),
    );
  });
});
