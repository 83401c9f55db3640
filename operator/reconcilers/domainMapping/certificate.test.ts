import assert from 'node:assert/strict';
import { type Condition, conditionOf } from '../../apis/condition.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { mappingChildName } from '../../apis/names.ts';
import { parseConfig } from '../../config.ts';
import { domainMapping } from '../../testing/domains.ts';
import { assertGolden } from '../../testing/golden.ts';
import { EPOCH, route } from '../../testing/serving.ts';
import { CERTIFICATE, type CertificateState, desiredCertificate } from './certificate.ts';
import {
  CERTIFICATE_REQUESTS,
  type Certificate,
  type CertificateRequest,
  issuingOf,
  lastRequest,
} from './certManager.ts';
import { orphaned } from './child.ts';
import { type DomainMappingInput, planChildren, planDomainMapping } from './plan.ts';

const config = parseConfig({
  domain: 'run.example.com',
  gateway: { certificates: { namespace: 'certificates', issuer: { name: 'letsencrypt' } } },
});
const issuing = issuingOf(config);
assert.ok(issuing);
const without = parseConfig({ domain: 'run.example.com' });
const HOST = 'www.example.com';
const serving = { ...route(), status: { traffic: [{ revisionName: 'hello-1', percent: 100 }] } };

/** A mapping whose status says that it has its domain. */
function holder(spec: Partial<DomainMapping['spec']> = {}, namespace = 'demo'): DomainMapping {
  return { ...domainMapping(HOST, spec, { namespace }), status: { mappedRouteName: 'hello' } };
}

function certificate(conditions: Condition[] = [], namespace = 'demo'): Certificate {
  assert.ok(issuing);
  return { ...desiredCertificate(holder({}, namespace), issuing), status: { conditions } };
}

function request(message: string, revision = 1): CertificateRequest {
  const { apiVersion, kind } = CERTIFICATE_REQUESTS;
  const annotations = {
    'cert-manager.io/certificate-name': mappingChildName(HOST),
    'cert-manager.io/certificate-revision': String(revision),
  };
  const conditions: Condition[] = [{ type: 'Ready', status: 'False', reason: 'Pending', message }];
  return { apiVersion, kind, metadata: { name: `r-${revision}`, annotations }, status: { conditions } };
}

const { labels: _, ...unlabelled } = certificate().metadata;
const FOREIGN: Certificate = { ...certificate(), metadata: unlabelled };
const DOES_NOT_EXIST: Condition = {
  type: 'Ready',
  status: 'False',
  reason: 'DoesNotExist',
  message: 'Issuing certificate as Secret does not exist',
};
const ISSUED: Condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Ready',
  message: 'Certificate is up to date',
};

interface PlanCase extends Partial<DomainMappingInput> {
  reason: string;
  config?: typeof config;
  does: 'applies' | 'removes' | 'nothing';
}

const PLANS: Record<string, PlanCase> = {
  'a mapping that has its domain': { reason: 'the gateways serve it', does: 'applies' },
  'a mapping that is new': {
    reason: 'of two that claim one domain both would ask',
    mapping: domainMapping(HOST),
    does: 'nothing',
  },
  'no issuer': { reason: 'nothing is configured', config: without, does: 'nothing' },
  'no issuer any more': {
    reason: 'the gateways serve it until it expires, and the right to delete it went with the value',
    config: without,
    certificate: { found: certificate() },
    does: 'nothing',
  },
  'no cert-manager': {
    reason: 'there is nothing to write it to',
    certificate: { unavailable: 'cert-manager is not installed' },
    does: 'nothing',
  },
  'mode NONE': { reason: 'none is asked for', mapping: holder({ certificateMode: 'NONE' }), does: 'nothing' },
  'mode NONE from now on': {
    reason: 'it is of no use any more',
    mapping: holder({ certificateMode: 'NONE' }),
    certificate: { found: certificate() },
    does: 'removes',
  },
  'no service any more': {
    reason: 'it may come back, and issuers count what they issue',
    route: undefined,
    certificate: { found: certificate() },
    does: 'nothing',
  },
  'a domain of another': {
    reason: 'whoever has it asks for its own',
    takenBy: "service 'other/x'",
    certificate: { found: certificate() },
    does: 'removes',
  },
  "a domain of another's Certificate": {
    reason: 'it is the Certificate of the one that has it',
    takenBy: "domain mapping 'other/www.example.com'",
    certificate: { found: certificate([], 'other') },
    does: 'nothing',
  },
  'a Certificate of one that had the domain': {
    reason: 'the domain keeps its certificate when it changes hands',
    certificate: { found: certificate([], 'other') },
    does: 'applies',
  },
  'a Certificate that a person made': {
    reason: 'it is not Homerun’s',
    certificate: { found: FOREIGN },
    does: 'nothing',
  },
};

