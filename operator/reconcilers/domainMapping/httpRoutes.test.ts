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
import { HTTP_ROUTES, type HttpRoute } from './gatewayApi.ts';
import { domainMappingController } from './reconciler.ts';

const HOST = 'www.example.com';
const NAME = 'www.example.com-mapping';
const OWN = 'homerun-system';
const parentRefs = [{ name: 'edge', namespace: 'infra' }];
const config = parseConfig({
  gatewayApi: { parentRefs },
  gateway: { certificates: { namespace: 'certificates', issuer: { name: 'letsencrypt' } } },
});

describe('HTTPRoutes of domain mappings', () => {
  let server: FakeApiServer;
  let process: ServingProcess;
  const start = () => {
    process = new ServingProcess(server, [domainMappingController], config);
  };

  beforeEach(async () => {
    const types = [ROUTES, DOMAIN_MAPPINGS, HTTP_ROUTES, CERTIFICATES, CERTIFICATE_REQUESTS];
    server = await FakeApiServer.start({ types });
    putServedRoutes(server, 'demo', 'other');
    start();
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  const addMapping = (namespace = 'demo') => addDomainMapping(server.client, HOST, namespace);
  const httpRoute = () => server.get<HttpRoute>(HTTP_ROUTES, { namespace: OWN, name: NAME });
  const certificate = () => server.get<Certificate>(CERTIFICATES, { namespace: 'certificates', name: NAME });
  const owner = () => httpRoute()?.metadata.labels?.[MAPPING_NAMESPACE];
  const isWriteOf =
    (plural: string) =>
    ({ method, path }: SeenRequest) =>
      method === 'PATCH' && path.includes(`/${plural}/`);

  /** Waits until HTTPRouteAccepted has this status and reason, and gives its message; the domain is served then. */
  async function accepted(want: string): Promise<string> {
    const conditions = await until(`HTTPRouteAccepted is ${want}`, () => {
      const { status } = server.get<DomainMapping>(DOMAIN_MAPPINGS, { namespace: 'demo', name: HOST }) ?? {};
      return conditionAs(status?.conditions, 'HTTPRouteAccepted', want) && status?.conditions;
    });
    assert.equal(conditionOf(conditions, 'DomainRoutable')?.status, 'True');
    return conditionOf(conditions, 'HTTPRouteAccepted')?.message ?? '';
  }

  /** Plays the Gateway. */
  function say(status: 'True' | 'False', message?: string): void {
    const found = httpRoute();
    assert.ok(found);
    const conditions = [{ type: 'Accepted', status, reason: 'Pending', message }];
    server.put<HttpRoute>({
      ...found,
      status: { parents: [{ parentRef: { ...parentRefs[0], name: 'edge' }, conditions }] },
    });
  }

  it('are made, mirrored and removed with the mapping', async () => {
    const { metadata } = await addMapping();
    await accepted('Unknown HTTPRouteNotReady');
    await until('it is made', httpRoute);
    say('True');
    await accepted('True');
    server.requests = [];
    say('False', 'no listener');
    assert.match(await accepted('False HTTPRouteNotAccepted'), /'infra\/edge' says Pending: no listener\.$/);
    assert.deepEqual(
      server.requests.filter(isWriteOf('httproutes')),
      [],
      'what is there is not written again',
    );
    await server.client.delete(DOMAIN_MAPPINGS, metadata);
    await until('both are removed', () => !httpRoute() && !certificate());
  });

  it('belong to the one of two mappings that has the domain', async () => {
    const first = await addMapping();
    await until('the first has it', () => owner() === 'demo');
    await addMapping('other');
    await accepted('Unknown HTTPRouteNotReady');
    await server.client.delete(DOMAIN_MAPPINGS, first.metadata);
    await until('the second has it', () => owner() === 'other');
    assert.equal(server.list(HTTP_ROUTES).length, 1);
  });

  it('are removed after a start, if their mapping has gone meanwhile', async () => {
    const { metadata } = await addMapping();
    await until('both are made', () => httpRoute() && certificate());
    await process.stop();
    server.remove(DOMAIN_MAPPINGS, metadata);
    start();
    await until('both are removed', () => !httpRoute() && !certificate());
  });

  const REFUSALS: Record<string, { reason: string; plural: string; other: () => unknown }> = {
    'an HTTPRoute': {
      reason: 'the certificate is asked for',
      plural: 'httproutes',
      other: () => certificate(),
    },
    'a Certificate': { reason: 'the Gateway leads here', plural: 'certificates', other: () => httpRoute() },
  };
  for (const [name, { reason, plural, other }] of Object.entries(REFUSALS)) {
    it(`hold up nothing else, and nothing holds them up: ${name} that is refused, ${reason}`, async () => {
      server.failNext(new Rejection(403, 'Forbidden', 'not here'), isWriteOf(plural), 1_000);
      await addMapping();
      await until('the other is made', other);
      const conditions = await until('it is reported', () => {
        const { status } =
          server.get<DomainMapping>(DOMAIN_MAPPINGS, { namespace: 'demo', name: HOST }) ?? {};
        return (
          status?.conditions?.some(({ message }) => message?.endsWith(': not here.')) && status.conditions
        );
      });
      assert.equal(conditionOf(conditions, 'DomainRoutable')?.status, 'True');
    });
  }

  it('say that the Gateway API has gone', async () => {
    await addMapping();
    await until('it is made', httpRoute);
    const gone = new Rejection(404, 'NotFound', 'the server could not find the requested resource');
    server.failNext(gone, ({ path }) => path.includes('gateway.networking'), 100);
    server.dropConnections();
    assert.equal(
      await accepted('False GatewayAPIMissing'),
      `The HTTPRoute for '${HOST}' is not accepted: the Gateway API is not installed in this cluster.`,
    );
  });
});
