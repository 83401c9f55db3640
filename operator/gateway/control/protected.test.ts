import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { request } from 'undici';
import { ACCESS } from '../../apis/annotations/run/access.ts';
import { DOMAIN_MAPPINGS, type DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { IAM } from '../../apis/iam/bindings.ts';
import { SERVING } from '../../apis/labels.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../../apis/serving/route/types.ts';
import { parseConfig } from '../../config.ts';
import { testIssuer, tokenOf } from '../../identity/testing/testIssuer.ts';
import { type Pod, ROLE_BINDINGS, type RoleBinding } from '../../kube/core.ts';
import { domainMapping } from '../../testing/domains.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { freePort } from '../../testing/freePort.ts';
import { silent, until } from '../../testing/until.ts';
import { ask } from '../testing/harness.ts';
import { runGateway } from './gateway.ts';
import { INVOKER_ROLE } from './invokers.ts';

const CLUSTER = testIssuer('https://kubernetes.default.svc');
const WEB = { aud: ['https://hello.ns.test'], sub: 'system:serviceaccount:ns:web' };

function route(annotations: Record<string, string>): Route {
  return {
    apiVersion: ROUTES.apiVersion,
    kind: ROUTES.kind,
    metadata: { namespace: 'ns', name: 'hello', annotations },
    spec: {},
    status: { traffic: [{ revisionName: 'hello-1', percent: 100 }] },
  };
}

function binding(resource: string, namespace: string, subjects: RoleBinding['subjects']): RoleBinding {
  const labels = { [IAM.kind]: 'services', [IAM.resource]: resource, [IAM.role]: INVOKER_ROLE };
  return {
    apiVersion: ROLE_BINDINGS.apiVersion,
    kind: ROLE_BINDINGS.kind,
    metadata: { namespace, name: `invoker-${resource}`, labels },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'invoker' },
    subjects,
  };
}

