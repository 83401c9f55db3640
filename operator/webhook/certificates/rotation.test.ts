import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { renew } from './renewal.ts';
import {
  AUTHORITY_LIFE_MS,
  CERTIFICATE_LIFE_MS,
  type Credentials,
  decide,
  PROPAGATION_MS,
  type Situation,
  type Step,
  trusts,
} from './rotation.ts';

const DAY = 86_400_000;
const START = Date.parse('2026-01-01T00:00:00Z');
const NAMES = ['homerun-webhook.homerun-system.svc', '127.0.0.1'];

interface Case {
  reason: string;
  /** What is changed of credentials that were made at START. */
  changes?: Partial<Credentials> | ((made: Credentials) => Partial<Credentials>);
  missing?: true;
  names?: string[];
  published?: false;
  after: number;
  step: Step;
}

const CASES: Record<string, Case> = {
  'no Secret': { reason: 'the first replica makes everything', missing: true, after: 0, step: 'create' },
  'an empty Secret': {
    reason: 'remains of an earlier installation are repaired',
    changes: { authorities: '', authorityKey: '', certificate: '', key: '' },
    after: 0,
    step: 'create',
  },
  'garbage in all fields': {
    reason: 'it is repaired, not argued with',
    changes: { authorities: 'a', authorityKey: 'b', certificate: 'c', key: 'd' },
    after: 0,
    step: 'create',
  },
  'fresh credentials': { reason: 'nothing is to do', after: DAY, step: 'keep' },
  'a certificate that is garbage': {
    reason: 'the authority is sound and trusted already',
    changes: { certificate: 'x' },
    after: 0,
    step: 'issue',
  },
  'a key of another certificate': {
    reason: 'no handshake would succeed',
    changes: ({ authorityKey }) => ({ key: authorityKey }),
    after: 0,
    step: 'issue',
  },
  'a certificate for another name': {
    reason: 'the operator was moved to another namespace',
    names: ['homerun-webhook.elsewhere.svc'],
    after: 0,
    step: 'issue',
  },
  "an authority's key that is lost": {
    reason: 'the served certificate stays trusted while a new authority is published',
    changes: { authorityKey: '' },
    after: 0,
    step: 'add-authority',
  },
  "an authority's key that is lost with the certificate": {
    reason: 'nothing can be served, so there is nothing to wait for',
    changes: { authorityKey: '', certificate: '' },
    after: 0,
    step: 'create',
  },
  'a certificate after half of its life': { reason: 'it is good for long', after: 45 * DAY, step: 'keep' },
  'a certificate with a third of its life to go': {
    reason: 'a month is left for fixing any problem',
    after: 61 * DAY,
    step: 'issue',
  },
  'the same while the authority is not published': {
    reason: 'an untrusted certificate must not be served; the current one is still trusted',
    published: false,
    after: 61 * DAY,
    step: 'keep',
  },
  'an expired certificate': {
    reason: 'after a long pause nothing is worth waiting for',
    published: false,
    after: CERTIFICATE_LIFE_MS + DAY,
    step: 'issue',
  },
  'an expired authority': {
    reason: 'after two years of pause everything is new',
    after: AUTHORITY_LIFE_MS + DAY,
    step: 'create',
  },
};

describe('certificate rotation', () => {
  let made: Credentials;
  before(async () => {
    made = await renew('create', undefined, NAMES, START);
  });

  for (const [
    name,
    { reason, changes = {}, missing, names = NAMES, published = true, after, step },
  ] of Object.entries(CASES)) {
    it(`${name}: ${step}, for ${reason}`, () => {
      const changed = typeof changes === 'function' ? changes(made) : changes;
      const credentials = missing ? undefined : { ...made, ...changed };
      assert.equal(decide({ credentials, names, published, now: START + after }), step);
    });
  }

  it('makes a certificate for servers alone, signed by an authority for nothing else', () => {
    const certificate = new X509Certificate(made.certificate);
    const authority = new X509Certificate(made.authorities);
    assert.ok(certificate.checkIssued(authority));
    assert.ok(authority.ca && !certificate.ca);
    assert.equal(certificate.subjectAltName, 'DNS:homerun-webhook.homerun-system.svc, IP Address:127.0.0.1');
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  });

  it('never serves an untrusted or expired certificate in three years', async () => {
    let credentials = made;
    let known = made.authorities;
    let learnAt = START;
    const steps: Step[] = [];
    for (let now = START; now < START + 3 * 365 * DAY; now += DAY / 2) {
      // API servers learn of a bundle some time after it was written.
      if (now - learnAt >= PROPAGATION_MS / 2) known = credentials.authorities;
      const situation: Situation = {
        credentials,
        names: NAMES,
        published: known === credentials.authorities,
        now,
      };
      const step = decide(situation);
      if (step !== 'keep') {
        const before = credentials.authorities;
        credentials = await renew(step, credentials, NAMES, now);
        if (before !== credentials.authorities) learnAt = now;
        steps.push(step);
      }
      assert.ok(
        trusts(known, credentials.certificate),
        `served and trusted at ${new Date(now).toISOString()}`,
      );
      assert.ok(new X509Certificate(credentials.certificate).validToDate.getTime() > now + 20 * DAY);
    }
    assert.ok(!steps.includes('create'));
    assert.equal(steps.filter((step) => step === 'add-authority').length, 2);
    assert.equal(steps.filter((step) => step === 'prune' || step === 'issue').length > 15, true);
    assert.ok(credentials.authorities.match(/BEGIN/g)?.length === 2, 'expired authorities are forgotten');
  });
});
