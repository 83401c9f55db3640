import assert from 'node:assert/strict';
import { IAM } from '../../operator/apis/iam/bindings.ts';
import { INVOKER_ROLE } from '../../operator/gateway/control/invokers.ts';
import { ROLE_BINDINGS, type RoleBinding, SERVICE_ACCOUNTS } from '../../operator/kube/core.ts';
import { claimsOf } from '../../operator/metadata/testing/token.ts';
import { serviceReady } from '../lib/cluster.ts';
import { applyService, helloService, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const IDENTITY =
  'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity';
const RESTRICTED = { 'homerun.dev/invoker': 'restricted' };

/** Cloud Run, Authenticating service-to-service. */
describe('who may call a service', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-invoker');
  /** The service that is called, and those that call it. */
  let url: string;
  let web: string;
  let stranger: string;

  before(async () => {
    web = await caller('web');
    stranger = await caller('stranger');
    ({ url } = await readyService(suite.client, suite.namespace, 'closed', {
      serviceAnnotations: RESTRICTED,
    }));
  });

  /** A service with a ServiceAccount of its own. */
  async function caller(name: string): Promise<string> {
    const { client, namespace } = suite;
    await client.create(SERVICE_ACCOUNTS, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace },
    });
    const service = helloService(namespace, name);
    service.spec.template.spec.serviceAccountName = name;
    await applyService(client, service);
    return (await serviceReady(client, namespace, name)).status?.url ?? '';
  }

  /** What a program gets from an address. */
  function inside(from: string, target: string, header: string) {
    const query = new URLSearchParams({ url: target, header });
    return suite.visitor.ask(`${from}/fetch?${query}`);
  }

  /** The token that the metadata server gives to a program. */
  async function tokenOf(from: string, audience = url): Promise<string> {
    const target = `${IDENTITY}?audience=${encodeURIComponent(audience)}`;
    const { status, body } = await inside(from, target, 'Metadata-Flavor: Google');
    assert.equal(status, 200, body);
    return body;
  }

  const visit = (token?: string, path = '/') =>
    suite.visitor.ask(
      `${url}${path}`,
      token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
    );
  const becomes = (want: number, token?: string) =>
    until(`status ${want}`, async () => (await visit(token)).status === want);

  /** Makes these the only members of the service. */
  async function members(subjects: RoleBinding['subjects']): Promise<void> {
    const labels = { [IAM.role]: INVOKER_ROLE, [IAM.kind]: 'services', [IAM.resource]: 'closed' };
    await suite.client.apply(
      ROLE_BINDINGS,
      {
        apiVersion: ROLE_BINDINGS.apiVersion,
        kind: ROLE_BINDINGS.kind,
        metadata: { name: 'closed-invoker', namespace: suite.namespace, labels },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'closed-invoker' },
        subjects,
      } as RoleBinding,
      { fieldManager: 'scenario' },
    );
  }
  const account = (name: string) => ({ kind: 'ServiceAccount', namespace: suite.namespace, name });

  it('lets its members call it, with tokens of the metadata server', async () => {
    const [mine, other] = [await tokenOf(web), await tokenOf(stranger)];
    const nobody = await visit();
    assert.equal(nobody.status, 403);
    assert.match(nobody.body, /<h1>Error: Forbidden<\/h1>/);
    // It has no members yet. The gateway fetches the issuer's keys for the first service that is closed.
    await becomes(403, mine);
    await members([account('web')]);
    await becomes(200, mine);
    assert.equal((await visit(other)).status, 403);
    const wrong = await visit(await tokenOf(web, 'https://other.example'));
    assert.equal(wrong.status, 401);
    assert.match(String(wrong.headers['www-authenticate']), /^Bearer error="invalid_token"/);
    const forged = await visit(`${mine.slice(0, mine.lastIndexOf('.'))}.${other.split('.')[2]}`);
    assert.equal(forged.status, 401);
  });

  it('lets a program call it by its name inside the cluster', async () => {
    await members([account('web')]);
    const address = `http://closed.${suite.namespace}.svc.cluster.local`;
    const token = await tokenOf(web, address);
    await becomes(200, await tokenOf(web));
    assert.equal((await inside(web, address, `Authorization: Bearer ${token}`)).status, 200);
    assert.equal((await inside(web, address, `X-Serverless-Authorization: Bearer ${token}`)).status, 200);
    assert.equal((await inside(web, address, 'Authorization: Bearer x')).status, 401);
  });

  it('shows its program the token without the signature', async () => {
    await members([account('web')]);
    const token = await tokenOf(web);
    await becomes(200, token);
    const { body } = await visit(token, '/headers');
    const shown = /Bearer ([\w.-]+)/.exec(body)?.[1] ?? assert.fail(body);
    assert.match(shown, /\.SIGNATURE_REMOVED_BY_GOOGLE$/);
    assert.equal(claimsOf(shown).sub, `system:serviceaccount:${suite.namespace}:web`);
  });

  it('follows its policy at once', async () => {
    const token = await tokenOf(web);
    await members([account('web')]);
    await becomes(200, token);
    await members([account('stranger')]);
    await becomes(403, token);
    await members([{ kind: 'Group', name: 'system:unauthenticated' }]);
    await becomes(200);
    await suite.client.delete(ROLE_BINDINGS, { namespace: suite.namespace, name: 'closed-invoker' });
    await becomes(403);
    const open = { ...RESTRICTED, 'run.googleapis.com/invoker-iam-disabled': 'true' };
    await applyService(suite.client, helloService(suite.namespace, 'closed', { serviceAnnotations: open }));
    await becomes(200);
  });
});
