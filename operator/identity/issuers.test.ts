import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { nextTurn } from '../kube/clock.ts';
import { FakeClock } from '../testing/clock.ts';
import { silent } from '../testing/until.ts';
import type { IssuerEntry, PublicKey } from './issuer.ts';
import { clusterSource, configuredSource, type IssuerSource, publicKeys } from './issuerSource.ts';
import { Issuers } from './issuers.ts';
import { testIssuer } from './testing/testIssuer.ts';

const [RSA, EC] = [testIssuer('a').jwk, testIssuer('a', { algorithm: 'ES256', kid: 'e' }).jwk];

describe('publicKeys', () => {
  const cases: Record<string, { reason: string; keys: unknown; want: PublicKey[] | RegExp }> = {
    both: { reason: 'RS256 and ES256', keys: [RSA, EC], want: [RSA, EC] },
    'more fields': {
      reason: 'only what is needed goes on',
      keys: [{ ...RSA, use: 'sig', alg: 'RS256', d: 'x' }],
      want: [RSA],
    },
    'for encryption': { reason: 'it signs nothing', keys: [{ ...RSA, use: 'enc' }, EC], want: [EC] },
    'for another algorithm': {
      reason: 'a key has one purpose',
      keys: [{ ...RSA, alg: 'PS256' }, EC],
      want: [EC],
    },
    secrets: {
      reason: 'an HMAC key is no public one',
      keys: [{ kid: 'h', kty: 'oct', k: 'eA' }, EC],
      want: [EC],
    },
    'another curve': { reason: 'ES256 is of P-256', keys: [{ ...EC, crv: 'P-384' }, RSA], want: [RSA] },
    'without a name': {
      reason: 'no token could name it',
      keys: [{ ...RSA, kid: undefined }, EC],
      want: [EC],
    },
    'nothing of use': { reason: 'it is taken for a mistake', keys: [null, 7, {}], want: /no key for RS256/ },
    'no list': { reason: 'it is no set', keys: 'x', want: /no set of keys/ },
  };
  for (const [name, { reason, keys, want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      if (want instanceof RegExp) assert.throws(() => publicKeys({ keys }), want);
      else assert.deepEqual(publicKeys({ keys }), want);
    });
  }
});

