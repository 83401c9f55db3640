import assert from 'node:assert/strict';
import { ACCESS } from '../../apis/annotations/run/access.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { IAM } from '../../apis/iam/bindings.ts';
import { SERVING } from '../../apis/labels.ts';
import { ROUTES, type Route } from '../../apis/serving/route/types.ts';
import { testIssuer, tokenOf } from '../../identity/testing/testIssuer.ts';
import { type Pod, ROLE_BINDINGS, type RoleBinding } from '../../kube/core.ts';
import { domainMapping } from '../../testing/domains.ts';
import { until } from '../../testing/until.ts';
import { servedRevision, useGatewayRole } from '../testing/gatewayRole.ts';
import { ask } from '../testing/harness.ts';
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
  const role = useGatewayRole();
  let people: ReturnType<typeof testIssuer>;

  const status = async (token?: string, host = 'hello.ns.test') => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await ask(`http://127.0.0.1:${role.port}`, '/', { host, headers })).status;
  };
  const becomes = (want: number, token?: string) =>
    until(`status ${want}`, async () => (await status(token)) === want);
  const metrics = async () => (await role.admin('/metrics')).text;

  beforeEach(async () => {
    const at = await role.program((_request, response) => response.end('hello'));
    const issuerPort = await role.program(({ url }, response) => {
      const { issuer, jwk } = people;
      const configuration = { issuer, jwks_uri: `${issuer}/keys` };
      response.end(JSON.stringify(url === '/keys' ? { keys: [jwk] } : configuration));
    });
    people = testIssuer(`http://127.0.0.1:${issuerPort}`, { algorithm: 'ES256' });
    role.api.documents.set('/.well-known/openid-configuration', { issuer: CLUSTER.issuer });
    role.api.documents.set('/openid/v1/jwks', { keys: [CLUSTER.jwk] });
    role.api.put(servedRevision('hello-1', at));
    role.api.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        namespace: 'ns',
        name: 'p1',
        labels: { [SERVING.revision]: 'hello-1', [SERVING.revisionUID]: 'uid-hello-1' },
      },
      spec: { containers: [{ name: 'user', image: 'x' }] },
      status: { phase: 'Running', podIP: '127.0.0.1' },
    } as Pod);
  });

  const begin = (byDefault: 'open' | 'closed' = 'open') =>
    role.begin({ invoker: { default: byDefault, issuers: [{ issuer: people.issuer }] } });

  it('asks no issuer and rejects nothing while all services are open', async () => {
    role.api.put(route({}));
    await begin();
    assert.equal(await status(), 200);
    assert.ok(!role.api.requests.some(({ path }) => path === '/openid/v1/jwks'));
    assert.doesNotMatch(await metrics(), /^homerun_gateway_issuer_keys\{/m);
  });

  it('follows the service, its policy and the keys of issuers', async () => {
    role.api.put(route({ [ACCESS.invoker.key]: 'restricted' }));
    await begin();
    const web = tokenOf(CLUSTER, WEB);
    assert.deepEqual([await status(), await status(web)], [403, 403], 'it has no members yet');
    role.api.put(binding('hello', 'evil', [{ kind: 'Group', name: 'system:unauthenticated' }]));
    role.api.put(binding('hello', 'ns', [{ kind: 'ServiceAccount', namespace: 'ns', name: 'web' }]));
    await becomes(200, web);
    assert.equal(await status(), 403, 'a policy of another namespace counts for nothing here');
    assert.equal(await status(tokenOf(CLUSTER, { ...WEB, aud: ['https://other.ns.test'] })), 401);

    const ann = () =>
      tokenOf(people, { aud: 'https://hello.ns.test', email: 'ann@x.test', email_verified: true });
    assert.equal(await status(ann()), 403);
    role.api.put(binding('hello', 'ns', [{ kind: 'User', name: 'ann@x.test' }]));
    await becomes(200, ann());
    assert.equal(await status(web), 403, 'revoked, though its token has been verified before');

    const text = await metrics();
    assert.match(text, /^homerun_gateway_refusals_total\{reason="unauthenticated"\} 1$/m);
    assert.match(text, new RegExp(`^homerun_gateway_issuer_keys\\{issuer="${CLUSTER.issuer}"\\} 1$`, 'm'));

    role.api.put({
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

    role.api.put(binding('hello', 'ns', [{ kind: 'Group', name: 'system:unauthenticated' }]));
    await becomes(200);
    role.api.remove(ROLE_BINDINGS, { namespace: 'ns', name: 'invoker-hello' });
    await becomes(403);
    role.api.put(route({ [ACCESS.invoker.key]: 'restricted', [ACCESS.invokerIamDisabled.key]: 'true' }));
    await becomes(200);
    role.api.put(route({}));
    assert.equal(await status(), 200);
  });

  it('closes what nothing opens, where the chart says so', async () => {
    role.api.put(route({}));
    await begin('closed');
    assert.deepEqual([await status(), await status(tokenOf(CLUSTER, WEB))], [403, 403]);
    role.api.put(route({ [ACCESS.invokerIamDisabled.key]: 'true' }));
    await becomes(200);
  });

  it('says that keys are missing while the cluster does not give them', async () => {
    role.api.documents.clear();
    role.api.put(route({ [ACCESS.invoker.key]: 'restricted' }));
    await begin();
    const token = tokenOf(CLUSTER, WEB);
    assert.equal(await status(token), 503);
    assert.match(await metrics(), /^homerun_gateway_issuer_failures_total\{issuer="cluster"\} [1-9]/m);
    assert.equal(await status(), 403);
  });
});