interface ConditionCase {
  reason: string;
  state: CertificateState;
  mapping?: DomainMapping;
  config?: typeof config;
  /** Status and reason of CertificateProvisioned, and the status of Ready. */
  want: [status: string, reason: string | undefined, ready: string];
  message?: string;
}

const NO = `No certificate has been issued for '${HOST}'`;
const WHAT = `Certificate 'www.example.com-mapping' in namespace 'certificates'`;

const CONDITIONS: Record<string, ConditionCase> = {
  'not asked for': {
    reason: 'the next reconcile does',
    state: {},
    want: ['Unknown', 'CertificateNotReady', 'Unknown'],
    message: `${NO}: ${WHAT} is made when the domain leads to the service.`,
  },
  'not answered': {
    reason: 'cert-manager has not seen it',
    state: { found: certificate() },
    want: ['Unknown', 'CertificateNotReady', 'Unknown'],
    message: `${NO}: ${WHAT} is not ready: cert-manager has not answered yet.`,
  },
  'being issued': {
    reason: 'a DNS record may be waited for',
    state: { found: certificate([DOES_NOT_EXIST]) },
    want: ['Unknown', 'CertificateNotReady', 'Unknown'],
    message: `${NO}: ${WHAT} is not ready: Issuing certificate as Secret does not exist.`,
  },
  'no such issuer': {
    reason: 'only the request says what is missing',
    state: {
      found: certificate([DOES_NOT_EXIST, { type: 'Issuing', status: 'True' }]),
      request: request(
        'Referenced "ClusterIssuer" not found: clusterissuer.cert-manager.io "letsencrypt" not found',
      ),
    },
    want: ['Unknown', 'CertificateNotReady', 'Unknown'],
    message: `${NO}: ${WHAT} is not ready: Referenced "ClusterIssuer" not found: clusterissuer.cert-manager.io "letsencrypt" not found.`,
  },
  'a failed attempt': {
    reason: 'cert-manager waits before the next one',
    state: {
      found: certificate([
        DOES_NOT_EXIST,
        { type: 'Issuing', status: 'False', reason: 'Failed', message: 'The CA said:\n no.\n' },
      ]),
    },
    want: ['False', 'CertificateProvisionFailed', 'False'],
    message: `${NO}: ${WHAT} is not ready: The CA said: no.`,
  },
  issued: {
    reason: 'the gateways serve its Secret',
    state: { found: certificate([ISSUED]) },
    want: ['True', undefined, 'True'],
  },
  'issued, and the renewal fails': {
    reason: 'what was issued is still valid',
    state: { found: certificate([ISSUED, { type: 'Issuing', status: 'False', reason: 'Failed' }]) },
    want: ['True', undefined, 'True'],
  },
  "another's": {
    reason: 'it was issued for another mapping',
    state: { found: certificate([ISSUED], 'other') },
    want: ['Unknown', 'CertificateNotReady', 'Unknown'],
  },
  refused: {
    reason: 'the cluster says why',
    state: { refused: 'admission webhook "webhook.cert-manager.io" denied the request' },
    want: ['False', 'CertificateProvisionFailed', 'False'],
    message: `${NO}: the cluster refuses ${WHAT}: admission webhook "webhook.cert-manager.io" denied the request.`,
  },
  'made by a person': {
    reason: 'it is not taken over',
    state: { found: FOREIGN },
    want: ['False', 'CertificateNotOwned', 'False'],
    message: `${NO}: ${WHAT} exists and was made for something else.`,
  },
  'no cert-manager': {
    reason: 'it may be installed later',
    state: { unavailable: 'cert-manager is not installed in this cluster' },
    want: ['False', 'CertManagerMissing', 'False'],
    message: `${NO}: cert-manager is not installed in this cluster.`,
  },
  'mode NONE': {
    reason: 'none is asked for',
    state: { unavailable: 'cert-manager is not installed in this cluster' },
    mapping: holder({ certificateMode: 'NONE' }),
    want: ['True', 'TLSNotEnabled', 'True'],
  },
  'no issuer': {
    reason: 'certificates can come from elsewhere',
    state: {},
    config: without,
    want: ['False', 'IssuerMissing', 'True'],
  },
};