describe('sources of keys', () => {
  let server: Server;
  let origin: string;
  let pages: Record<string, unknown>;
  before(async () => {
    server = createServer(({ url = '' }, response) => {
      const page = pages[url];
      response.statusCode = page === undefined ? 404 : 200;
      response.end(typeof page === 'string' ? page : JSON.stringify(page));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('finds the keys of a configured issuer, also below a path', async () => {
    for (const path of ['', '/realms/a', '/slash/']) {
      const issuer = origin + path;
      const jwks_uri = `${origin}/keys?a=b`;
      pages = {
        [`${path.replace(/\/$/, '')}/.well-known/openid-configuration`]: { issuer, jwks_uri },
        '/keys?a=b': { keys: [RSA] },
      };
      assert.deepEqual(await configuredSource(issuer).fetch(), { issuer, keys: [RSA] });
    }
  });

  const faults: Record<string, { reason: string; pages: () => Record<string, unknown>; want: RegExp }> = {
    'another name': {
      reason: 'it is another issuer',
      pages: () => ({ issuer: `${origin}/other`, jwks_uri: `${origin}/keys` }),
      want: /calls itself/,
    },
    'no keys': { reason: 'nothing can be verified', pages: () => ({ issuer: origin }), want: /no jwks_uri/ },
    'keys that are not there': {
      reason: 'what it says is wrong',
      pages: () => ({ issuer: origin, jwks_uri: `${origin}/none` }),
      want: /answered with 404/,
    },
  };
  for (const [name, { reason, pages: made, want }] of Object.entries(faults)) {
    it(`refuses ${name}: ${reason}`, async () => {
      pages = { '/.well-known/openid-configuration': made() };
      await assert.rejects(configuredSource(origin).fetch(), want);
    });
  }

  it('refuses what is no JSON or does not end', async () => {
    pages = { '/.well-known/openid-configuration': '<html>' };
    await assert.rejects(configuredSource(origin).fetch(), /no JSON/);
    pages = { '/.well-known/openid-configuration': JSON.stringify('x'.repeat(600_000)) };
    await assert.rejects(configuredSource(origin).fetch(), { code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' });
  });

  it('finds the keys of the cluster at its API server, wherever they are for others', async () => {
    const answers: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: 'https://cluster', jwks_uri: 'https://192.0.2.1/keys' },
      '/openid/v1/jwks': { keys: [RSA] },
    };
    const request = async <T>(_method: string, path: string) => answers[path] as T;
    assert.deepEqual(await clusterSource({ request }).fetch(), { issuer: 'https://cluster', keys: [RSA] });
  });
});

describe('Issuers', () => {
  let clock: FakeClock;
  let stop: AbortController;
  let published: (readonly IssuerEntry[])[];
  let fetched: number;
  let answer: () => PublicKey[];
  let issuers: Issuers;
  const settle = async () => {
    for (let i = 0; i < 3; i++) await nextTurn();
  };
  const keys = () => published.at(-1)?.map((entry) => entry.keys?.map(({ kid }) => kid));

  beforeEach(() => {
    [clock, stop, published, fetched] = [new FakeClock(), new AbortController(), [], 0];
    answer = () => [RSA];
    const fetch = async () => {
      fetched++;
      return { issuer: 'cluster', keys: answer() };
    };
    const sources: IssuerSource[] = [{ audiences: [], fetch }];
    const { signal } = stop;
    issuers = new Issuers({ sources, log: silent, signal, clock, publish: (all) => published.push(all) });
  });
  afterEach(() => stop.abort());

  it('asks for nothing until keys are needed, and says that there are none yet', async () => {
    await issuers.asked;
    clock.advance(3_600_000);
    await settle();
    assert.deepEqual([fetched, issuers.keys.size], [0, 0]);
    issuers.need();
    issuers.need();
    assert.deepEqual(keys(), [undefined]);
    await issuers.asked;
    assert.deepEqual([fetched, keys()], [1, [['k1']]]);
    assert.deepEqual(published.at(-1)?.[0]?.issuer, 'cluster');
    assert.deepEqual([...issuers.keys], [['cluster', 1]]);
  });

  it('says that the first keys are on their way, until they are there or cannot be had', async () => {
    const pending = () => published.map(([entry]) => entry?.pending);
    issuers.need();
    await issuers.asked;
    assert.deepEqual(pending(), [true, false]);
  });

  it('says so once of an issuer that has no keys', async () => {
    answer = () => {
      throw new Error('away');
    };
    issuers.need();
    await issuers.asked;
    clock.advance(6000);
    await settle();
    assert.deepEqual(
      [fetched, published.map(([entry]) => entry?.pending), keys()],
      [2, [true, false], [undefined]],
    );
  });

  it('refreshes them every five minutes, and publishes what has changed', async () => {
    issuers.need();
    await issuers.asked;
    const before = published.length;
    clock.advance(330_000);
    await settle();
    assert.deepEqual([fetched, published.length], [2, before]);
    answer = () => [RSA, EC];
    clock.advance(330_000);
    await settle();
    assert.deepEqual(keys(), [['k1', 'e']]);
  });

  it('keeps the last keys of an issuer that cannot be reached, and asks it every few seconds', async () => {
    issuers.need();
    await issuers.asked;
    answer = () => {
      throw new Error('away');
    };
    clock.advance(330_000);
    await settle();
    for (let i = 0; i < 3; i++) {
      clock.advance(6000);
      await settle();
    }
    assert.deepEqual([fetched, keys(), issuers.failures.get('cluster')], [5, [['k1']], 4]);
    answer = () => [EC];
    clock.advance(6000);
    await settle();
    assert.deepEqual(keys(), [['e']]);
  });

  it('is asked again for an unknown key, at most every ten seconds', async () => {
    issuers.need();
    await issuers.asked;
    answer = () => [EC];
    void issuers.unknownKey('cluster');
    await settle();
    assert.equal(fetched, 1, 'it has just been asked');
    clock.advance(10_000);
    void issuers.unknownKey('other');
    await settle();
    assert.equal(fetched, 1);
    for (let i = 0; i < 5; i++) void issuers.unknownKey('cluster');
    await settle();
    assert.deepEqual([fetched, keys()], [2, [['e']]]);
  });
});
