import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { KINDS } from '../../apis/kinds.ts';
import { SERVICES, type Service } from '../../apis/serving/service/types.ts';
import { KubeClient } from '../../kube/client.ts';
import { NAMESPACES, ROLE_BINDINGS, ROLES, type RoleBinding } from '../../kube/core.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { until } from '../../testing/until.ts';
import { getIamPolicy, type PolicyCall, setIamPolicy, testIamPermissions } from './handlers.ts';
import type { PolicyTarget } from './plan.ts';

const NAMESPACE = 'demo';
const HELLO: PolicyTarget = { kind: 'services', namespace: NAMESPACE, name: 'hello' };
const PROJECT: PolicyTarget = { kind: 'project', namespace: NAMESPACE, name: NAMESPACE };
const CLUSTER_ROLES: ResourceType = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
};
const SLOW = { timeoutMs: 20_000, everyMs: 50 };
const INVOKER = { role: 'roles/run.invoker', members: ['allUsers'] };

interface ChartRoles {
  roles: { name: string; role: string; rules: object[] }[];
  editors: object[];
}
const CHART = parse(
  readFileSync(new URL('../../../charts/homerun/files/iam.yaml', import.meta.url), 'utf8'),
) as ChartRoles;

/** The ClusterRoles of the chart's templates iam-roles.yaml and user-roles.yaml. */
async function installRoles(client: KubeClient): Promise<void> {
  const create = (name: string, rules: object[], ...aggregateTo: string[]) => {
    const labels = Object.fromEntries(
      aggregateTo.map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, 'true']),
    );
    const { apiVersion, kind } = CLUSTER_ROLES;
    return client.create(CLUSTER_ROLES, {
      apiVersion,
      kind,
      metadata: { name, labels },
      rules,
    } as KubeObject);
  };
  for (const { name, rules } of CHART.roles) await create(name, rules);
  await create('homerun-iam-verbs', CHART.editors, 'edit', 'admin');
  const onKinds = (...verbs: string[]) =>
    KINDS.map(({ group, plural }) => ({ apiGroups: [group], resources: [plural], verbs }));
  const write = onKinds('create', 'delete', 'deletecollection', 'patch', 'update');
  await create('homerun-edit', write, 'edit', 'admin');
  await create('homerun-view', onKinds('get', 'list', 'watch'), 'view');
}