describe('the Certificate of a domain mapping', () => {
  it('is what cert-manager asks for', () => {
    assert.ok(issuing);
    const issuer = { name: 'ca', kind: 'StepIssuer', group: 'certmanager.step.sm' };
    assertGolden(
      new URL('./golden/certificate.golden.yaml', import.meta.url),
      desiredCertificate(holder(), issuing),
      desiredCertificate(domainMapping(`${'long.'.repeat(20)}example.com`), { ...issuing, issuer }),
    );
  });

  for (const [name, { reason, does, config: settings = config, ...input }] of Object.entries(PLANS)) {
    it(`${does}: ${name}, because ${reason}`, () => {
      const { apply, remove } = planChildren(
        { mapping: holder(), route: serving, ...input },
        settings,
      ).certificate;
      const done = [...apply.map(() => 'applies'), ...remove.map(() => 'removes')];
      assert.deepEqual(done, does === 'nothing' ? [] : [does]);
    });
  }

  for (const [name, { reason, state, want, message, ...given }] of Object.entries(CONDITIONS)) {
    it(`says ${want[0]}: ${name}, because ${reason}`, () => {
      const { mapping = holder(), config: settings = config } = given;
      const input = { mapping, route: serving, certificate: state };
      const status = planDomainMapping(input, settings, EPOCH).status?.status ?? {};
      const condition = conditionOf(status.conditions, 'CertificateProvisioned');
      const ready = conditionOf(status.conditions, 'Ready');
      assert.deepEqual([condition?.status, condition?.reason, ready?.status], want);
      if (message) assert.equal(condition?.message, message);
      assert.equal(status.mappedRouteName, 'hello', 'the domain is served in any case');
      assert.equal(
        status.url,
        `${condition?.status === 'True' && !condition.reason ? 'https' : 'http'}://${HOST}`,
      );
    });
  }

  it('is served before it is issued: the status does not wait for it', () => {
    const plan = planDomainMapping({ mapping: domainMapping(), route: serving }, config, EPOCH);
    assert.deepEqual([plan.status?.status?.mappedRouteName, plan.statusWaitMs], ['hello', undefined]);
  });

  it('is removed with its mapping, and no other', () => {
    const removed = (found?: Certificate) => orphaned(CERTIFICATE, `demo/${HOST}`, found).length;
    assert.deepEqual(
      [certificate(), certificate([], 'other'), FOREIGN, undefined].map(removed),
      [1, 0, 0, 0],
    );
  });

  it('has its last request by the number of the attempt', () => {
    const requests = [9, 10, 2].map((revision) => request('', revision));
    assert.equal(lastRequest(requests)?.metadata.name, 'r-10');
    assert.equal(lastRequest([]), undefined);
  });
});
