import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { CLOCK_SKEW_MS } from '../../identity/identityToken.ts';
import type { IssuerEntry } from '../../identity/issuer.ts';
import {
  issuerEntry,
  type TestIssuer,
  testIssuer,
  tokenOf as tokenAt,
} from '../../identity/testing/testIssuer.ts';
import { Callers, Invokers } from './callers.ts';
import { Peer, type RequestHead, requestHead } from './headers.ts';

const URL = 'https://hello.ns.example.com';
const CLUSTER = testIssuer('https://kubernetes.default.svc');
const PEOPLE = testIssuer('https://people.example.com', { algorithm: 'ES256', kid: 'p1' });
const STRANGER = testIssuer('https://people.example.com', { algorithm: 'ES256', kid: 'p1' });
const WEAK = testIssuer('https://weak.example.com', { bits: 1024 });
const ISSUERS: IssuerEntry[] = [
  issuerEntry(CLUSTER, { isCluster: true }),
  issuerEntry(PEOPLE, { audiences: ['cli'] }),
  issuerEntry(WEAK),
];
const INVOKERS = new Invokers({
  audiences: [URL, 'custom'],
  principals: ['user:system:serviceaccount:ns:web', 'user:ann@example.com'],
});
const WEB = { aud: [URL], sub: 'system:serviceaccount:ns:web' };
const ANN = { aud: URL, email: 'ann@example.com', email_verified: true };
/** The clock of all these tests stands still. */
const NOW = Date.now();
const SECONDS = Math.floor(NOW / 1000);
const SKEW = CLOCK_SKEW_MS / 1000;

const tokenOf = (issuer: TestIssuer, claims: object, header?: object): string =>
  tokenAt(issuer, claims, header, NOW);

function headOf(fields: string[]): RequestHead {
  return requestHead(['host', 'app.test', ...fields], new Peer('192.0.2.1'));
}

function callers(issuers = ISSUERS): Callers {
  const made = new Callers(
    () => {},
    () => NOW,
  );
  made.setIssuers(issuers);
  return made;
}

/** The status with which a request is rejected; undefined when it may pass. */
function statusOf(checked: Callers, fields: string[], invokers = INVOKERS): 401 | 403 | 503 | undefined {
  const rejection = checked.check(invokers, '/', headOf(fields));
  return (
    rejection &&
    ({ unauthenticated: 401, forbidden: 403, no_keys: 503 } as const)[rejection.reason as 'forbidden']
  );
}

const bearer = (token: string): string[] => ['Authorization', `Bearer ${token}`];

/** A token whose part of this number is another text. */
function changed(token: string, part: 0 | 1 | 2, change: (text: string) => string): string {
  const parts = token.split('.');
  parts[part] = change(parts[part] as string);
  return parts.join('.');
}

const json = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

interface Case {
  reason: string;
  fields: string[];
  want: 401 | 403 | 503 | undefined;
}

