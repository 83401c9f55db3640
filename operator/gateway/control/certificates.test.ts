import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { pino } from 'pino';
import type { Secret } from '../../kube/core.ts';
import { serverCertificate } from '../../testing/serverCertificate.ts';
import type { KeyPair } from '../../webhook/certificates/rotation.ts';
import type { CertificateEntry } from '../shared/messages.ts';
import { CertificateError, compileCertificate } from './certificate.ts';
import { Certificates } from './certificates.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-06-01T00:00:00Z');

function secretOf(name: string, pair: Partial<KeyPair>, creationTimestamp = '2026-01-01T00:00:00Z'): Secret {
  const base64 = (text: string | undefined) => text && Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'sys', name, creationTimestamp },
    data: { 'tls.crt': base64(pair.certificate), 'tls.key': base64(pair.key) } as Record<string, string>,
  };
}

describe('compileCertificate', () => {
  let pair: KeyPair;
  let other: KeyPair;
  before(async () => {
    pair = await serverCertificate(['a.test', '*.A.test', '10.0.0.1'], NOW);
    other = await serverCertificate(['b.test'], NOW);
  });

  it('has the host names of the certificate, and when it expires', () => {
    const { names, expiresAt, createdAt } = compileCertificate(secretOf('a', pair));
    assert.deepEqual(names, ['a.test', '*.a.test']);
    assert.equal(createdAt, '2026-01-01T00:00:00Z');
    assert.equal(expiresAt, NOW + 90 * DAY_MS);
  });

  const bad: Record<string, { held: () => Partial<KeyPair>; message: RegExp; reason: string }> = {
    'no certificate': {
      held: () => ({ key: pair.key }),
      message: /tls\.crt is not a certificate/,
      reason: 'half written',
    },
    'no key': {
      held: () => ({ certificate: pair.certificate }),
      message: /tls\.key is not a private key/,
      reason: 'half written',
    },
    garbage: {
      held: () => ({ certificate: 'x', key: 'y' }),
      message: /tls\.crt is not a certificate/,
      reason: 'not PEM',
    },
    'a key of another certificate': {
      held: () => ({ certificate: pair.certificate, key: other.key }),
      message: /tls\.key does not belong/,
      reason: 'handshakes would fail',
    },
    'a public key': {
      held: () => ({
        certificate: pair.certificate,
        key: generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      }),
      message: /tls\.key is not a private key/,
      reason: 'it cannot sign',
    },
    'a broken chain': {
      held: () => ({
        ...pair,
        certificate: `${pair.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      }),
      message: /tls\.crt cannot be used/,
      reason: 'OpenSSL reads the chain',
    },
  };
  for (const [what, { held, message, reason }] of Object.entries(bad)) {
    it(`refuses ${what}: ${reason}`, () => {
      assert.throws(
        () => compileCertificate(secretOf('a', held())),
        (error: unknown) => error instanceof CertificateError && message.test(error.message),
      );
    });
  }

  it('refuses a certificate for no host', async () => {
    const addressed = await serverCertificate(['10.0.0.1'], NOW);
    assert.throws(() => compileCertificate(secretOf('a', addressed)), /has no host name/);
  });
});

describe('certificates of Secrets', () => {
  let served: Map<string, CertificateEntry>;
  let published: string[];
  let lines: { level: number; secret: string; msg: string }[];
  let certificates: Certificates;
  let now: number;

  const begin = (...expected: string[]) => {
    now = NOW;
    served = new Map();
    published = [];
    lines = [];
    const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) });
    certificates = new Certificates({
      expected,
      log,
      now: () => now,
      publish: (secret, entry) => {
        published.push(secret);
        if (entry) served.set(secret, entry);
        else served.delete(secret);
      },
    });
  };
  const names = () => Object.fromEntries([...served].map(([secret, entry]) => [secret, entry.names]));
  const said = () => lines.splice(0).map(({ msg }) => msg);
  beforeEach(() => begin());

  it('serve each of their hosts, in one update for a turn of the event loop', async () => {
    const [a, b] = [await serverCertificate(['a.test'], NOW), await serverCertificate(['b.test'], NOW)];
    certificates.set('sys/a', secretOf('a', a));
    certificates.set('sys/b', secretOf('b', b));
    assert.deepEqual(published, []);
    await Promise.resolve();
    assert.deepEqual(names(), { 'sys/a': ['a.test'], 'sys/b': ['b.test'] });
    assert.deepEqual([...certificates.expiries.values()], [NOW + 90 * DAY_MS, NOW + 90 * DAY_MS]);
    assert.deepEqual(said(), []);
  });

  it('that are written again with the same contents change nothing', async () => {
    const pair = await serverCertificate(['a.test'], NOW);
    certificates.set('sys/a', secretOf('a', pair));
    certificates.refresh();
    certificates.set('sys/a', secretOf('a', pair));
    certificates.refresh();
    assert.deepEqual(published, ['sys/a']);
  });

  it('that become invalid leave what was served, say so once, and heal', async () => {
    const pair = await serverCertificate(['a.test'], NOW);
    certificates.set('sys/a', secretOf('a', pair));
    certificates.set('sys/other', secretOf('other', await serverCertificate(['b.test'], NOW)));
    certificates.refresh();
    for (let i = 0; i < 2; i++) {
      certificates.set('sys/a', secretOf('a', { ...pair, key: 'x' }));
      certificates.refresh();
    }
    assert.deepEqual(said(), [
      'Secret sys/a: tls.key is not a private key in PEM; what it held before is still served',
    ]);
    assert.deepEqual(names(), { 'sys/a': ['a.test'], 'sys/other': ['b.test'] });
    assert.equal(certificates.faults.size, 1);
    certificates.set('sys/a', secretOf('a', pair));
    certificates.refresh();
    assert.deepEqual(said(), ['Secret sys/a: nothing is wrong any more']);
    assert.deepEqual(published, ['sys/a', 'sys/other']);
  });

  it('that never were valid are not served', () => {
    certificates.set('sys/a', secretOf('a', {}));
    certificates.refresh();
    assert.deepEqual(said(), ['Secret sys/a: tls.crt is not a certificate in PEM']);
    assert.equal(served.size, 0);
    certificates.set('sys/a', undefined);
    certificates.refresh();
    assert.equal(certificates.faults.size, 0);
  });

  it('that the configuration names and that do not exist are reported until they do', async () => {
    begin('sys/a');
    certificates.refresh();
    assert.deepEqual(said(), ['Secret sys/a: does not exist']);
    certificates.set('sys/a', secretOf('a', await serverCertificate(['a.test'], NOW)));
    certificates.refresh();
    assert.deepEqual(said(), ['Secret sys/a: nothing is wrong any more']);
  });

  const claims: Record<
    string,
    {
      a: [created: string, issuedAt: number];
      b: [created: string, issuedAt: number];
      wins: string;
      reason: string;
    }
  > = {
    'the older one': {
      a: ['2026-02-01T00:00:00Z', NOW],
      b: ['2026-01-01T00:00:00Z', NOW],
      wins: 'sys/b',
      reason: 'a newcomer takes no host',
    },
    'the first by name': {
      a: ['2026-01-01T00:00:00Z', NOW],
      b: ['2026-01-01T00:00:00Z', NOW],
      wins: 'sys/a',
      reason: 'every gateway decides alike',
    },
    'one that has not expired': {
      a: ['2026-02-01T00:00:00Z', NOW],
      b: ['2026-01-01T00:00:00Z', NOW - 91 * DAY_MS],
      wins: 'sys/a',
      reason: 'clients refuse the other',
    },
  };
  for (const [which, { a, b, wins, reason }] of Object.entries(claims)) {
    it(`that have the same host: ${which} serves it, because ${reason}`, async () => {
      for (const reversed of [false, true]) {
        begin();
        const both = [['a', ...a] as const, ['b', ...b] as const];
        for (const [name, created, issuedAt] of reversed ? both.reverse() : both)
          certificates.set(
            `sys/${name}`,
            secretOf(name, await serverCertificate(['shared.test', `${name}.test`], issuedAt), created),
          );
        certificates.refresh();
        const loser = wins === 'sys/a' ? 'sys/b' : 'sys/a';
        assert.deepEqual(served.get(wins)?.names, ['shared.test', `${wins.slice(4)}.test`]);
        assert.deepEqual(served.get(loser)?.names, [`${loser.slice(4)}.test`]);
        assert.equal(said().length, 1);
        assert.match(
          certificates.faults.get(loser) ?? '',
          /^the host shared\.test is served .* sys\/|^its certificate expired/,
        );
      }
    });
  }

  it('change when one expires, and when one is deleted', async () => {
    certificates.set('sys/old', secretOf('old', await serverCertificate(['a.test'], NOW - 80 * DAY_MS)));
    const later = '2026-03-01T00:00:00Z';
    certificates.set('sys/new', secretOf('new', await serverCertificate(['a.test'], NOW), later));
    certificates.refresh();
    assert.deepEqual(names(), { 'sys/old': ['a.test'] });
    now += 9 * DAY_MS;
    certificates.tick();
    assert.deepEqual(names(), { 'sys/old': ['a.test'] });
    now += 2 * DAY_MS;
    certificates.tick();
    assert.deepEqual(names(), { 'sys/new': ['a.test'] });
    assert.match(certificates.faults.get('sys/old') ?? '', /expired at 2026-06-11T/);
    certificates.set('sys/new', undefined);
    certificates.refresh();
    // A client may still accept it, or say what is wrong.
    assert.deepEqual(names(), { 'sys/old': ['a.test'] });
  });
});
