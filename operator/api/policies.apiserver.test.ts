import { deepEqual, equal, match } from 'node:assert/strict';
import { clusterRoleName, IAM_ROLES, rulesOf } from '../apis/iam/roles.ts';
import { clientOf } from './testing/client.ts';
import { HOST, NAMESPACE, REGION, useApi } from './testing/installation.ts';

const POLICY = `/v1/projects/${NAMESPACE}/locations/${REGION}/services/hello`;
const INVOKER = { role: 'roles/run.invoker', members: ['allUsers'] };
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

describe('policies and logs of the Admin API on a real API server', function () {
  this.timeout(600_000);
  const installation = useApi();
  const call = clientOf(installation);

  /** The ClusterRoles of the chart. */
  async function installRoles(): Promise<void> {
    for (const role of IAM_ROLES) {
      const rules = rulesOf(role).map(({ apiGroup, resource, verbs }) => ({
        apiGroups: [apiGroup],
        resources: [resource],
        verbs,
      }));
      const body = { metadata: { name: clusterRoleName(role) }, rules };
      await installation.client.request('POST', `${RBAC}/clusterroles`, { body });
    }
  }

  /** Gives roles of the chart to a person of the tests. */
  async function grant(account: string, ...roles: string[]): Promise<void> {
    for (const name of roles) {
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
      const subjects = [{ kind: 'ServiceAccount', name: account, namespace: NAMESPACE }];
      const body = { metadata: { name: `${account}-${name}` }, roleRef, subjects };
      await installation.client.request('POST', `${RBAC}/namespaces/${NAMESPACE}/rolebindings`, { body });
    }
  }

  before(async () => {
    await installRoles();
    await grant('editor', 'homerun-run.admin', 'homerun-logging.viewer');
    const spec = { template: { spec: { containers: [{ image: 'gcr.io/p/app:1' }] } } };
    const metadata = { name: 'hello', namespace: NAMESPACE };
    const body = { apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata, spec };
    const made = await call('POST', `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}/services`, {
      body,
    });
    equal(made.status, 200, JSON.stringify(made.body));
  });

  it('opens a service, for one who may, at the host of no region as gcloud does', async () => {
    const read = `${POLICY}:getIamPolicy?alt=json&options.requestedPolicyVersion=3`;
    const { etag } = (await call('GET', read, { host: HOST })).body;
    const policy = { bindings: [INVOKER], etag, version: 3 };
    const set = await call('POST', `${POLICY}:setIamPolicy?alt=json`, { body: { policy }, host: HOST });
    deepEqual([set.status, set.body.bindings], [200, [INVOKER]], JSON.stringify(set.body));
    deepEqual((await call('GET', read, { host: HOST })).body, set.body);
    const refused = await call('POST', `${POLICY}:setIamPolicy`, { body: { policy: {} }, as: 'viewer' });
    equal(refused.status, 403);
    match(refused.body.error.message, /'run.services.setIamPolicy' denied/);
    const permissions = ['run.services.setIamPolicy', 'run.services.get'];
    const asked = { body: { permissions }, as: 'viewer' } as const;
    deepEqual((await call('POST', `${POLICY}:testIamPermissions`, asked)).body.permissions, [
      'run.services.get',
    ]);
  });

  it('changes the policy of a project in both versions of the Resource Manager', async () => {
    for (const [version, role] of [
      ['v1', 'roles/run.viewer'],
      ['v3', 'roles/run.invoker'],
    ] as const) {
      const path = `/${version}/projects/${NAMESPACE}`;
      const { body: before } = await call('POST', `${path}:getIamPolicy`, {
        body: { options: {} },
        host: HOST,
      });
      const bindings = [{ role, members: ['user:ann@example.com'] }];
      const body = { policy: { ...before, bindings: [...before.bindings, ...bindings] } };
      const set = await call('POST', `${path}:setIamPolicy`, { body, host: HOST });
      deepEqual(
        [set.status, set.body.bindings.length],
        [200, before.bindings.length + 1],
        JSON.stringify(set.body),
      );
      deepEqual((await call('POST', `${path}:getIamPolicy`, { host: HOST })).body, set.body);
    }
  });

  it('lists entries for one who may read logs, and for no other', async () => {
    const body = { resourceNames: [`projects/${NAMESPACE}`], filter: 'resource.labels.service_name=hello' };
    deepEqual((await call('POST', '/v2/entries:list', { body })).body, { entries: [] });
    const refused = await call('POST', '/v2/entries:list', { body, as: 'stranger' });
    equal(refused.status, 403);
    match(refused.body.error.message, /'logging.logEntries.list' denied/);
  });
});