/** The whole role with real threads, a cluster with an issuer, and another issuer. */
describe('gateway role and who may call a service', () => {
  let api: FakeApiServer;
  let port: number;
  let adminPort: number;
  let people: ReturnType<typeof testIssuer>;
  let stop: AbortController;
  let running: Promise<void>;
  const servers: Server[] = [];

  const serve = async (listener: RequestListener): Promise<number> => {
    const server = createServer(listener);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  };
  const status = async (token?: string, host = 'hello.ns.test') => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await ask(`http://127.0.0.1:${port}`, '/', { host, headers })).status;
  };
  const becomes = (want: number, token?: string) =>
    until(`status ${want}`, async () => (await status(token)) === want);
  const metrics = async () => (await request(`http://127.0.0.1:${adminPort}/metrics`)).body.text();

  beforeEach(async () => {
    api = await FakeApiServer.start({ types: [ROUTES, REVISIONS, DOMAIN_MAPPINGS] });
    const at = await serve((_request, response) => response.end('hello'));
    const issuerPort = await serve(({ url }, response) => {
      const { issuer, jwk } = people;
      const configuration = { issuer, jwks_uri: `${issuer}/keys` };
      response.end(JSON.stringify(url === '/keys' ? { keys: [jwk] } : configuration));
    });
    people = testIssuer(`http://127.0.0.1:${issuerPort}`, { algorithm: 'ES256' });
    api.documents.set('/.well-known/openid-configuration', { issuer: CLUSTER.issuer });
    api.documents.set('/openid/v1/jwks', { keys: [CLUSTER.jwk] });
    api.put({
      apiVersion: REVISIONS.apiVersion,
      kind: REVISIONS.kind,
      metadata: { namespace: 'ns', name: 'hello-1', uid: 'uid-1' },
      spec: {
        containerConcurrency: 80,
        timeoutSeconds: 10,
        containers: [{ name: 'user', image: 'x', ports: [{ containerPort: at }] }],
      },
    } as Revision);
    api.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        namespace: 'ns',
        name: 'p1',
        labels: { [SERVING.revision]: 'hello-1', [SERVING.revisionUID]: 'uid-1' },
      },
      spec: { containers: [{ name: 'user', image: 'x' }] },
      status: { phase: 'Running', podIP: '127.0.0.1' },
    } as Pod);
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await api.close();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  const begin = async (byDefault: 'open' | 'closed' = 'open') => {
    [port, adminPort] = [await freePort(), await freePort()];
    const [internalPort, gatewayPort] = [await freePort(), await freePort()];
    const config = parseConfig({
      domain: 'test',
      adminPort,
      gateway: { port, internalPort, gatewayPort, threads: 2, drainSeconds: 20 },
      invoker: { default: byDefault, issuers: [{ issuer: people.issuer }] },
    });
    stop = new AbortController();
    running = runGateway(config, { namespace: 'sys', podName: 'gw' }, api.client, silent, stop.signal);
    running.catch(() => {});
    const ready = async () =>
      (await request(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined))?.statusCode === 200;
    await until('it is ready', ready);
  };

  it('asks no issuer and rejects nothing while all services are open', async () => {
    api.put(route({}));
    await begin();
    assert.equal(await status(), 200);
    assert.ok(!api.requests.some(({ path }) => path === '/openid/v1/jwks'));
    assert.doesNotMatch(await metrics(), /^homerun_gateway_issuer_keys\{/m);
  });

  it('follows the service, its policy and the keys of issuers', async () => {
    api.put(route({ [ACCESS.invoker.key]: 'restricted' }));
    await begin();
    const web = tokenOf(CLUSTER, WEB);
    assert.deepEqual([await status(), await status(web)], [403, 403], 'it has no members yet');
    api.put(binding('hello', 'evil', [{ kind: 'Group', name: 'system:unauthenticated' }]));
    api.put(binding('hello', 'ns', [{ kind: 'ServiceAccount', namespace: 'ns', name: 'web' }]));
    await becomes(200, web);
    assert.equal(await status(), 403, 'a policy of another namespace counts for nothing here');
    assert.equal(await status(tokenOf(CLUSTER, { ...WEB, aud: ['https://other.ns.test'] })), 401);

    const ann = () =>
      tokenOf(people, { aud: 'https://hello.ns.test', email: 'ann@x.test', email_verified: true });
    assert.equal(await status(ann()), 403);
    api.put(binding('hello', 'ns', [{ kind: 'User', name: 'ann@x.test' }]));
    await becomes(200, ann());
    assert.equal(await status(web), 403, 'revoked, though its token has been verified before');

    const text = await metrics();
    assert.match(text, /^homerun_gateway_refusals_total\{reason="unauthenticated"\} 1$/m);
    assert.match(text, new RegExp(`^homerun_gateway_issuer_keys\\{issuer="${CLUSTER.issuer}"\\} 1$`, 'm'));

    api.put({
      ...domainMapping('www.example.com', {}, { namespace: 'ns' }),
      status: { mappedRouteName: 'hello' },
    } as DomainMapping);
    await until('the domain is served', async () => (await status(undefined, 'www.example.com')) !== 404);
    const domain = { aud: 'https://www.example.com', email: 'ann@x.test', email_verified: true };
    assert.deepEqual(
      [await status(undefined, 'www.example.com'), await status(tokenOf(people, domain), 'www.example.com')],
      [403, 200],
    );
    assert.equal(await status(ann(), 'www.example.com'), 200, 'the service’s own URL counts there too');

    api.put(binding('hello', 'ns', [{ kind: 'Group', name: 'system:unauthenticated' }]));
    await becomes(200);
    api.remove(ROLE_BINDINGS, { namespace: 'ns', name: 'invoker-hello' });
    await becomes(403);
    api.put(route({ [ACCESS.invoker.key]: 'restricted', [ACCESS.invokerIamDisabled.key]: 'true' }));
    await becomes(200);
    api.put(route({}));
    assert.equal(await status(), 200);
  });

  it('closes what nothing opens, where the chart says so', async () => {
    api.put(route({}));
    await begin('closed');
    assert.deepEqual([await status(), await status(tokenOf(CLUSTER, WEB))], [403, 403]);
    api.put(route({ [ACCESS.invokerIamDisabled.key]: 'true' }));
    await becomes(200);
  });

  it('says that keys are missing while the cluster does not give them', async () => {
    api.documents.clear();
    api.put(route({ [ACCESS.invoker.key]: 'restricted' }));
    await begin();
    const token = tokenOf(CLUSTER, WEB);
    assert.equal(await status(token), 503);
    assert.match(await metrics(), /^homerun_gateway_issuer_failures_total\{issuer="cluster"\} [1-9]/m);
    assert.equal(await status(), 403);
  });
});
