import { deepEqual, equal } from 'node:assert/strict';
import { IAM_ROLES } from '../apis/iam/roles.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { KubeClient } from '../kube/client.ts';
import { until } from '../testing/until.ts';
import { asPerson } from './authentication/impersonation.ts';
import { mayActAs } from './iam/handlers.ts';
import { clientOf } from './testing/client.ts';
import { NAMESPACE, REGION, useApi } from './testing/installation.ts';
import { installRoles, personWith } from './testing/roles.ts';

const PLACE = `/v2/projects/${NAMESPACE}/locations/${REGION}`;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const CONTAINERS = [{ image: 'gcr.io/p/app:1' }];

type Person = 'developer' | 'user of all accounts' | 'user of runner';

/** Requests to deploy with an account as identity; with none, with the default one. */
const DEPLOYMENTS: Record<string, (account?: string) => { method: string; path: string; body: object }> = {
  'a new service of v2': (serviceAccount) => ({
    method: 'POST',
    path: `${PLACE}/services?serviceId=new`,
    body: { template: { containers: CONTAINERS, serviceAccount } },
  }),
  'a service of v2': (serviceAccount) => ({
    method: 'PATCH',
    path: `${PLACE}/services/hello`,
    body: { template: { containers: CONTAINERS, serviceAccount } },
  }),
  'a service of v2 that may be missing': (serviceAccount) => ({
    method: 'PATCH',
    path: `${PLACE}/services/other?allowMissing=true`,
    body: { template: { containers: CONTAINERS, serviceAccount } },
  }),
  'a new job of v2': (serviceAccount) => ({
    method: 'POST',
    path: `${PLACE}/jobs?jobId=new`,
    body: { template: { template: { containers: CONTAINERS, serviceAccount } } },
  }),
  'a new worker pool of v2': (serviceAccount) => ({
    method: 'POST',
    path: `${PLACE}/workerPools?workerPoolId=new`,
    body: { template: { containers: CONTAINERS, serviceAccount } },
  }),
  'a new service of v1': (serviceAccountName) =>
    v1('POST', 'services', { containers: CONTAINERS, serviceAccountName }),
  'a service of v1': (serviceAccountName) =>
    v1('PUT', 'services', { containers: CONTAINERS, serviceAccountName }, 'hello'),
  'a new job of v1': (serviceAccountName) =>
    v1('POST', 'jobs', { template: { spec: { containers: CONTAINERS, serviceAccountName } } }),
  'a new worker pool of v1': (serviceAccountName) =>
    v1('POST', 'workerpools', { containers: CONTAINERS, serviceAccountName }),
};

const KINDS = { services: 'Service', jobs: 'Job', workerpools: 'WorkerPool' };

function v1(method: string, plural: keyof typeof KINDS, spec: object, name?: string) {
  const apiVersion = `${plural === 'services' ? 'serving.knative.dev' : 'run.googleapis.com'}/v1`;
  const path = `/apis/${apiVersion}/namespaces/${NAMESPACE}/${plural}${name ? `/${name}` : ''}`;
  const metadata = { name: name ?? 'new', namespace: NAMESPACE };
  const body = { apiVersion, kind: KINDS[plural], metadata, spec: { template: { spec } } };
  return { method, path, body };
}

