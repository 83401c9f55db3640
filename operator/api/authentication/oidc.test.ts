import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type IssuerServer, serveIssuer } from '../../identity/testing/issuerServer.ts';
import { type TestIssuer, testIssuer, tokenOf } from '../../identity/testing/testIssuer.ts';
import { FakeClock } from '../../testing/clock.ts';
import { silent } from '../../testing/until.ts';
import { ApiError } from '../errors.ts';
import { Authentication } from './authentication.ts';
import { Oidc } from './oidc.ts';

const CLAIMS = { sub: '7', aud: 'cli', email: 'ann@example.com', email_verified: true, groups: ['ops'] };
const START = 1_800_000_000_000;

const part = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

describe('tokens of a configured issuer', () => {
  let server: IssuerServer;
  let clock: FakeClock;
  let stop: AbortController;
  let oidc: Oidc;
  let authentication: Authentication;
  let issuer: TestIssuer;
  let other: TestIssuer;
  let asked: number;

  before(async () => {
    server = await serveIssuer();
    issuer = testIssuer(server.issuer);
    other = testIssuer(server.issuer, { algorithm: 'ES256', kid: 'k2' });
  });
  after(() => server.close());

  beforeEach(async () => {
    Object.assign(server, { keys: [issuer.jwk], fetched: 0 });
    [clock, stop, asked] = [new FakeClock(), new AbortController(), 0];
    const now = () => START + clock.now();
    const configured = [{ issuer: server.issuer, audiences: ['cli', 'web'] }];
    oidc = new Oidc({ configured, log: silent, signal: stop.signal, now, clock });
    const cluster = async () => {
      asked++;
      return undefined;
    };
    authentication = new Authentication([(token) => oidc.personOf(token), cluster], now);
    oidc.issuers.need();
    await oidc.issuers.asked;
  });
  afterEach(() => stop.abort());

  const token = (claims: object = {}, header: object = {}, by = issuer) =>
    tokenOf(by, { ...CLAIMS, ...claims }, header, START + clock.now());
  const personOf = (text: string) => authentication.personOf(`Bearer ${text}`);
  const refuses = (text: string, why: RegExp, code = 'UNAUTHENTICATED') =>
    rejects(personOf(text), (error) => {
      match(String(error), why);
      return error instanceof ApiError && error.code === code;
    });

  it('are those of a person, by keys for RS256 and ES256', async () => {
    server.keys = [issuer.jwk, other.jwk];
    clock.advance(330_000);
    const person = { name: 'ann@example.com', email: 'ann@example.com' };
    const groups = ['ops', 'domain:example.com', 'system:authenticated'];
    deepEqual(await personOf(token()), { ...person, groups });
    deepEqual(await personOf(token({ aud: ['x', 'web'] }, {}, other)), { ...person, groups });
    equal(asked, 0, 'the cluster is not asked');
  });

  it('are not those of issuers that are not configured, about which the cluster is asked', async () => {
    await refuses(token({ iss: `${server.issuer}/` }), /not known here/);
    await refuses(token({ iss: undefined }), /not known here/);
    equal(asked, 2);
  });

  const hs256 = () => {
    const signed = `${part({ alg: 'HS256', kid: 'k1' })}.${token().split('.')[1]}`;
    const secret = issuer.publicKey.export({ type: 'spki', format: 'pem' });
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  };
  const twice = () => {
    const claims = { ...CLAIMS, iss: server.issuer, exp: START / 1000 + 60 };
    // The signature is valid: what must not be read in two ways is refused whoever has signed it.
    const body = part(`{"sub":"8",${JSON.stringify(claims).slice(1)}`);
    return tokenOf({ ...issuer, issuer: '' }, {}, {}, START).replace(/\.[^.]+\./, `.${body}.`);
  };
  const SIGNATURE = /signature of the token is not/;
  const refused: Record<string, { text: () => string; why: RegExp }> = {
    forged: { text: () => token({}, {}, testIssuer(server.issuer)), why: SIGNATURE },
    'changed after it was signed': {
      text: () => token().replace(/\.[^.]+\./, `.${token({ sub: '8' }).split('.')[1]}.`),
      why: SIGNATURE,
    },
    expired: { text: () => token({ exp: START / 1000 - 61 }), why: /has expired/ },
    'without an expiry': { text: () => token({ exp: undefined }), why: /has expired/ },
    'not valid yet': { text: () => token({ nbf: START / 1000 + 61 }), why: /not valid yet/ },
    'for another audience': { text: () => token({ aud: ['https://hello.example.com'] }), why: /audience/ },
    'for no audience': { text: () => token({ aud: undefined }), why: /audience/ },
    'not signed (alg=none)': {
      text: () => `${part({ alg: 'none', kid: 'k1' })}.${token().split('.')[1]}.`,
      why: /has no token|not known here/,
    },
    'not signed, with a signature (alg=none)': { text: () => token({}, { alg: 'none' }), why: SIGNATURE },
    'signed with the public key as a secret (HS256)': { text: hs256, why: SIGNATURE },
    'signed with a key of another kind': {
      text: () => token({}, { kid: 'k1', alg: 'ES256' }, other),
      why: SIGNATURE,
    },
    'without the name of a key': { text: () => token({}, { kid: undefined }), why: SIGNATURE },
    'with extensions that must be understood': {
      text: () => token({}, { crit: ['exp'] }),
      why: /not known here/,
    },
    'with a key that comes twice': { text: twice, why: /not known here/ },
    'of 100 kB': { text: () => token({ pad: 'x'.repeat(75_000) }), why: /has no token/ },
    'of someone in a group of the cluster': {
      text: () => token({ groups: ['system:masters'] }),
      why: /the group "system:masters"/,
    },
    'of a name of the cluster': {
      text: () => token({ sub: 'system:serviceaccount:kube-system:default' }),
      why: /the cluster's own/,
    },
  };
  for (const [name, { text, why }] of Object.entries(refused)) {
    it(`refuses one ${name}`, async () => {
      await refuses(text(), why);
      equal(server.fetched, 1, 'no key was asked for');
    });
  }

  it('gives the clocks a minute', async () => {
    await personOf(token({ exp: START / 1000 - 59 }));
    await personOf(token({ nbf: START / 1000 + 59 }));
  });

  it('remembers a token no longer than it is valid, and asks nothing of the issuer', async () => {
    const text = token({ exp: START / 1000 - 58 });
    await personOf(text);
    clock.advance(2001);
    await refuses(text, /has expired/);
    equal(server.fetched, 1);
  });

  it('fetches the keys once for a key that is not known, and again after ten seconds', async () => {
    server.keys = [issuer.jwk, other.jwk];
    const rotated = token({}, {}, other);
    await refuses(rotated, SIGNATURE);
    equal(server.fetched, 1, 'they have just been fetched');
    clock.advance(10_000);
    const [first, second] = await Promise.all([personOf(rotated), personOf(token({ jti: '1' }, {}, other))]);
    deepEqual([first.name, second.name], ['ann@example.com', 'ann@example.com']);
    for (let i = 0; i < 20; i++) await refuses(token({}, { kid: `k${i + 10}` }), SIGNATURE);
    equal(server.fetched, 2);
  });

  it('refuses tokens of a key that the issuer has withdrawn', async () => {
    const text = token();
    await personOf(text);
    server.keys = [other.jwk];
    clock.advance(330_000);
    await oidc.issuers.unknownKey(server.issuer);
    await refuses(text, SIGNATURE);
    await refuses(token(), SIGNATURE);
  });

  it('says that it cannot verify while the issuer cannot be reached, and does once it can', async () => {
    const fresh = new Oidc({
      configured: [{ issuer: server.issuer, audiences: ['cli'] }],
      log: silent,
      signal: stop.signal,
      now: () => START,
      clock,
    });
    authentication = new Authentication([(text) => fresh.personOf(text)], () => START + clock.now());
    server.keys = [];
    const text = token();
    await refuses(text, /keys of the issuer http.* cannot be fetched.*Try again/, 'UNAVAILABLE');
    server.keys = [issuer.jwk];
    await refuses(text, /cannot be fetched/, 'UNAVAILABLE');
    clock.advance(10_000);
    equal((await personOf(text)).name, 'ann@example.com');
  });

  it('keeps verifying by the last keys of an issuer that cannot be reached', async () => {
    server.keys = [];
    clock.advance(330_000);
    await oidc.issuers.unknownKey(server.issuer);
    equal((await personOf(token())).name, 'ann@example.com');
    await refuses(token({}, {}, other), /cannot be fetched/, 'UNAVAILABLE');
    await refuses(token({}, {}, testIssuer(server.issuer)), SIGNATURE);
  });
});
