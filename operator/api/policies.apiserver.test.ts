import { deepEqual, equal, match } from 'node:assert/strict';
import { IAM_ROLES } from '../apis/iam/roles.ts';
import { clientOf } from './testing/client.ts';
import { HOST, NAMESPACE, REGION, useApi } from './testing/installation.ts';
import { grant, installRoles, personWith } from './testing/roles.ts';

const POLICY = `/v1/projects/${NAMESPACE}/locations/${REGION}/services/hello`;
const INVOKER = { role: 'roles/run.invoker', members: ['allUsers'] };

describe('policies and logs of the Admin API on a real API server', function () {
  this.timeout(600_000);
  const installation = useApi();
  const call = clientOf(installation);

  before(async () => {
    await installRoles(installation);
    await grant(installation, 'editor', 'homerun-run.admin', 'homerun-logging.viewer');
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

  it('lets one who may set its policy turn the check of callers off, and no other', async () => {
    const names = ['run.developer', 'iam.serviceAccountUser'];
    const token = await personWith(installation, ...IAM_ROLES.filter(({ name }) => names.includes(name)));
    const path = `/v2/projects/${NAMESPACE}/locations/${REGION}/services`;
    const template = { containers: [{ image: 'gcr.io/p/app:1' }] };
    const one = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}/services/hello`;
    const { body: stored } = await call('GET', one);
    const off = { 'run.googleapis.com/invoker-iam-disabled': 'true' };
    const metadata = { ...stored.metadata, annotations: { ...stored.metadata.annotations, ...off } };
    const change = { body: { invokerIamDisabled: true } };
    const writes = {
      update: () => call('PATCH', `${path}/hello?updateMask=invokerIamDisabled`, { ...change, token }),
      replace: () => call('PUT', one, { body: { ...stored, metadata }, token }),
      create: () => call('POST', `${path}?serviceId=open`, { body: { ...change.body, template }, token }),
    };
    const refused = { status: 403, permission: 'run.services.setIamPolicy' };
    for (const [name, write] of Object.entries(writes)) {
      const { status, body } = await write();
      deepEqual({ status, permission: body.error?.details?.[0]?.metadata?.permission }, refused, name);
    }
    const other = { body: { description: 'new' }, token };
    equal((await call('PATCH', `${path}/hello?updateMask=description`, other)).status, 200);
    equal((await call('PATCH', `${path}/hello?updateMask=invokerIamDisabled`, change)).status, 200);
    // What is off already may stay so, and is not turned on by one who may not turn it off.
    equal((await call('PATCH', `${path}/hello?updateMask=description`, other)).status, 200);
    const on = { body: {}, token };
    equal((await call('PATCH', `${path}/hello?updateMask=invokerIamDisabled`, on)).status, 403);
  });

  describe('on a job', () => {
    const jobs = `/v2/projects/${NAMESPACE}/locations/${REGION}/jobs`;
    const v1 = `/apis/run.googleapis.com/v1/namespaces/${NAMESPACE}/jobs`;
    const as = 'stranger';
    const creator = `system:serviceaccount:${NAMESPACE}:stranger`;
    const overrides = { taskCount: 3 };
    const task = { template: { containers: [{ image: 'gcr.io/p/app:1' }] } };
    const run = (path: string, body: object = {}) => call('POST', `${path}:run`, { body, as });

    before(async () => {
      for (const name of ['nightly', 'other']) {
        const made = await call('POST', `${jobs}?jobId=${name}`, { body: { template: task } });
        equal(made.status, 200, JSON.stringify(made.body));
      }
      const members = [`serviceAccount:stranger@${NAMESPACE}.iam.gserviceaccount.com`];
      const policy = { bindings: [{ role: 'roles/run.invoker', members }] };
      const set = await call('POST', `${jobs}/nightly:setIamPolicy`, { body: { policy } });
      equal(set.status, 200, JSON.stringify(set.body));
    });

    it('lets an invoker run it in both versions, as the creator of the execution', async () => {
      const first = await run(`${v1}/nightly`);
      equal(first.status, 200, JSON.stringify(first.body));
      equal(first.body.metadata.annotations['run.googleapis.com/creator'], creator);
      equal(first.body.metadata.annotations['run.googleapis.com/lastModifier'], creator);
      const second = await run(`${jobs}/nightly`);
      deepEqual([second.status, second.body.metadata?.creator], [200, creator], JSON.stringify(second.body));
      const { length } = (await call('GET', `${jobs}/nightly/executions`)).body.executions;
      equal(length, 2);
      const stale = await run(`${jobs}/nightly`, { etag: '"another"' });
      deepEqual([stale.status, stale.body.error.status], [409, 'ABORTED']);
      equal((await run(`${jobs}/nightly`, { validateOnly: true })).status, 200);
      equal((await call('GET', `${jobs}/nightly/executions`)).body.executions.length, 2);
    });

    const refused: Record<string, { path: string; body?: object; permission: string }> = {
      'with overrides in v1': {
        path: `${v1}/nightly`,
        body: { overrides },
        permission: 'run.jobs.runWithOverrides',
      },
      'with overrides in v2': {
        path: `${jobs}/nightly`,
        body: { overrides },
        permission: 'run.jobs.runWithOverrides',
      },
      'another job in v1': { path: `${v1}/other`, permission: 'run.jobs.run' },
      'another job in v2': { path: `${jobs}/other`, permission: 'run.jobs.run' },
      'a job that does not exist': { path: `${v1}/none`, permission: 'run.jobs.run' },
    };
    for (const [name, { path, body, permission }] of Object.entries(refused)) {
      it(`refuses an invoker ${name}`, async () => {
        const { status, body: answer } = await run(path, body);
        deepEqual([status, answer.error?.details[0].metadata.permission], [403, permission]);
      });
    }

    it('refuses an invoker everything else with it', async () => {
      const attempts = [
        await call('GET', `${jobs}/nightly`, { as }),
        await call('DELETE', `${jobs}/nightly`, { as }),
        await call('GET', `${jobs}/nightly/executions`, { as }),
      ];
      deepEqual(
        attempts.map(({ status }) => status),
        [403, 403, 403],
      );
    });
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
