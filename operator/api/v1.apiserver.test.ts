import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { EXECUTIONS } from '../apis/run/execution/types.ts';
import { JOBS } from '../apis/run/job/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { SERVICE_ACCOUNTS } from '../kube/core.ts';
import type { KubeObject } from '../kube/types.ts';
import { operationId } from './operations/operations.ts';
import { clientOf } from './testing/client.ts';
import { HOST, NAMESPACE, REGION, tokenOf, useApi } from './testing/installation.ts';
import { SERVED_KINDS } from './v1/kinds.ts';

const S = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}`;
const J = `/apis/run.googleapis.com/v1/namespaces/${NAMESPACE}`;
const P = `/v1/projects/${NAMESPACE}/locations/${REGION}`;

const CONTAINERS = { containers: [{ image: 'gcr.io/p/app:1' }] };
const service = (name: string, labels?: object, spec: object = {}) => ({
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: { name, namespace: NAMESPACE, labels },
  spec: { template: { spec: { ...CONTAINERS, ...spec } } },
});
const job = (name: string) => ({
  apiVersion: 'run.googleapis.com/v1',
  kind: 'Job',
  metadata: { name },
  spec: { template: { spec: { taskCount: 2, template: { spec: CONTAINERS } } } },
});
const names = (list: { items: KubeObject[] }) => list.items.map(({ metadata }) => metadata.name);

describe('the Admin API v1 on a real API server', () => {
  const installation = useApi();
  const call = clientOf(installation);

  it('creates, reads, lists, replaces and deletes a service in both forms of paths', async () => {
    const made = await call('POST', `${S}/services?alt=json`, { body: service('crud') });
    equal(made.status, 200, JSON.stringify(made.body));
    const { annotations, labels } = made.body.metadata;
    equal(annotations['serving.knative.dev/creator'], `system:serviceaccount:${NAMESPACE}:editor`);
    equal(labels['cloud.googleapis.com/location'], REGION);
    const read = await call('GET', `${P}/services/crud`);
    deepEqual(read.body, made.body);
    const listed = await call('GET', `/v1/projects/${NAMESPACE}/locations/-/services`, { host: HOST });
    ok(names(listed.body).includes('crud'));
    deepEqual(listed.body.metadata, {});
    const changed = { ...read.body, metadata: { ...read.body.metadata, labels: { ...labels, team: 'a' } } };
    const ref = { namespace: NAMESPACE, name: 'crud' };
    const status = { url: 'http://crud.test' };
    await installation.client.mergePatch(SERVICES, ref, { status }, { subresource: 'status' });
    const replaced = await call('PUT', `${S}/services/crud`, { body: changed });
    equal(replaced.status, 200, JSON.stringify(replaced.body));
    equal(replaced.body.metadata.labels.team, 'a');
    const stored = await installation.client.get(SERVICES, ref);
    deepEqual(stored?.metadata.labels, { team: 'a' }, 'what only the view has is not stored');
    const fromCluster = { ...changed.metadata, resourceVersion: stored?.metadata.resourceVersion };
    equal(
      (await call('PUT', `${S}/services/crud`, { body: { ...changed, metadata: fromCluster } })).status,
      200,
    );
    const stale = await call('PUT', `${S}/services/crud`, { body: changed });
    deepEqual([stale.status, stale.body.error.status], [409, 'ABORTED']);
    const unversioned = await call('PUT', `${S}/services/crud`, { body: service('crud') });
    equal(unversioned.status, 200);
    const again = await call('POST', `${S}/services`, { body: service('crud') });
    deepEqual([again.status, again.body.error.status], [409, 'ALREADY_EXISTS']);
    equal((await call('DELETE', `${S}/services/crud`)).body.status, 'Success');
    const missing = await call('GET', `${S}/services/crud`);
    deepEqual([missing.status, missing.body.error.details[0].domain], [404, 'run.googleapis.com']);
    equal((await call('PUT', `${S}/services/crud`, { body: service('crud') })).status, 404);
  });

  it('pages and selects lists in the spelling of gcloud', async () => {
    for (const [index, team] of ['a', 'a', 'b'].entries())
      await call('POST', `${S}/services`, { body: service(`page-${index}`, { team }) });
    const first = await call('GET', `${S}/services?limit=2`);
    equal(first.body.items.length, 2);
    const rest = await call('GET', `${S}/services?limit=2&continue=${first.body.metadata.continue}`);
    deepEqual([...names(first.body), ...names(rest.body)], ['page-0', 'page-1', 'page-2']);
    const selected = await call('GET', `${S}/services?labelSelector=${encodeURIComponent('team = a')}`);
    deepEqual(names(selected.body), ['page-0', 'page-1']);
    deepEqual(names((await call('GET', `${S}/services?fieldSelector=multiRegionOnly`)).body), []);
  });

  it('changes nothing in a dry run', async () => {
    const dry = await call('POST', `${S}/services?dryRun=all`, { body: service('dry') });
    deepEqual([dry.status, dry.body.spec.template.spec.timeoutSeconds], [200, 300]);
    equal((await call('GET', `${S}/services/dry`)).status, 404);
    await call('POST', `${S}/services`, { body: service('kept') });
    equal((await call('DELETE', `${S}/services/kept?dryRun=all`)).status, 200);
    equal((await call('GET', `${S}/services/kept`)).status, 200);
  });

  const invalid: Record<string, { query?: string; spec?: object; field: string }> = {
    'an unknown field': { spec: { image: 'x' }, field: 'spec.template.spec.image' },
    'a wrong type': { spec: { timeoutSeconds: 'long' }, field: 'spec.template.spec.timeoutSeconds' },
    'a value out of range': { spec: { timeoutSeconds: 99_999 }, field: 'spec.template.spec.timeoutSeconds' },
    'an unknown dry run': { query: '?dryRun=some', field: 'dryRun' },
    'a parameter that comes twice': { query: '?dryRun=all&dryRun=all', field: 'dryRun' },
  };
  for (const [name, { query = '', spec, field }] of Object.entries(invalid)) {
    it(`answers ${name} with INVALID_ARGUMENT that names ${field}`, async () => {
      const answer = await call('POST', `${S}/services${query}`, { body: service('invalid', {}, spec) });
      deepEqual([answer.status, answer.body.error.status], [400, 'INVALID_ARGUMENT']);
      const fields = answer.body.error.details[0].fieldViolations.map(
        (each: { field: string }) => each.field,
      );
      ok(fields.includes(field), JSON.stringify(answer.body));
      equal((await call('GET', `${S}/services/invalid`)).status, 404);
    });
  }
  for (const query of ['limit=x', 'continue=x', 'labelSelector=((', 'fieldSelector=a=b']) {
    it(`answers a list with ${query} with 400`, async () => {
      equal((await call('GET', `${S}/services?${query}`)).status, 400);
    });
  }

  describe('jobs', () => {
    before(async () => {
      const made = await call('POST', `${J}/jobs`, { body: job('work') });
      deepEqual([made.status, made.body.spec.template.metadata], [200, {}], JSON.stringify(made.body));
    });

    it('show numbers of the cluster as texts, and stay as they are when these are written back', async () => {
      const ref = { namespace: NAMESPACE, name: 'numbers' };
      const containers = [{ image: 'gcr.io/p/app:1', resources: { limits: { cpu: 2, memory: '1Gi' } } }];
      const spec = { template: { spec: { template: { spec: { containers, timeoutSeconds: 60 } } } } };
      const { apiVersion, kind } = JOBS;
      await installation.client.create(JOBS, { apiVersion, kind, metadata: ref, spec });
      const stored = await installation.client.get(JOBS, ref);
      const { body } = await call('GET', `${J}/jobs/numbers`);
      const task = body.spec.template.spec.template.spec;
      deepEqual(
        [task.timeoutSeconds, task.containers[0].resources.limits],
        ['60', { cpu: '2', memory: '1Gi' }],
      );
      equal((await call('PUT', `${J}/jobs/numbers`, { body })).status, 200);
      const { metadata, spec: kept } = (await installation.client.get(JOBS, ref)) ?? {};
      deepEqual([metadata?.generation, kept], [1, stored?.spec]);
    });

    it('run, with overrides', async () => {
      const plain = await call('POST', `${J}/jobs/work:run`, { body: {} });
      match(plain.body.metadata.name, /^work-[a-z0-9]{5}$/);
      equal(plain.body.metadata.labels['run.googleapis.com/job'], 'work');
      const overrides = { taskCount: 3, timeoutSeconds: 30, containerOverrides: [{ args: ['x'] }] };
      const other = await call('POST', `${J}/jobs/work:run`, { body: { overrides } });
      equal(other.body.spec.taskCount, 3);
      deepEqual(other.body.spec.template.spec.containers[0].args, ['x']);
      const bad = await call('POST', `${J}/jobs/work:run`, { body: { overrides: { taskCount: -1 } } });
      equal(bad.status, 400);
      equal((await call('POST', `${J}/jobs/none:run`, { body: {} })).status, 404);
      equal((await call('POST', `${J}/jobs/work:walk`, { body: {} })).status, 404);
      equal((await call('GET', `${J}/jobs/work:run`)).status, 404);
    });

    it('show their tasks, and are cancelled', async () => {
      const { body } = await call('POST', `${J}/jobs/work:run`, { body: {} });
      const { name } = body.metadata;
      const tasks = [
        { index: 0, attempt: 1, state: 'Failed', exitCode: 3, message: 'it failed' },
        { index: 1, state: 'Running' },
      ];
      const ref = { namespace: NAMESPACE, name };
      await installation.client.mergePatch(EXECUTIONS, ref, { status: { tasks } }, { subresource: 'status' });
      const list = (selector: string) =>
        call('GET', `${J}/tasks?limit=100&labelSelector=${encodeURIComponent(selector)}`);
      const all = await list(`run.googleapis.com/execution = ${name}`);
      deepEqual(names(all.body), [`${name}-0`, `${name}-1`]);
      const running = await list(
        `run.googleapis.com/execution = ${name},run.googleapis.com/runningState in (Running,Pending)`,
      );
      deepEqual(names(running.body), [`${name}-1`]);
      const { status } = (await call('GET', `${J}/tasks/${name}-0`)).body;
      deepEqual(status.lastAttemptResult, { exitCode: 3, status: { code: 2, message: 'it failed' } });
      equal((await call('GET', `${J}/tasks/${name}-2`)).status, 404);
      const cancelled = await call('POST', `${J}/executions/${name}:cancel`, { body: {} });
      equal(cancelled.body.metadata.annotations['homerun.dev/cancel'], 'true');
      equal((await call('DELETE', `${J}/executions/${name}`)).status, 200);
    });
  });

  describe('operations', () => {
    it('are done when the object is ready, and the same from every replica', async () => {
      const { body } = await call('POST', `${S}/services`, { body: service('op') });
      const id = operationId('create', SERVICES, body);
      const wait = `${P}/operations/${id}:wait`;
      deepEqual((await call('POST', wait, { body: { timeout: '0s' } })).body.done, false);
      const conditions = [{ type: 'Ready', status: 'True' }];
      const ref = { namespace: NAMESPACE, name: 'op' };
      const waiting = call('POST', wait, { body: { timeout: '30s' } });
      const status = { observedGeneration: 1, conditions };
      await installation.client.mergePatch(SERVICES, ref, { status }, { subresource: 'status' });
      const done = (await waiting).body;
      deepEqual([done.done, done.response.metadata.name], [true, 'op']);
      const other = await installation.start();
      try {
        deepEqual((await call('GET', `${P}/operations/${id}`, { port: other.port })).body, done);
      } finally {
        await other.stop();
      }
      const listed = await call('GET', `${P}/operations`);
      ok(listed.body.operations.some((each: { name: string }) => each.name === done.name));
      const deletion = operationId('delete', SERVICES, body);
      equal((await call('GET', `${P}/operations/${deletion}`)).body.done, false);
      await call('DELETE', `${S}/services/op`);
      equal((await call('GET', `${P}/operations/${deletion}`)).body.done, true);
      equal((await call('GET', `${P}/operations/${id}`)).status, 404);
      equal((await call('POST', `${P}/operations/nonsense:wait`)).status, 404);
    });
  });

  describe('permissions', () => {
    const attempts = SERVED_KINDS.flatMap(({ type: { apiVersion, kind, plural }, writes }) => {
      const path = `/apis/${apiVersion}/namespaces/${NAMESPACE}/${plural}`;
      const body = { apiVersion, kind, metadata: { name: 'target' }, spec: {} };
      const how = {
        create: ['POST', path, body],
        replace: ['PUT', `${path}/target`, body],
        delete: ['DELETE', `${path}/target`, undefined],
      } as const;
      return writes.map((write) => ({
        plural,
        action: write === 'replace' ? 'update' : write,
        call: how[write],
      }));
    });
    before(async () => {
      const pool = { ...service('target'), apiVersion: 'run.googleapis.com/v1', kind: 'WorkerPool' };
      const targets = {
        [`${S}/services`]: service('target'),
        [`${J}/jobs`]: job('target'),
        [`${J}/workerpools`]: pool,
      };
      for (const [path, body] of Object.entries(targets)) {
        const made = await call('POST', path, { body });
        equal(made.status, 200, JSON.stringify(made.body));
      }
    });

    for (const as of ['viewer', 'stranger'] as const) {
      for (const { plural, action, call: attempt } of attempts) {
        it(`keep a ${as} from it: ${action} ${plural}`, async () => {
          const [method, path, body] = attempt;
          const { status, body: answer } = await call(method, path, { body, as });
          equal(status, 403, JSON.stringify(answer));
          equal(answer.error.status, 'PERMISSION_DENIED');
          equal(answer.error.details[0].metadata.permission, `run.${plural}.${action}`);
        });
      }
      for (const [path, permission] of [
        [`${J}/jobs/work:run`, 'run.jobs.run'],
        [`${J}/executions/work-x:cancel`, 'run.executions.cancel'],
      ] as const) {
        it(`keep a ${as} from it: ${permission}`, async () => {
          const { status, body } = await call('POST', path, { body: {}, as });
          // A viewer sees that there is no such execution.
          if (as === 'viewer' && permission === 'run.executions.cancel') return equal(status, 404);
          deepEqual([status, body.error.details[0].metadata.permission], [403, permission]);
        });
      }
    }

    it('show a viewer everything and a stranger nothing, in this project alone', async () => {
      for (const { type } of SERVED_KINDS) {
        const list = (project: string, as: 'viewer' | 'stranger') =>
          call('GET', `/v1/projects/${project}/locations/${REGION}/${type.plural}`, { as });
        equal((await list(NAMESPACE, 'viewer')).status, 200, type.plural);
        const denied = [await list(NAMESPACE, 'stranger'), await list('kube-system', 'viewer')];
        for (const { status, body } of denied) {
          deepEqual([status, body.items], [403, undefined]);
          equal(body.error.details[0].metadata.permission, `run.${type.plural}.list`);
        }
      }
    });
  });

  describe('tokens', () => {
    const refused: Record<string, (token: string) => string | Promise<string>> = {
      'whose signature is another': (token) => `${token.slice(0, -8)}AAAAAAAA`,
      'without a signature': (token) => {
        const [, claims] = token.split('.');
        return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
      },
      'for another audience': () => tokenOf(installation, 'editor', { audiences: ['https://hello.example'] }),
      'of an account that is gone': async () => {
        const ref = { namespace: NAMESPACE, name: 'gone' };
        const { apiVersion, kind } = SERVICE_ACCOUNTS;
        await installation.client.create(SERVICE_ACCOUNTS, { apiVersion, kind, metadata: ref });
        const token = await tokenOf(installation, 'gone');
        await installation.client.delete(SERVICE_ACCOUNTS, ref);
        return token;
      },
      'that is none': () => 'abc',
    };
    for (const [name, make] of Object.entries(refused)) {
      it(`are refused: one ${name}`, async () => {
        const token = await make(installation.tokens.editor);
        const { status, body } = await call('GET', `${S}/services`, { token });
        deepEqual([status, body.error.status], [401, 'UNAUTHENTICATED']);
      });
    }
  });

  it('is one region, in which every domain may be mapped', async () => {
    const { body } = await call('GET', `/v1/projects/${NAMESPACE}/locations?pageSize=100`, { host: HOST });
    deepEqual(
      body.locations.map((each: { locationId: string }) => each.locationId),
      [REGION],
    );
    const { body: answer } = await call('GET', `/v1/projects/${NAMESPACE}/authorizeddomains`, { host: HOST });
    equal(answer.domains[0].id, '.');
  });

  describe('what gcloud asks beside Cloud Run', () => {
    const project = `/v1/projects/${NAMESPACE}`;

    it('is which APIs there are', async () => {
      const { body } = await call('GET', `${project}/services/run.googleapis.com`);
      equal(body.state, 'ENABLED');
      const enabled = await call('POST', `${project}/services/run.googleapis.com:enable`, { body: {} });
      equal(enabled.body.done, true);
      const serviceIds = ['run.googleapis.com', 'sqladmin.googleapis.com'];
      const { body: refused } = await call('POST', `${project}/services:batchEnable`, {
        body: { serviceIds },
      });
      equal(refused.error.status, 'FAILED_PRECONDITION');
    });

    it('is a repository for what is built, which there is not where builds are off', async () => {
      for (const [method, path] of [
        ['GET', 'repositories/cloud-run-source-deploy'],
        ['POST', 'repositories?repositoryId=cloud-run-source-deploy'],
      ] as const) {
        const { status, body } = await call(method, `${P}/${path}`, {
          body: method === 'POST' ? {} : undefined,
        });
        deepEqual([status, body.error.status], [501, 'UNIMPLEMENTED']);
        match(body.error.message, /builds no sources: install .*, or push an image and deploy that/);
      }
    });

    it('is the project, for those who may see it', async () => {
      for (const path of [project, `/v3/projects/${NAMESPACE}`]) {
        const { body } = await call('GET', path, { as: 'viewer' });
        equal(body.projectId, NAMESPACE);
        const denied = await call('GET', path, { as: 'stranger' });
        equal(denied.body.error.details[0].metadata.permission, 'resourcemanager.projects.get');
        equal((await call('GET', path.replace(NAMESPACE, 'kube-system'))).status, 403);
      }
      deepEqual(
        (await call('GET', '/v1/projects')).body,
        { projects: [] },
        'to list them is a right of its own',
      );
    });

    it('is service accounts', async () => {
      const accounts = `${project}/serviceAccounts`;
      const body = { accountId: 'my-robot', serviceAccount: { displayName: 'My robot' } };
      const made = await call('POST', accounts, { body });
      const email = `my-robot@${NAMESPACE}.iam.gserviceaccount.com`;
      deepEqual([made.status, made.body.email, made.body.displayName], [200, email, 'My robot']);
      for (const path of [`${accounts}/${email}`, `/v1/projects/-/serviceAccounts/${email}`])
        deepEqual((await call('GET', path)).body, made.body);
      const { body: list } = await call('GET', accounts, { as: 'viewer' });
      ok(list.accounts.some((each: { email: string }) => each.email === email));
      const denied = await call('POST', accounts, { body: { accountId: 'another-robot' }, as: 'viewer' });
      equal(denied.body.error.details[0].metadata.permission, 'iam.serviceAccounts.create');
      const { body: wrong } = await call('POST', accounts, { body: { accountId: 'X' } });
      equal(wrong.error.details[0].fieldViolations[0].field, 'accountId');
      equal((await call('DELETE', `${accounts}/${email}`)).status, 200);
      equal((await call('GET', `${accounts}/${email}`)).status, 404);
    });
  });
});