describe('callers', () => {
  const good = tokenOf(CLUSTER, WEB);
  const cases: Record<string, Case> = {
    'a ServiceAccount': { reason: 'RS256 by the cluster', fields: bearer(good), want: undefined },
    'a person': { reason: 'ES256 by an issuer', fields: bearer(tokenOf(PEOPLE, ANN)), want: undefined },
    'a custom audience': {
      reason: 'the service declares it',
      fields: bearer(tokenOf(PEOPLE, { ...ANN, aud: 'custom' })),
      want: undefined,
    },
    'an audience of the issuer': {
      reason: 'it counts for every service',
      fields: bearer(tokenOf(PEOPLE, { ...ANN, aud: 'cli' })),
      want: undefined,
    },
    'that audience by another issuer': {
      reason: 'it is of one issuer alone',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, aud: ['cli'] })),
      want: 401,
    },
    'the scheme in lower case': {
      reason: 'schemes have no case (RFC 9110, 11.1)',
      fields: ['authorization', `bearer ${good}`],
      want: undefined,
    },
    'the other field': {
      reason: 'made for programs with an Authorization of their own',
      fields: ['X-Serverless-Authorization', `Bearer ${good}`, 'Authorization', 'Basic eA=='],
      want: undefined,
    },
    'the other field with a forged token': {
      reason: 'it alone counts where it is present',
      fields: ['X-Serverless-Authorization', `Bearer ${changed(good, 2, () => 'AAAA')}`, ...bearer(good)],
      want: 401,
    },
    'no token': { reason: 'Cloud Run says 403', fields: [], want: 403 },
    'another scheme': { reason: 'that is no token', fields: ['Authorization', 'Basic eA=='], want: 403 },
    'a token that Connection names': {
      reason: 'it would be of this hop alone and is dropped (RFC 9110, 7.6.1)',
      fields: ['Connection', 'authorization', ...bearer(good)],
      want: 403,
    },
    'somebody else': {
      reason: 'no member',
      fields: bearer(tokenOf(PEOPLE, { ...ANN, email: 'bob@example.com' })),
      want: 403,
    },
    'a member of another namespace': {
      reason: 'an account of the same name is another one',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, sub: 'system:serviceaccount:other:web' })),
      want: 403,
    },
    'a person who calls himself an account': {
      reason: 'only the cluster names accounts',
      fields: bearer(tokenOf(PEOPLE, { ...WEB })),
      want: 403,
    },
    'a forged signature': {
      reason: 'made by another key of the same name',
      fields: bearer(tokenOf(STRANGER, ANN)),
      want: 401,
    },
    'another signature': {
      reason: 'of another token',
      fields: bearer(changed(good, 2, () => tokenOf(CLUSTER, { ...WEB, aud: 'x' }).split('.')[2] as string)),
      want: 401,
    },
    'changed claims': {
      reason: 'the signature is of others',
      fields: bearer(changed(good, 1, () => json({ iss: CLUSTER.issuer, exp: SECONDS + 300, ...WEB }))),
      want: 401,
    },
    'an empty signature': {
      reason: 'it proves nothing',
      fields: bearer(changed(good, 2, () => '')),
      want: 401,
    },
    'a signature that was removed': {
      reason: 'what a container sees is no token',
      fields: bearer(changed(good, 2, () => 'SIGNATURE_REMOVED_BY_GOOGLE')),
      want: 401,
    },
    'alg none': {
      reason: 'the key says which algorithm it is for',
      fields: bearer(changed(good, 0, () => json({ alg: 'none', kid: 'k1' }))),
      want: 401,
    },
    'alg none without a signature': {
      reason: 'there must be one',
      fields: bearer(`${json({ alg: 'none' })}.${good.split('.')[1]}.`),
      want: 401,
    },
    'HMAC with the public key': {
      reason: 'a public key is no secret',
      fields: bearer(hmac(good)),
      want: 401,
    },
    'RS256 for an EC key': {
      reason: 'the algorithm is the key’s',
      fields: bearer(tokenOf(PEOPLE, ANN, { alg: 'RS256' })),
      want: 401,
    },
    'a key in the header': {
      reason: 'keys come from the issuer alone',
      fields: bearer(tokenOf(STRANGER, ANN, { jwk: STRANGER.jwk, kid: undefined })),
      want: 401,
    },
    'a critical extension': {
      reason: 'none is understood (RFC 7515, 4.1.11)',
      fields: bearer(tokenOf(CLUSTER, WEB, { crit: ['b64'], b64: false })),
      want: 401,
    },
    'an RSA key of 1,024 bits': {
      reason: 'it is too short to prove anything',
      fields: bearer(tokenOf(WEAK, ANN)),
      want: 401,
    },
    'an unknown key': {
      reason: 'none of the issuer’s',
      fields: bearer(tokenOf({ ...CLUSTER, kid: 'k2' }, WEB)),
      want: 401,
    },
    'no key': {
      reason: 'a key is found by its name',
      fields: bearer(tokenOf(CLUSTER, WEB, { kid: undefined })),
      want: 401,
    },
    'a key of another issuer': {
      reason: 'keys count for their issuer alone',
      fields: bearer(tokenOf({ ...CLUSTER, issuer: PEOPLE.issuer }, ANN)),
      want: 401,
    },
    'another issuer': {
      reason: 'it is not trusted',
      fields: bearer(tokenOf({ ...CLUSTER, issuer: 'https://evil.example.com' }, WEB)),
      want: 401,
    },
    'no issuer': {
      reason: 'nobody vouches for it',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, iss: undefined })),
      want: 401,
    },
    expired: {
      reason: 'longer ago than clocks differ',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, exp: SECONDS - SKEW - 1 })),
      want: 401,
    },
    'just expired': {
      reason: 'the issuer’s clock may be behind',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, exp: SECONDS - SKEW / 2 })),
      want: undefined,
    },
    'no expiry': {
      reason: 'it would be for ever',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, exp: undefined })),
      want: 401,
    },
    'an expiry that is a text': {
      reason: 'it is a number (RFC 7519, 2)',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, exp: '99999999999' })),
      want: 401,
    },
    'not valid yet': {
      reason: 'by more than clocks differ',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, nbf: SECONDS + SKEW + 5 })),
      want: 401,
    },
    'issued in the future': {
      reason: 'by more than clocks differ',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, iat: SECONDS + SKEW + 5 })),
      want: 401,
    },
    'another audience': {
      reason: 'it was made for another service',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, aud: ['https://other.ns.example.com'] })),
      want: 401,
    },
    'an audience that begins alike': {
      reason: 'audiences are compared whole',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, aud: [`${URL}.evil.example.com`] })),
      want: 401,
    },
    'no audience': {
      reason: 'it could be for anyone',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, aud: undefined })),
      want: 401,
    },
    'an audience that is an object': {
      reason: 'it is a text or a list of texts',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, aud: { [URL]: true } })),
      want: 401,
    },
    'a token of 100 kB': {
      reason: 'nobody needs one',
      fields: bearer(tokenOf(CLUSTER, { ...WEB, padding: 'x'.repeat(75_000) })),
      want: 401,
    },
    'two tokens': { reason: 'either could be meant', fields: [...bearer(good), ...bearer(good)], want: 401 },
    'two tokens in one field': {
      reason: 'a token has no comma',
      fields: bearer(`${good}, Bearer ${good}`),
      want: 401,
    },
    'two of the other field': {
      reason: 'either could be meant',
      fields: [
        'X-Serverless-Authorization',
        `Bearer ${good}`,
        'x-serverless-authorization',
        'Bearer x',
        ...bearer(good),
      ],
      want: 401,
    },
    'an access token': { reason: 'it is no JWT', fields: bearer('ya29.a0AfB_x'), want: 401 },
    'an empty token': { reason: 'it is no JWT', fields: ['Authorization', 'Bearer '], want: 401 },
    'base64 that is none': {
      reason: 'decoders that forgive let texts differ that mean the same',
      fields: bearer(changed(good, 1, (text) => `${text.slice(0, 8)}%${text.slice(8)}`)),
      want: 401,
    },
    'padded base64': {
      reason: 'JWTs have none',
      fields: bearer(changed(good, 0, (text) => `${text}=`)),
      want: 401,
    },
    'claims that are no JSON': {
      reason: 'they say nothing',
      fields: bearer(changed(good, 1, () => json('{"iss":'))),
      want: 401,
    },
    'claims that are a list': {
      reason: 'they say nothing',
      fields: bearer(changed(good, 1, () => json([WEB]))),
      want: 401,
    },
    'deep JSON': {
      reason: 'it is refused before it is read, or says nothing',
      fields: bearer(changed(good, 1, () => json('['.repeat(5000) + ']'.repeat(5000)))),
      want: 401,
    },
    'a header that is null': {
      reason: 'it names no algorithm',
      fields: bearer(changed(good, 0, () => json('null'))),
      want: 401,
    },
  };
  for (const [name, { reason, fields, want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const checked = callers();
      assert.equal(statusOf(checked, fields), want);
      assert.equal(statusOf(checked, fields), want, 'the second time too');
      assert.equal(checked.size, want === undefined || want === 403 ? Math.min(checked.size, 1) : 0);
    });
  }

  it('accepts no change of a valid token', () => {
    const checked = callers();
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.constantFrom(...'AQgw05_-.'), (at, char) => {
        const other = good.slice(0, at) + char + good.slice(at + 1);
        const sameBytes = Buffer.from(other, 'base64url').equals(Buffer.from(good, 'base64url'));
        const last = at === good.length - 1;
        // The last character of a signature has bits that belong to no byte.
        if (other === good || sameBytes || last) return;
        assert.equal(statusOf(checked, bearer(other)), 401);
      }),
    );
  });

  it('shows the container the token without its signature, also when it is remembered', () => {
    const checked = callers();
    for (const name of ['authorization', 'x-serverless-authorization']) {
      for (let i = 0; i < 2; i++) {
        const head = headOf([name, `Bearer ${good}`]);
        assert.equal(checked.check(INVOKERS, '/', head), undefined);
        const [header, claims] = good.split('.');
        assert.ok(head.headers.includes(`Bearer ${header}.${claims}.SIGNATURE_REMOVED_BY_GOOGLE`));
        assert.ok(!head.headers.some((value) => value.includes(good)));
      }
    }
  });

  it('leaves an Authorization of the program alone beside the other field', () => {
    const head = headOf(['x-serverless-authorization', `Bearer ${good}`, 'authorization', `Bearer ${good}`]);
    assert.equal(callers().check(INVOKERS, '/', head), undefined);
    assert.ok(head.headers.includes(`Bearer ${good}`));
  });

  it('checks what it remembers for each service', () => {
    const checked = callers();
    const other = new Invokers({ audiences: ['https://other'], principals: ['user:ann@example.com'] });
    const closed = new Invokers({ audiences: [URL], principals: [] });
    assert.equal(statusOf(checked, bearer(good)), undefined);
    assert.equal(statusOf(checked, bearer(good), other), 401);
    assert.equal(statusOf(checked, bearer(good), closed), 403, 'the member was removed');
    assert.equal(statusOf(checked, bearer(good)), undefined);
  });

  it('forgets a token when it expires', () => {
    let now = NOW;
    const checked = new Callers(
      () => {},
      () => now,
    );
    checked.setIssuers(ISSUERS);
    assert.equal(statusOf(checked, bearer(good)), undefined);
    now += 3_600_000 + CLOCK_SKEW_MS + 1000;
    assert.equal(statusOf(checked, bearer(good)), 401);
    assert.equal(checked.size, 0);
  });

  it('follows the rotation of keys: a new one counts when it is known, an old one until it is gone', () => {
    const asked: string[] = [];
    let now = NOW;
    const checked = new Callers(
      (issuer) => asked.push(issuer),
      () => now,
    );
    const next = testIssuer(CLUSTER.issuer, { kid: 'k2' });
    const [old, newer] = [bearer(good), bearer(tokenOf(next, WEB))];
    checked.setIssuers([issuerEntry(CLUSTER, { isCluster: true })]);
    for (let i = 0; i < 5; i++) assert.equal(statusOf(checked, newer), 401);
    assert.deepEqual(asked, [CLUSTER.issuer], 'asked for once');
    now += 1000;
    assert.equal(statusOf(checked, newer), 401);
    assert.equal(asked.length, 2);
    checked.setIssuers([issuerEntry(CLUSTER, { isCluster: true, keys: [CLUSTER.jwk, next.jwk] })]);
    assert.deepEqual([statusOf(checked, old), statusOf(checked, newer)], [undefined, undefined]);
    checked.setIssuers([issuerEntry(next, { isCluster: true })]);
    assert.deepEqual([statusOf(checked, old), statusOf(checked, newer)], [401, undefined]);
  });

  it('asks for another attempt while keys have not been fetched', () => {
    const none = issuerEntry(PEOPLE, { keys: undefined });
    const unknown = issuerEntry(CLUSTER, { issuer: undefined, isCluster: true, keys: undefined });
    assert.equal(statusOf(callers([none]), bearer(tokenOf(PEOPLE, ANN))), 503);
    assert.equal(statusOf(callers([unknown]), bearer(good)), 503, 'it may be the cluster’s');
    assert.equal(statusOf(callers([]), bearer(good)), 401);
  });

  it('remembers a bounded number of tokens, the newest ones', () => {
    const checked = new Callers(
      () => {},
      () => NOW,
      2.5 * good.length,
    );
    checked.setIssuers(ISSUERS);
    const tokens = ['1', '2', '3', '4'].map((jti) => tokenOf(CLUSTER, { ...WEB, jti }));
    for (const token of tokens) assert.equal(statusOf(checked, bearer(token)), undefined);
    assert.equal(checked.size, 2);
    for (const token of tokens) assert.equal(statusOf(checked, bearer(token)), undefined);
    assert.equal(checked.size, 2);
  });

  it('escapes the path in what it answers, and leaves out its query', () => {
    const rejection = callers().check(INVOKERS, '/<script>&"?secret=1', headOf([]));
    assert.match(rejection?.message ?? '', /<code>\/&lt;script&gt;&amp;&quot;<\/code>/);
    assert.doesNotMatch(rejection?.message ?? '', /secret/);
  });
});

/** A token that is signed with the public key, as a secret. */
function hmac(token: string): string {
  const signed = `${json({ alg: 'HS256', kid: 'k1' })}.${token.split('.')[1]}`;
  const secret = CLUSTER.publicKey.export({ type: 'spki', format: 'pem' });
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
