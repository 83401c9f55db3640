import { deepEqual, equal, ok } from 'node:assert/strict';
import { KINDS } from '../apis/kinds.ts';
import { RUN, SERVING } from '../apis/labels.ts';
import { REVISIONS, type Revision } from '../apis/serving/revision/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS } from '../kube/core.ts';
import { type KubeObject, namespaced } from '../kube/types.ts';
import { IAM } from './iam/part.ts';
import { operationId } from './operations/operations.ts';
import { type Answer, clientOf } from './testing/client.ts';
import { NAMESPACE, REGION, useApi } from './testing/installation.ts';
import { grant, installRoles } from './testing/roles.ts';
import { JOB_VERBS } from './v1/jobVerbs.ts';
import { SERVED_KINDS } from './v1/kinds.ts';
import { METHODS } from './v2/methods.ts';

const PLACE = `projects/${NAMESPACE}/locations/${REGION}`;
const TEMPLATE = { containers: [{ image: 'gcr.io/p/app:1' }] };

/** Objects by the collection of v2 or the plural of v1; of which there is none, a name that does not exist. */
const names: Record<string, string> = {
  projects: NAMESPACE,
  locations: REGION,
  services: 'hello',
  jobs: 'nightly',
  workerPools: 'pull',
  workerpools: 'pull',
  revisions: 'hello-00001',
};
/** What a client sends to write one. */
const bodies: Record<string, object> = {
  services: { template: TEMPLATE },
  jobs: { template: { template: TEMPLATE } },
  workerPools: { template: TEMPLATE },
};

/** Who is refused what; without a permission, nobody is refused. */
interface Walked {
  name: string;
  method: string;
  path: () => string;
  body?: object;
  permission: string | undefined;
  writes: boolean;
}

const WRITES: Readonly<Record<string, string>> = {
  Create: 'create',
  Update: 'update',
  Delete: 'delete',
  Run: 'run',
  Cancel: 'cancel',
  Set: 'setIamPolicy',
};
const isServed = (service: string) => !['Instances', 'Builds'].includes(service);

/** Every rpc of the descriptors by each of its paths. */
const RPCS: Walked[] = METHODS.flatMap(({ descriptor, bindings }) =>
  bindings.map(({ method, path, body: bodyField }): Walked => {
    const service = descriptor.parent.name;
    const [, verb = ''] = /^([A-Z][a-z]+)/.exec(descriptor.name) ?? [];
    const isPolicy = descriptor.name.endsWith('IamPolicy');
    const action = WRITES[verb] ?? (isPolicy ? 'getIamPolicy' : verb.toLowerCase());
    const collection = `${service.charAt(0).toLowerCase()}${service.slice(1)}`;
    const isCommon = !descriptor.parent.typeName.startsWith('google.cloud.run.v2.');
    const bodyOf: Record<string, object> = {
      SetIamPolicy: { policy: { bindings: [{ role: 'roles/run.viewer', members: ['allUsers'] }] } },
      TestIamPermissions: { permissions: ['run.services.get'] },
      WaitOperation: { timeout: '0s' },
      RunJob: {},
    };
    return {
      name: `${service}.${descriptor.name} at ${path}`,
      method,
      path: () =>
        pathOf(path, descriptor.name.startsWith('Create') ? `?${collection.slice(0, -1)}Id=new` : ''),
      body: bodyField ? (bodyOf[descriptor.name] ?? bodies[collection] ?? {}) : undefined,
      permission: isCommon || verb === 'Test' ? undefined : `run.${service.toLowerCase()}.${action}`,
      writes: !isCommon && verb in WRITES,
    };
  }),
).filter(({ name }) => isServed(name.split('.')[0] ?? ''));

/** Each kind's routes of v1 and each verb, in both forms of paths. */
const ROUTES: Walked[] = SERVED_KINDS.flatMap(({ type, writes }) => {
  const { apiVersion, kind, plural } = type;
  const object = () => ({
    apiVersion,
    kind,
    metadata: { name: names[plural] ?? 'none', namespace: NAMESPACE },
    spec: { template: { spec: TEMPLATE } },
  });
  const verbs = Object.entries({ ...JOB_VERBS, ...IAM.verbs }).filter(([, { on }]) => on.includes(plural));
  return [`/apis/${apiVersion}/namespaces/${NAMESPACE}/${plural}`, `/v1/${PLACE}/${plural}`].flatMap(
    (path) => {
      const one = () => `${path}/${names[plural] ?? 'none'}`;
      const route = (
        method: string,
        to: () => string,
        action: string,
        isWrite: boolean,
        body?: object,
      ): Walked => ({
        name: `${method} ${path}, ${action}`,
        method,
        path: to,
        body,
        permission: action === 'testIamPermissions' ? undefined : `run.${plural}.${action}`,
        writes: isWrite,
      });
      const has = (write: (typeof writes)[number], made: Walked) => (writes.includes(write) ? [made] : []);
      return [
        route('GET', () => path, 'list', false),
        route('GET', one, 'get', false),
        ...has(
          'create',
          route('POST', () => path, 'create', true, object()),
        ),
        ...has('replace', route('PUT', one, 'update', true, object())),
        ...has('delete', route('DELETE', one, 'delete', true)),
        ...verbs.map(([verb, { method }]) => {
          const body = verb === 'setIamPolicy' ? { policy: {} } : {};
          return route(
            method,
            () => `${one()}:${verb}`,
            verb,
            !/^(get|test)/.test(verb),
            method === 'POST' ? body : undefined,
          );
        }),
      ];
    },
  );
});

