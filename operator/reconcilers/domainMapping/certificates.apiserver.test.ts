import assert from 'node:assert/strict';
import { DOMAIN_MAPPINGS, type DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { parseConfig } from '../../config.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { addDomainMapping, conditionAs, createServedRoute } from '../../testing/domains.ts';
import { installKind } from '../../testing/optionalKinds.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { until } from '../../testing/until.ts';
import { CERTIFICATE_REQUESTS, CERTIFICATES, type Certificate } from './certManager.ts';
import { domainMappingController } from './reconciler.ts';

const HOST = 'www.example.com';
const CERTIFICATE = { namespace: 'certificates', name: 'www.example.com-mapping' };
const config = parseConfig({
  gateway: { certificates: { namespace: CERTIFICATE.namespace, issuer: { name: 'letsencrypt' } } },
});
const SLOW = { timeoutMs: 30_000, everyMs: 50 };

/** In this order: cert-manager is installed, issues, refuses, and is removed. */
describe('certificates of domain mappings, on a real API server', () => {
  let server: ApiServer;
  let process: ServingProcess | undefined;
  let remove: () => Promise<unknown>;

  before(async () => {
    server = await takeApiServer('demo', CERTIFICATE.namespace);
    await createServedRoute(server.client);
    process = new ServingProcess(server, [domainMappingController], config);
  });

  after(async () => {
    await process?.stop();
    await giveBackApiServer(server);
  });

  const addMapping = (name: string) => addDomainMapping(server.client, name);
  const certificate = () => server.client.get<Certificate>(CERTIFICATES, CERTIFICATE);

  /** Waits until CertificateProvisioned is so, with the domain served; gives its message. */
  async function provisioned(want: string, name = HOST): Promise<string> {
    const found = await until(
      `CertificateProvisioned of ${name} is ${want}`,
      async () => {
        const mapping = await server.client.get<DomainMapping>(DOMAIN_MAPPINGS, { namespace: 'demo', name });
        const condition = conditionAs(mapping?.status?.conditions, 'CertificateProvisioned', want);
        if (!condition) return undefined;
        assert.equal(mapping?.status?.mappedRouteName, 'hello', 'it is served in any case');
        return condition;
      },
      SLOW,
    );
    return found.message ?? '';
  }

  it('say that cert-manager is not installed', async () => {
    await addMapping(HOST);
    assert.match(
      await provisioned('False CertManagerMissing'),
      /: cert-manager is not installed in this cluster\.$/,
    );
  });

  it('are asked for when it is installed', async () => {
    await installKind(server, CERTIFICATE_REQUESTS);
    const message = 'this issuer issues nothing below example.net';
    const rule = `!self.metadata.name.contains('example.net')`;
    remove = await installKind(server, CERTIFICATES, [{ rule, message }]);
    await until('it is asked for', () => certificate().catch(() => undefined), SLOW);
    await provisioned('Unknown CertificateNotReady');
  });

  it('say what holds up the request, and that it is issued', async () => {
    const { apiVersion, kind } = CERTIFICATE_REQUESTS;
    const annotations = {
      'cert-manager.io/certificate-name': CERTIFICATE.name,
      'cert-manager.io/certificate-revision': '1',
    };
    const metadata = { name: 'r-1', namespace: CERTIFICATE.namespace, annotations };
    await server.client.create(CERTIFICATE_REQUESTS, { apiVersion, kind, metadata });
    const message = 'Referenced "ClusterIssuer" not found';
    const pending = { conditions: [{ type: 'Ready', status: 'False', reason: 'Pending', message }] };
    await server.client.mergePatch(
      CERTIFICATE_REQUESTS,
      metadata,
      { status: pending },
      { subresource: 'status' },
    );
    await until('the condition says so', async () =>
      (await provisioned('Unknown CertificateNotReady')).endsWith(`is not ready: ${message}.`),
    );
    const issued = { conditions: [{ type: 'Ready', status: 'True' }] };
    await server.client.mergePatch(CERTIFICATES, CERTIFICATE, { status: issued }, { subresource: 'status' });
    await provisioned('True');
  });

  it('say why the API server refuses one', async () => {
    await addMapping('www.example.net');
    const message = await provisioned('False CertificateProvisionFailed', 'www.example.net');
    assert.match(
      message,
      /refuses Certificate 'www\.example\.net-mapping' .*issues nothing below example\.net\.$/,
    );
    assert.match(await provisioned('True'), /^$/, 'the other is as it was');
  });

  it('say when cert-manager is removed, and are removed with their mapping otherwise', async () => {
    await addMapping('gone.example.com');
    const gone = { ...CERTIFICATE, name: 'gone.example.com-mapping' };
    await until('it is asked for', () => server.client.get(CERTIFICATES, gone), SLOW);
    await server.client.delete(DOMAIN_MAPPINGS, { namespace: 'demo', name: 'gone.example.com' });
    await until('it is removed', async () => !(await server.client.get(CERTIFICATES, gone)), SLOW);
    await remove();
    await provisioned('False CertManagerMissing');
  });
});