describe('policies on a real API server', function () {
  this.timeout(300_000);
  let server: ApiServer;

  /** The same server for a person, who has these roles in the namespace. */
  async function person(name: string, ...roles: string[]): Promise<KubeClient> {
    for (const role of roles) {
      await server.client.create(ROLE_BINDINGS, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { namespace: NAMESPACE, name: `${name}-${role}` },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name }],
      });
    }
    const headers = () => ({ 'impersonate-user': name });
    const client = new KubeClient({ ...server.connection, headers });
    // The API server learns of a binding a moment after it was made.
    const isBound = () => client.list(SERVICES, { namespace: NAMESPACE }).then(() => true);
    if (roles.length > 0) await until(`the rights of ${name}`, () => isBound().catch(() => false), SLOW);
    return client;
  }

  const call = (client: KubeClient, target = HELLO): PolicyCall => ({
    client,
    target,
    context: { namespace: target.namespace, projectIdTemplate: '{namespace}', serviceAccounts: {} },
  });

  before(async () => {
    server = await takeApiServer(NAMESPACE);
    server.startControllers('clusterrole-aggregation-controller', 'garbage-collector-controller');
    await installRoles(server.client);
    for (const name of ['hello', 'other']) {
      await server.client.create(SERVICES, {
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Service',
        metadata: { namespace: NAMESPACE, name },
        spec: { template: { spec: { containers: [{ image: 'web' }] } } },
      } as Service);
    }
  });

  after(() => giveBackApiServer(server));

  it('opens a service and closes it again, for one with run.admin', async () => {
    const ada = await person('ada', 'homerun-run.admin');
    const before = await getIamPolicy(call(ada));
    assert.deepEqual(before, { version: 1, etag: 'ACAB', bindings: [] });
    const open = await setIamPolicy(call(ada), {
      policy: { ...before, bindings: [INVOKER] },
      updateMask: 'bindings,etag',
    });
    assert.deepEqual(open.bindings, [INVOKER]);
    assert.deepEqual(await getIamPolicy(call(ada), { requestedPolicyVersion: '3' }), open);
    const stale = setIamPolicy(call(ada), { policy: { ...before, bindings: [] } });
    await assert.rejects(stale, { code: 'ABORTED', message: /is ACAB, and the policy has .*Read it again/ });
    const closed = await setIamPolicy(call(ada), { policy: { etag: open.etag, bindings: [] } });
    assert.deepEqual(closed, before);
    for (const type of [ROLES, ROLE_BINDINGS] as ResourceType[]) {
      const { items } = await server.client.list(type, {
        namespace: NAMESPACE,
        labelSelector: 'homerun.dev/iam-kind',
      });
      assert.deepEqual(items, []);
    }
  });

  it('loses no change of two requests at once', async () => {
    const ida = await person('ida', 'homerun-run.admin');
    const base = await setIamPolicy(call(ida), { policy: { bindings: [INVOKER] } });
    const changes = ['user:a@example.com', 'user:b@example.com'].map((member) =>
      setIamPolicy(call(ida), {
        policy: { etag: base.etag, bindings: [{ ...INVOKER, members: [...INVOKER.members, member] }] },
      }),
    );
    const results = await Promise.allSettled(changes);
    const failed = results.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []));
    assert.deepEqual(failed, ['ABORTED']);
    await setIamPolicy(call(ida), { policy: { bindings: [] } });
  });

  it('grants what a role on one service says, and for this service alone', async () => {
    const eve = await person('eve', 'homerun-run.admin');
    const ann = await person('ann@example.com');
    await assert.rejects(ann.get(SERVICES, { namespace: NAMESPACE, name: 'hello' }), {
      code: 'KUBE_FORBIDDEN',
    });
    const bindings = [{ role: 'roles/run.viewer', members: ['user:ann@example.com'] }];
    await setIamPolicy(call(eve), { policy: { bindings } });
    const canRead = async () =>
      (await ann.get(SERVICES, { namespace: NAMESPACE, name: 'hello' })) !== undefined;
    await until('ann can read the service', () => canRead().catch(() => false), SLOW);
    await assert.rejects(ann.get(SERVICES, { namespace: NAMESPACE, name: 'other' }), {
      code: 'KUBE_FORBIDDEN',
    });
    const asked = ['run.services.get', 'run.services.update', 'run.services.list'];
    assert.deepEqual(await testIamPermissions(call(ann), { permissions: asked }), {
      permissions: asked.slice(0, 1),
    });
  });

  it('refuses those who may not, names the permission, and changes nothing', async () => {
    const vic = await person('vic', 'homerun-run.viewer');
    const dev = await person('dev', 'homerun-run.developer');
    const bob = await person('bob');
    const before = await getIamPolicy(call(vic));
    for (const client of [vic, dev, bob]) {
      const attempt = setIamPolicy(call(client), { policy: { bindings: [INVOKER] } });
      await assert.rejects(attempt, {
        code: 'PERMISSION_DENIED',
        message: /'run.services.[gs]etIamPolicy' denied on/,
      });
      const inProject = setIamPolicy(call(client, PROJECT), { policy: { bindings: [] } });
      await assert.rejects(inProject, /'resourcemanager.projects.setIamPolicy' denied/);
    }
    await assert.rejects(getIamPolicy(call(bob)), /'run.services.getIamPolicy' denied/);
    assert.deepEqual(await getIamPolicy(call(vic)), before);
  });

  it('lets an administrator of the namespace grant every role in the project, and these are real', async () => {
    const root = await person('root', 'admin');
    const bindings = CHART.roles.map(({ role }) => ({
      role,
      members: [`user:${role.slice(6)}@example.com`],
    }));
    const grant = () => setIamPolicy(call(root, PROJECT), { policy: { bindings } });
    // The roles of Kubernetes take up those of the chart some time after these are made.
    await until(
      'the policy is written',
      () =>
        grant().then(
          () => true,
          () => false,
        ),
      { everyMs: 200 },
    );
    const granted: Record<string, string[]> = {
      'run.viewer': ['run.services.list', 'resourcemanager.projects.get'],
      'run.developer': [
        'run.services.create',
        'run.services.update',
        'run.services.list',
        'run.jobs.run',
        'resourcemanager.projects.get',
      ],
      'run.admin': [
        'run.services.create',
        'run.services.update',
        'run.services.setIamPolicy',
        'run.services.list',
        'run.jobs.run',
        'run.routes.invoke',
        'resourcemanager.projects.get',
      ],
      'run.invoker': ['run.jobs.run', 'run.routes.invoke'],
      'iam.serviceAccountUser': ['iam.serviceAccounts.actAs', 'resourcemanager.projects.get'],
      'logging.viewer': ['logging.logEntries.list', 'resourcemanager.projects.get'],
    };
    const permissions = [...new Set(Object.values(granted).flat())];
    for (const [role, expected] of Object.entries(granted)) {
      const client = await person(`${role}@example.com`);
      const { permissions: found } = await testIamPermissions(call(client, PROJECT), { permissions });
      assert.deepEqual(found.sort(), expected.toSorted(), role);
    }
  });

  it('refuses to grant a right that the person does not have', async () => {
    const amy = await person('amy', 'homerun-run.admin');
    const bindings = [{ role: 'roles/logging.viewer', members: ['user:amy@example.com'] }];
    const attempt = setIamPolicy(call(amy, PROJECT), {
      policy: { bindings: [...(await getIamPolicy(call(amy, PROJECT))).bindings, ...bindings] },
    });
    await assert.rejects(attempt, {
      code: 'PERMISSION_DENIED',
      message:
        /'resourcemanager.projects.setIamPolicy' denied on .* is attempting to grant RBAC permissions not currently held/s,
    });
  });

  it('knows no policy of a service that does not exist, but says who could set it', async () => {
    const max = await person('max', 'homerun-run.admin');
    const none = call(max, { ...HELLO, name: 'none' });
    await assert.rejects(getIamPolicy(none), { code: 'NOT_FOUND', message: /'none' of kind 'SERVICE'/ });
    await assert.rejects(setIamPolicy(none, { policy: {} }), { code: 'NOT_FOUND' });
    const permissions = ['run.services.setIamPolicy'];
    assert.deepEqual(await testIamPermissions(none, { permissions }), { permissions });
    await assert.rejects(testIamPermissions(none, { permissions: ['run.services.fly'] }), {
      code: 'INVALID_ARGUMENT',
      message: 'permissions[0]: is "run.services.fly", which is no permission here',
    });
    await assert.rejects(getIamPolicy(call(max), { requestedPolicyVersion: 2 }), /it must be 0, 1 or 3/);
    await assert.rejects(setIamPolicy(call(max), { policy: {}, updateMask: 'owner' }), /names "owner"/);
  });

  it('forgets the policy with its service', async () => {
    const kim = await person('kim', 'homerun-run.admin');
    const target = { ...HELLO, name: 'other' };
    await setIamPolicy(call(kim, target), { policy: { bindings: [INVOKER] } });
    const stored = () =>
      server.client.list<RoleBinding>(ROLE_BINDINGS, {
        namespace: NAMESPACE,
        labelSelector: 'homerun.dev/iam-resource=other',
      });
    assert.equal((await stored()).items.length, 1);
    await server.client.delete(SERVICES, { namespace: NAMESPACE, name: 'other' });
    await until('the bindings are gone', async () => (await stored()).items.length === 0, {
      everyMs: 100,
    });
    assert.ok(await server.client.get(NAMESPACES, { name: NAMESPACE }));
  });
});