/** A path of a template such as `/v2/{name=projects/*\/locations/*}/services`. */
function pathOf(template: string, query: string): string {
  const path = template
    .replace(/\{[^=]+=([^}]+)\}/, '$1')
    .replace(/([A-Za-z]+)\/\*/g, (_, collection: string) => `${collection}/${names[collection] ?? 'none'}`);
  return `${path.replace('workerPools/pull/revisions/hello', 'workerPools/pull/revisions/pull')}${query}`;
}

describe('every request of the Admin API on a real API server', function () {
  this.timeout(600_000);
  const installation = useApi();
  const call = clientOf(installation);

  const written = async () => {
    const types = [
      ...KINDS.map(({ group, kind, plural }) => namespaced(`${group}/v1`, kind, plural)),
      ROLES,
      ROLE_BINDINGS,
      SERVICE_ACCOUNTS,
    ];
    const lists = await Promise.all(
      types.map((type) => installation.client.list(type as typeof REVISIONS, { namespace: NAMESPACE })),
    );
    return lists
      .flatMap(({ items }) =>
        items.map(({ metadata }) => `${metadata.uid} ${metadata.name} ${metadata.resourceVersion}`),
      )
      .sort();
  };

  before(async () => {
    await installRoles(installation);
    await grant(installation, 'viewer', 'homerun-run.viewer');
    for (const [collection, body] of Object.entries(bodies)) {
      const id = `${collection.slice(0, -1)}Id=${names[collection]}`;
      const made = await call('POST', `/v2/${PLACE}/${collection}?${id}`, { body });
      equal(made.status, 200, JSON.stringify(made.body));
    }
    const revisions: Record<string, Record<string, string>> = {
      'hello-00001': { [SERVING.service]: 'hello' },
      'pull-00001': { [RUN.workerPool]: 'pull' },
    };
    for (const [name, labels] of Object.entries(revisions)) {
      const { apiVersion, kind } = REVISIONS;
      const metadata = { name, namespace: NAMESPACE, labels };
      await installation.client.create(REVISIONS, {
        apiVersion,
        kind,
        metadata,
        spec: TEMPLATE,
      } as KubeObject as Revision);
    }
    const run = await call('POST', `/apis/run.googleapis.com/v1/namespaces/${NAMESPACE}/jobs/nightly:run`, {
      body: {},
    });
    equal(run.status, 200, JSON.stringify(run.body));
    names.executions = run.body.metadata.name;
    names.tasks = `${names.executions}-0`;
    const service = await installation.client.get(SERVICES, { namespace: NAMESPACE, name: 'hello' });
    ok(service);
    names.operations = operationId('create', SERVICES, service);
  });

  const refusedPermission = ({ status, body }: Answer) => [
    status,
    body?.error?.status,
    body?.error?.details?.[0]?.metadata?.permission,
  ];

  for (const [title, walked] of Object.entries({ 'rpc of v2': RPCS, 'route of v1': ROUTES })) {
    it(`lets a viewer change nothing and see what there is, in each ${title}`, async () => {
      const before = await written();
      const found: Record<string, unknown> = {};
      for (const { name, method, path, body, permission, writes } of walked) {
        const answer = await call(method, path(), { body, as: 'viewer' });
        const isRight = writes
          ? deepEquals(refusedPermission(answer), [403, 'PERMISSION_DENIED', permission])
          : answer.status === 200 || answer.status === 404;
        if (!isRight)
          found[`${name} ${path()}`] = [
            permission,
            ...refusedPermission(answer),
            answer.body?.error?.message,
          ];
      }
      deepEqual(found, {});
      deepEqual(await written(), before);
    });

    it(`shows a stranger nothing, in each ${title}`, async () => {
      const before = await written();
      const found: Record<string, unknown> = {};
      for (const { name, method, path, body, permission, writes } of walked) {
        const answer = await call(method, path(), { body, as: 'stranger' });
        // What is changed or deleted is read first, and that is refused already.
        const reading = writes ? permission?.replace(/[^.]+$/, 'get') : permission;
        const isRight =
          permission === undefined ||
          [permission, reading].some((each) =>
            deepEquals(refusedPermission(answer), [403, 'PERMISSION_DENIED', each]),
          );
        if (!isRight)
          found[`${name} ${path()}`] = [
            permission,
            ...refusedPermission(answer),
            answer.body?.error?.message,
          ];
      }
      deepEqual(found, {});
      deepEqual(await written(), before);
    });
  }
});

const deepEquals = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
