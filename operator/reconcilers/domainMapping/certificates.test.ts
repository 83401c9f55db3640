import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import { DOMAIN_MAPPINGS, type DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { MAPPING_NAMESPACE } from '../../apis/labels.ts';
import { ROUTES } from '../../apis/serving/route/types.ts';
import { parseConfig } from '../../config.ts';
import { addDomainMapping, conditionAs, putServedRoutes } from '../../testing/domains.ts';
import { FakeApiServer, Rejection, type SeenRequest } from '../../testing/fakeApiServer.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { until } from '../../testing/until.ts';
import { CERTIFICATE_REQUESTS, CERTIFICATES, type Certificate } from './certManager.ts';
import { domainMappingController } from './reconciler.ts';

const HOST = 'www.example.com';
const CERTIFICATE = { namespace: 'certificates', name: 'www.example.com-mapping' };
const config = parseConfig({
  gateway: { certificates: { namespace: CERTIFICATE.namespace, issuer: { name: 'letsencrypt' } } },
});

describe('certificates of domain mappings', () => {
  let server: FakeApiServer;
  let process: ServingProcess;
  const start = () => {
    process = new ServingProcess(server, [domainMappingController], config);
  };

  beforeEach(async () => {
    const types = [ROUTES, DOMAIN_MAPPINGS, CERTIFICATES, CERTIFICATE_REQUESTS];
    server = await FakeApiServer.start({ types });
    putServedRoutes(server, 'demo', 'other');
    start();
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  const addMapping = (namespace = 'demo', name = HOST) => addDomainMapping(server.client, name, namespace);
  const certificate = () => server.get<Certificate>(CERTIFICATES, CERTIFICATE);
  const owner = () => certificate()?.metadata.labels?.[MAPPING_NAMESPACE];
  const isWrite = ({ method, path }: SeenRequest) => method === 'PATCH' && path.includes('/certificates/');

  /** Waits until CertificateProvisioned has this status and reason, and gives its message. */
  async function provisioned(want: string, namespace = 'demo', name = HOST): Promise<string> {
    const condition = await until(`CertificateProvisioned of ${namespace} is ${want}`, () => {
      const { conditions } = server.get<DomainMapping>(DOMAIN_MAPPINGS, { namespace, name })?.status ?? {};
      return conditionAs(conditions, 'CertificateProvisioned', want);
    });
    return condition.message ?? '';
  }
  const isServed = (namespace = 'demo') =>
    server.get<DomainMapping>(DOMAIN_MAPPINGS, { namespace, name: HOST })?.status?.mappedRouteName ===
    'hello';

  /** Plays cert-manager. */
  function issue(status: 'True' | 'False', message?: string): void {
    const found = certificate();
    assert.ok(found);
    server.put({ ...found, status: { conditions: [{ type: 'Ready', status, message }] } });
  }

  it('are asked for, mirrored and removed with the mapping', async () => {
    const { metadata } = await addMapping();
    await until('it is asked for', certificate);
    await provisioned('Unknown CertificateNotReady');
    assert.ok(isServed(), 'without TLS');
    issue('True');
    await provisioned('True');
    server.requests = [];
    issue('False', 'expired');
    assert.match(await provisioned('Unknown CertificateNotReady'), /is not ready: expired\.$/);
    assert.deepEqual(server.requests.filter(isWrite), [], 'what is there is not written again');
    await server.client.delete(DOMAIN_MAPPINGS, metadata);
    await until('it is removed', () => !certificate());
  });

  it('are made again when a person deletes them', async () => {
    await addMapping();
    const first = await until('it is asked for', certificate);
    await server.client.delete(CERTIFICATES, CERTIFICATE);
    const isNew = () => certificate() && certificate()?.metadata.uid !== first.metadata.uid;
    // For two seconds the cache may only be behind.
    await until('it is there again', isNew);
  });

  it('belong to the one of two mappings that has the domain', async () => {
    const first = await addMapping();
    await until('the first asks', () => owner() === 'demo');
    await addMapping('other');
    await provisioned('Unknown CertificateNotReady', 'other');
    issue('True');
    await provisioned('True');
    await provisioned('Unknown CertificateNotReady', 'other');
    assert.deepEqual([owner(), server.list(CERTIFICATES).length], ['demo', 1]);
    await server.client.delete(DOMAIN_MAPPINGS, first.metadata);
    await until('the second asks', () => owner() === 'other');
    assert.equal(server.list(CERTIFICATES).length, 1);
  });

  it('are removed after a start, if their mapping has gone meanwhile', async () => {
    const { metadata } = await addMapping();
    await until('it is asked for', certificate);
    await process.stop();
    server.remove(DOMAIN_MAPPINGS, metadata);
    start();
    await until('it is removed', () => !certificate());
  });

  it('are left as they are if a person has made them', async () => {
    const made = await addMapping('demo', 'other.example.com');
    const theirs = await until('one is made', () => server.list<Certificate>(CERTIFICATES)[0]);
    const { labels: _, uid: __, ...metadata } = theirs.metadata;
    server.put({ ...theirs, metadata: { ...metadata, name: CERTIFICATE.name } });
    const mine = await addMapping();
    await provisioned('False CertificateNotOwned');
    for (const each of [made, mine]) await server.client.delete(DOMAIN_MAPPINGS, each.metadata);
    await until('one is removed', () => server.list(CERTIFICATES).length === 1);
    assert.ok(certificate());
  });

  const REFUSALS: Record<string, { reason: string; rejection: Rejection; said: RegExp }> = {
    'a policy': {
      reason: 'a person has to change it',
      rejection: new Rejection(403, 'Forbidden', 'the issuer is not allowed here'),
      said: /refuses Certificate 'www\.example\.com-mapping' in .*: the issuer is not allowed here\.$/,
    },
    'a webhook that is down': {
      reason: 'it is started again by itself',
      rejection: new Rejection(500, 'InternalError', 'failed calling webhook "webhook.cert-manager.io"'),
      said: /: failed calling webhook "webhook\.cert-manager\.io"\.$/,
    },
    'a definition that is gone': {
      reason: 'cert-manager is being removed',
      rejection: new Rejection(404, 'NotFound', 'the server could not find the requested resource'),
      said: /: the server could not find the requested resource\.$/,
    },
  };
  for (const [name, { reason, rejection, said }] of Object.entries(REFUSALS)) {
    it(`say why they cannot be written, and hold up nothing else: ${name}, ${reason}`, async () => {
      server.failNext(rejection, isWrite, 3);
      await addMapping();
      assert.match(await provisioned('False CertificateProvisionFailed'), said);
      assert.ok(isServed());
      await until('it is tried again', certificate);
      await provisioned('Unknown CertificateNotReady');
    });
  }

  it('hold up nothing and report nothing while the API server is only busy', async () => {
    server.failNext(new Rejection(503, 'ServiceUnavailable', 'busy'), isWrite, 3);
    await addMapping();
    await until('it is served', () => isServed());
    await until('it is asked for', certificate);
    const { conditions } =
      server.get<DomainMapping>(DOMAIN_MAPPINGS, { namespace: 'demo', name: HOST })?.status ?? {};
    assert.equal(conditionOf(conditions, 'CertificateProvisioned')?.reason, 'CertificateNotReady');
  });

  it('say that cert-manager has gone', async () => {
    await addMapping();
    await until('it is asked for', certificate);
    const gone = new Rejection(404, 'NotFound', 'the server could not find the requested resource');
    server.failNext(gone, ({ path }) => path.includes('cert-manager.io'), 100);
    server.dropConnections();
    const message = await provisioned('False CertManagerMissing');
    assert.equal(
      message,
      "No certificate has been issued for 'www.example.com': cert-manager is not installed in this cluster.",
    );
    assert.ok(isServed());
  });
});