describe('who may deploy with which identity', function () {
  this.timeout(300_000);
  const installation = useApi();
  const call = clientOf(installation);
  const tokens = {} as Record<Person, string>;

  before(async () => {
    await installRoles(installation);
    const [admin, developer, user] = ['run.admin', 'run.developer', 'iam.serviceAccountUser'].map((name) =>
      IAM_ROLES.filter((role) => role.name === name),
    );
    tokens.developer = await personWith(installation, ...(developer ?? []));
    tokens['user of all accounts'] = await personWith(installation, ...(developer ?? []), ...(user ?? []));
    tokens['user of runner'] = await personWith(installation, ...(admin ?? []));
    await letUse('has-run.admin', 'runner');
    const made = await call('POST', `${PLACE}/services?serviceId=hello`, {
      body: { template: { containers: CONTAINERS } },
    });
    equal(made.status, 200, JSON.stringify(made.body));
  });

  /** Lets a person act as one account, as whoever administers the cluster does. */
  async function letUse(name: string, account: string): Promise<void> {
    const { client } = installation;
    const metadata = { name: 'use-runner', namespace: NAMESPACE };
    const rules = [
      { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: [account], verbs: ['use'] },
    ];
    const subjects = [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name };
    const root = `${RBAC}/namespaces/${NAMESPACE}`;
    await client.request('POST', `${root}/roles`, { body: { metadata, rules } });
    await client.request('POST', `${root}/rolebindings`, { body: { metadata, subjects, roleRef } });
    const person = { name: `system:serviceaccount:${NAMESPACE}:${name}`, groups: [] };
    const own = new KubeClient(asPerson(client.connection, person));
    await until('the right to use it', () => mayActAs(own, NAMESPACE, account));
  }

  const cases: { person: Person; account?: string; denied?: string; reason: string }[] = [
    { person: 'developer', denied: 'default', reason: 'it is asked for the default account too' },
    { person: 'developer', account: 'runner', denied: 'runner', reason: 'no role of Cloud Run includes it' },
    { person: 'user of all accounts', reason: 'the role is for all of the project' },
    { person: 'user of all accounts', account: 'runner', reason: 'the role is for all of the project' },
    { person: 'user of runner', account: 'runner', reason: 'a rule of Kubernetes may name the account' },
    {
      person: 'user of runner',
      account: `runner@${NAMESPACE}.iam.gserviceaccount.com`,
      reason: 'an address stands for the account',
    },
    { person: 'user of runner', denied: 'default', reason: 'its rule names another one' },
  ];
  for (const { person, account, denied, reason } of cases) {
    it(`${denied ? 'refuses' : 'lets'} a ${person} deploy with ${account ?? 'no account'}: ${reason}`, async () => {
      for (const [name, requestFor] of Object.entries(DEPLOYMENTS)) {
        const { method, path, body } = requestFor(account);
        const isV2 = path.startsWith('/v2');
        const dry = `${path.includes('?') ? '&' : '?'}${isV2 ? 'validateOnly=true' : 'dryRun=all'}`;
        const answer = await call(method, denied ? path : `${path}${dry}`, { body, token: tokens[person] });
        if (!denied) {
          equal(answer.status, 200, `${name}: ${JSON.stringify(answer.body)}`);
          continue;
        }
        const { code, status, message, details } = answer.body.error;
        deepEqual(
          [code, status, message, details[0].metadata],
          [
            403,
            'PERMISSION_DENIED',
            `Permission 'iam.serviceaccounts.actAs' denied on service account ${denied} (or it may not exist).`,
            {
              permission: 'iam.serviceAccounts.actAs',
              resource: `namespaces/${NAMESPACE}/serviceaccounts/${denied}`,
            },
          ],
          name,
        );
      }
    });
  }

  it('writes nothing of what it refuses', async () => {
    const { items } = await installation.client.list(SERVICES, { namespace: NAMESPACE });
    deepEqual(
      items.map(({ metadata }) => [metadata.name, metadata.generation]),
      [['hello', 1]],
    );
  });

  it('asks it of nobody who changes a policy, runs a job or deletes', async () => {
    const token = tokens['user of runner'];
    const made = await call('POST', `${PLACE}/jobs?jobId=nightly`, {
      body: { template: { template: { containers: CONTAINERS } } },
    });
    equal(made.status, 200, JSON.stringify(made.body));
    const requests: [method: string, path: string, body?: object][] = [
      ['POST', `${PLACE}/services/hello:setIamPolicy`, { policy: { bindings: [] } }],
      ['POST', `${PLACE}/jobs/nightly:run`, {}],
      ['DELETE', `${PLACE}/jobs/nightly`],
    ];
    for (const [method, path, body] of requests) {
      const { status, body: answer } = await call(method, path, { body, token });
      equal(status, 200, `${path}: ${JSON.stringify(answer)}`);
    }
  });
});
