import assert from 'node:assert/strict';
import fc from 'fast-check';
import { instanceCookie, revisionToken } from '../control/affinity.ts';
import { AFFINITY_COOKIE, INSTANCE_CHARS, REVISION_CHARS } from '../shared/affinity.ts';
import { affinityCookie, bindClient } from './affinity.ts';
import { Peer, requestHead } from './headers.ts';
import { responseHead } from './responseHead.ts';
import type { Instance } from './upstream/instance.ts';

const KEY = Buffer.alloc(32, 1);
const COOKIE = instanceCookie(KEY, revisionToken(KEY, 'ns/a', 'uid'), 'pod-1');

describe('the value of an affinity cookie', () => {
  it('is the same in all gateways, made of characters that cookies may have, and tells no names', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 64 }),
        fc.string(),
        fc.string(),
        (key, a, pod) => {
          const token = revisionToken(key, a, 'uid');
          const cookie = instanceCookie(Buffer.from(key), token, pod);
          assert.equal(cookie, instanceCookie(key, revisionToken(Buffer.from(key), a, 'uid'), pod));
          assert.match(cookie, /^[A-Za-z0-9_-]+$/);
          assert.deepEqual([token.length, cookie.length], [REVISION_CHARS, REVISION_CHARS + INSTANCE_CHARS]);
          assert.ok(cookie.startsWith(token));
          assert.equal(affinityCookie(['cookie', `${AFFINITY_COOKIE}=${cookie}`]), cookie);
        },
      ),
    );
  });

  it('differs by key, revision, its UID and pod, wherever one name ends and the next begins', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '/', '"', ',') });
    const parts = fc.tuple(fc.constantFrom('k', 'l'), name, name, name);
    const make = ([key, revision, uid, pod]: [string, string, string, string]) => {
      const secret = Buffer.alloc(32, key);
      return instanceCookie(secret, revisionToken(secret, revision, uid), pod);
    };
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        assert.equal(make(a) === make(b), JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});

describe('affinityCookie', () => {
  const tables: Record<string, { reason: string; headers: string[]; want: string | undefined }> = {
    alone: { reason: 'the usual form', headers: ['Cookie', `GAESA=${COOKIE}`], want: COOKIE },
    first: { reason: 'others follow', headers: ['cookie', `GAESA=${COOKIE}; a=b`], want: COOKIE },
    last: { reason: 'others come before', headers: ['COOKIE', `a=b; GAESA=${COOKIE}`], want: COOKIE },
    'no space': {
      reason: 'some clients leave it out',
      headers: ['cookie', `a=b;GAESA=${COOKIE};c`],
      want: COOKIE,
    },
    'second header': {
      reason: 'cookies may be split over fields',
      headers: ['cookie', 'a=b', 'x', 'y', 'Cookie', `GAESA=${COOKIE}`],
      want: COOKIE,
    },
    'behind a bad one': {
      reason: 'another path or domain may have one that is none of ours',
      headers: ['cookie', `GAESA=old; GAESA=${COOKIE}`],
      want: COOKIE,
    },
    'none at all': { reason: 'a new client', headers: ['x-cookie', `GAESA=${COOKIE}`], want: undefined },
    'other name': {
      reason: 'a suffix is another name',
      headers: ['cookie', `xGAESA=${COOKIE}`],
      want: undefined,
    },
    'other case': { reason: 'names have case', headers: ['cookie', `gaesa=${COOKIE}`], want: undefined },
    short: { reason: 'cut off', headers: ['cookie', `GAESA=${COOKIE.slice(1)}`], want: undefined },
    long: { reason: 'added to', headers: ['cookie', `GAESA=${COOKIE}x`], want: undefined },
    quoted: { reason: 'not as it was set', headers: ['cookie', `GAESA="${COOKIE}"`], want: undefined },
    empty: { reason: 'no value', headers: ['cookie', 'GAESA='], want: undefined },
    'only the name': { reason: 'no value', headers: ['cookie', 'GAESA'], want: undefined },
    many: { reason: 'a header full of them', headers: ['cookie', 'GAESA='.repeat(10_000)], want: undefined },
  };
  for (const [name, { reason, headers, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => assert.equal(affinityCookie(headers), want));
  }

  it('finds nothing but a part of the header, whatever that is', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('GAESA=', 'GAESA', '=', ';', '; ', '\t', COOKIE, COOKIE.slice(2), '\u00ff', '\0'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const found = affinityCookie(['cookie', text]);
        if (found === undefined) return;
        assert.equal(found.length, COOKIE.length);
        assert.ok(text.includes(`GAESA=${found}`));
      }),
    );
  });
});

describe('bindClient', () => {
  const SET = `GAESA=${COOKIE}; Max-Age=2592000; Path=/; HttpOnly`;
  const tables: Record<
    string,
    { reason: string; request?: string[]; response?: string[]; cookie?: string; want: string[] }
  > = {
    'no affinity': {
      reason: 'the revision does not ask for it',
      request: ['cookie', `GAESA=${COOKIE}`],
      response: ['cache-control', 'public'],
      want: ['cache-control', 'public'],
    },
    'new client': {
      reason: 'it gets a cookie that lasts 30 days, and no shared cache keeps the response',
      response: ['x', 'y'],
      cookie: COOKIE,
      want: ['x', 'y', 'cache-control', 'private', 'set-cookie', SET],
    },
    'same instance': {
      reason: 'the cookie is right, and the response stays cacheable',
      request: ['cookie', `GAESA=${COOKIE}`],
      response: ['cache-control', 'public'],
      cookie: COOKIE,
      want: ['cache-control', 'public'],
    },
    'other instance': {
      reason: 'it is bound to the one that responds',
      request: ['cookie', `GAESA=${'x'.repeat(COOKIE.length)}`],
      cookie: COOKIE,
      want: ['cache-control', 'private', 'set-cookie', SET],
    },
    public: {
      reason: 'a shared cache would give the cookie to others',
      response: ['Cache-Control', 'public, max-age=60'],
      cookie: COOKIE,
      want: ['cache-control', 'private', 'set-cookie', SET],
    },
    'not stored': {
      reason: 'the program is stricter, and stays so',
      response: ['Cache-Control', 'no-cache, No-Store'],
      cookie: COOKIE,
      want: ['Cache-Control', 'no-cache, No-Store', 'set-cookie', SET],
    },
    'own cookie': {
      reason: 'the program’s cookies are kept',
      response: ['Set-Cookie', 'a=b'],
      cookie: COOKIE,
      want: ['Set-Cookie', 'a=b', 'cache-control', 'private', 'set-cookie', SET],
    },
    https: {
      reason: 'it does not leave TLS',
      request: ['x-forwarded-proto', 'https'],
      cookie: COOKIE,
      want: ['cache-control', 'private', 'set-cookie', `${SET}; Secure`],
    },
  };
  for (const [name, { reason, request = [], response = [], cookie, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const head = requestHead(request, new Peer('192.0.2.1'));
      head.affinity = affinityCookie(head.headers);
      const answer = responseHead(response);
      bindClient(answer, head, { cookie } as Instance);
      assert.deepEqual(answer.headers, want);
    });
  }
});
