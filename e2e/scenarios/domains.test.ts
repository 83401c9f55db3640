import assert from 'node:assert/strict';
import { type Condition, conditionOf } from '../../operator/apis/condition.ts';
import { DOMAIN_MAPPINGS, type DomainMapping } from '../../operator/apis/domains/domainMapping/types.ts';
import { SERVICES } from '../../operator/apis/serving/service/types.ts';
import { readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

/** Cloud Run, Map custom domains. */
describe('domain mappings', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-domains');
  const domain = `www.${suite.namespace}.example`;

  async function map(name: string, routeName: string): Promise<void> {
    const { apiVersion, kind } = DOMAIN_MAPPINGS;
    const metadata = { name, namespace: suite.namespace };
    await suite.client.create(DOMAIN_MAPPINGS, { apiVersion, kind, metadata, spec: { routeName } });
  }

  /** Waits until a condition has this status and reason, and gives the mapping. */
  const condition = (name: string, type: string, want: Pick<Condition, 'status' | 'reason'>) =>
    until(`${type} of ${name} to be ${want.status}`, async () => {
      const ref = { namespace: suite.namespace, name };
      const mapping = (await suite.client.get(DOMAIN_MAPPINGS, ref)) as DomainMapping;
      const found = conditionOf(mapping.status?.conditions, type);
      return found?.status === want.status && found.reason === want.reason && mapping;
    });

  it('serves a domain once its service exists, and no longer when that is gone', async () => {
    const { client, namespace, visitor } = suite;
    await map(domain, 'web');
    await condition(domain, 'DomainRoutable', { status: 'False', reason: 'RouteMissing' });
    const { url } = await readyService(client, namespace, 'web');
    const { status } = await condition(domain, 'Ready', { status: 'True' });
    assert.equal(status?.mappedRouteName, 'web');
    assert.equal(status?.resourceRecords?.[0]?.rrdata, `${new URL(url).hostname}.`);
    const at = new URL(url);
    at.hostname = domain;
    await until('it is served', async () => (await visitor.ask(`${at}`)).status === 200);
    await client.delete(SERVICES, { namespace, name: 'web' });
    await condition(domain, 'DomainRoutable', { status: 'False', reason: 'RouteMissing' });
    await until('it is gone', async () => (await visitor.ask(`${at}`)).status === 404);
  });

  it('leaves the URL of a service with the service', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'own');
    const host = new URL(url).hostname;
    await map(host, 'own');
    await condition(host, 'DomainRoutable', { status: 'False', reason: 'HostTaken' });
    assert.equal((await visitor.ask(`${url}/`)).status, 200);
  });
});
