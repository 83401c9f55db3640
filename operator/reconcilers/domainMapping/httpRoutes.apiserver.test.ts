import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import { DOMAIN_MAPPINGS, type DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { parseConfig } from '../../config.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { addDomainMapping, conditionAs, createServedRoute } from '../../testing/domains.ts';
import { installKind } from '../../testing/optionalKinds.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { until } from '../../testing/until.ts';
import { HTTP_ROUTES, type HttpRoute } from './gatewayApi.ts';
import { domainMappingController } from './reconciler.ts';

const HOST = 'www.example.com';
const HTTP_ROUTE = { namespace: 'homerun-system', name: 'www.example.com-mapping' };
const parentRef = { name: 'edge', namespace: 'infra' };
const config = parseConfig({ gatewayApi: { parentRefs: [parentRef] } });
const SLOW = { timeoutMs: 30_000, everyMs: 50 };

const text = { type: 'string' };
const list = (properties: object) => ({ type: 'array', items: { type: 'object', properties } });
const parentFields = {
  group: { ...text, default: 'gateway.networking.k8s.io' },
  kind: { ...text, default: 'Gateway' },
  namespace: text,
  name: text,
};
const backendFields = {
  group: { ...text, default: '' },
  kind: { ...text, default: 'Service' },
  name: text,
  port: { type: 'integer' },
  weight: { type: 'integer', default: 1 },
};
const matchFields = { path: { type: 'object', properties: { type: text, value: text } } };
/** What is written of an HTTPRoute, with the defaults that the Gateway API has there. */
const SPEC = {
  type: 'object',
  properties: {
    parentRefs: list(parentFields),
    hostnames: { type: 'array', items: text },
    rules: list({
      matches: { ...list(matchFields), default: [{ path: { type: 'PathPrefix', value: '/' } }] },
      backendRefs: list(backendFields),
    }),
  },
};

/** In this order: the Gateway API is installed, accepts, refuses, and is removed. */
describe('HTTPRoutes of domain mappings, on a real API server', () => {
  let server: ApiServer;
  let process: ServingProcess | undefined;
  let remove: () => Promise<unknown>;

  before(async () => {
    server = await takeApiServer('demo', HTTP_ROUTE.namespace);
    await createServedRoute(server.client);
    process = new ServingProcess(server, [domainMappingController], config);
  });

  after(async () => {
    await process?.stop();
    await giveBackApiServer(server);
  });

  const addMapping = (name: string) => addDomainMapping(server.client, name);
  const httpRoute = (ref = HTTP_ROUTE) => server.client.get<HttpRoute>(HTTP_ROUTES, ref);

  /** Waits until HTTPRouteAccepted is so, with the domain served and ready; gives its message. */
  async function accepted(want: string, name = HOST): Promise<string> {
    const found = await until(
      `HTTPRouteAccepted of ${name} is ${want}`,
      async () => {
        const mapping = await server.client.get<DomainMapping>(DOMAIN_MAPPINGS, { namespace: 'demo', name });
        const { conditions, mappedRouteName } = mapping?.status ?? {};
        const condition = conditionAs(conditions, 'HTTPRouteAccepted', want);
        if (!condition) return undefined;
        assert.deepEqual([mappedRouteName, conditionOf(conditions, 'Ready')?.status], ['hello', 'True']);
        return condition;
      },
      SLOW,
    );
    return found.message ?? '';
  }

  it('say that the Gateway API is not installed', async () => {
    await addMapping(HOST);
    assert.match(
      await accepted('False GatewayAPIMissing'),
      /: the Gateway API is not installed in this cluster\.$/,
    );
  });

  it('are made when it is installed', async () => {
    const rule = `!self.metadata.name.contains('example.net')`;
    remove = await installKind(
      server,
      HTTP_ROUTES,
      [{ rule, message: 'nothing below example.net comes through here' }],
      SPEC,
    );
    const { spec } = await until('it is made', () => httpRoute().catch(() => undefined), SLOW);
    assert.deepEqual(
      [spec.hostnames, spec.parentRefs],
      [[HOST], [{ ...parentRef, group: 'gateway.networking.k8s.io', kind: 'Gateway' }]],
    );
    await accepted('Unknown HTTPRouteNotReady');
  });

  it('are left as they are, with what the API server has filled in', async () => {
    const conditions = [{ type: 'Accepted', status: 'True', reason: 'Accepted' }];
    const status = { parents: [{ parentRef, controllerName: 'example.com/gateway', conditions }] };
    const said = await server.client.mergePatch(
      HTTP_ROUTES,
      HTTP_ROUTE,
      { status },
      { subresource: 'status' },
    );
    await accepted('True');
    assert.equal((await httpRoute())?.metadata.resourceVersion, said.metadata.resourceVersion);
  });

  it('say why the API server refuses one', async () => {
    await addMapping('www.example.net');
    assert.match(
      await accepted('False HTTPRouteNotAccepted', 'www.example.net'),
      /refuses HTTPRoute 'www\.example\.net-mapping' .*nothing below example\.net comes through here\.$/,
    );
    assert.equal(await accepted('True'), '', 'the other is as it was');
  });

  it('are removed with their mapping, and say when the Gateway API is removed', async () => {
    await addMapping('gone.example.com');
    const gone = { ...HTTP_ROUTE, name: 'gone.example.com-mapping' };
    await until('it is made', () => httpRoute(gone), SLOW);
    await server.client.delete(DOMAIN_MAPPINGS, { namespace: 'demo', name: 'gone.example.com' });
    await until('it is removed', async () => !(await httpRoute(gone)), SLOW);
    await remove();
    await accepted('False GatewayAPIMissing');
  });
});
