import assert from 'node:assert/strict';
import { RUN, SERVING } from '../apis/labels.ts';
import { JOBS } from '../apis/run/job/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import type { KubeObject } from '../kube/types.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { fakeLog } from '../testing/fakeLogs.ts';
import { serveHandlers } from './testing/handlersServer.ts';

const LOCATION = '/v1/projects/demo/locations/local';
const GCLOUD = { 'user-agent': 'google-cloud-sdk gcloud/528.0.0 command/gcloud.run.services.logs.read' };
const READ = '?alt=json&options.requestedPolicyVersion=3';

/** A pod with one container whose log has these lines. */
function pod(name: string, labels: Record<string, string>): KubeObject {
  const startedAt = '2026-11-29T20:00:00Z';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'demo', name, labels },
    status: { containerStatuses: [{ name: 'web', state: { running: { startedAt } } }] },
  } as KubeObject;
}

// The bodies are those that gcloud 528 was seen to send.
describe('requests of gcloud', () => {
  let fake: FakeApiServer;
  let server: Awaited<ReturnType<typeof serveHandlers>>;

  before(async () => {
    fake = await FakeApiServer.start({ types: [SERVICES, JOBS] });
    server = await serveHandlers(fake.client);
    for (const [type, name] of [
      [SERVICES, 'hello'],
      [JOBS, 'j'],
    ] as const) {
      const { apiVersion, kind } = type;
      fake.put({ apiVersion, kind, metadata: { namespace: 'demo', name } });
    }
    fake.put(pod('hello-1', { [SERVING.service]: 'hello', [SERVING.revision]: 'hello-00001-abc' }));
    fake.put(pod('j-0', { [RUN.job]: 'j', [RUN.execution]: 'j-x1' }));
    const json = '{"severity":"ERROR","message":"it broke","code":7}';
    fake.logs.set(
      'demo/hello-1/web',
      fakeLog('2026-11-29T20:00:01.5Z first line', `2026-11-29T20:00:02.5Z ${json}`),
    );
    fake.logs.set('demo/j-0/web', fakeLog('2026-11-29T20:00:03Z task done'));
  });

  after(async () => {
    await server.close();
    await fake.close();
  });

  async function send(method: string, path: string, body?: unknown) {
    const headers = { ...GCLOUD, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
    // biome-ignore lint/suspicious/noExplicitAny: an answer over the wire.
    return { status: answer.status, body: (await answer.json()) as any };
  }

  const policies: Record<
    string,
    [resource: string, read: [method: string, query: string, body?: object], binding: object]
  > = {
    'gcloud run services add-iam-policy-binding': [
      `${LOCATION}/services/hello`,
      ['GET', READ],
      { members: ['allUsers'], role: 'roles/run.invoker' },
    ],
    'gcloud run jobs add-iam-policy-binding': [
      `${LOCATION}/jobs/j`,
      ['GET', '?alt=json'],
      { members: ['serviceAccount:ci@demo.iam.gserviceaccount.com'], role: 'roles/run.invoker' },
    ],
    'gcloud projects add-iam-policy-binding': [
      '/v1/projects/demo',
      ['POST', '?alt=json', { options: { requestedPolicyVersion: 3 } }],
      { members: ['user:ann@example.com'], role: 'roles/run.viewer' },
    ],
  };
  for (const [command, [resource, [method, query, body], binding]] of Object.entries(policies)) {
    it(`answers ${command}, and the removal`, async () => {
      const get = () => send(method, `${resource}:getIamPolicy${query}`, body);
      const set = (policy: object) => send('POST', `${resource}:setIamPolicy?alt=json`, { policy });
      const before = await get();
      assert.deepEqual(before.body, { version: 1, etag: 'ACAB', bindings: [] });
      const added = await set({ bindings: [binding], etag: before.body.etag, version: 3 });
      assert.deepEqual(added.body.bindings, [binding]);
      assert.deepEqual((await get()).body, added.body);
      const stale = await set({ bindings: [], etag: before.body.etag, version: 3 });
      assert.deepEqual([stale.status, stale.body.error.status], [409, 'ABORTED']);
      assert.deepEqual((await set({ etag: added.body.etag, version: 3 })).body, before.body);
    });
  }

  it('answers gcloud run deploy, which asks whether it may open a service', async () => {
    const permissions = ['run.services.setIamPolicy'];
    const { body } = await send('POST', `${LOCATION}/services/new:testIamPermissions?alt=json`, {
      permissions,
    });
    assert.deepEqual(body, { permissions });
  });

  const logs: Record<string, [filter: string, texts: (string | undefined)[]]> = {
    'gcloud run services logs read': [
      'resource.type = cloud_run_revision \n AND resource.labels.service_name = hello \n AND resource.labels.location = local \n AND severity >= DEFAULT \n AND timestamp>="2026-11-28T20:05:35.000000Z"',
      ['it broke', 'first line'],
    ],
    'gcloud run jobs logs read': [
      'resource.type = cloud_run_job \n AND resource.labels.job_name = j \n AND resource.labels.location = local \n AND severity >= DEFAULT \n AND timestamp>="2026-11-28T20:05:35.000000Z"',
      ['task done'],
    ],
    'gcloud logging read': [
      'timestamp>="2026-11-28T20:01:07.535158Z" AND resource.labels.service_name=hello AND severity>=ERROR',
      ['it broke'],
    ],
  };
  for (const [command, [filter, texts]] of Object.entries(logs)) {
    it(`answers ${command}`, async () => {
      const request = { filter, orderBy: 'timestamp desc', pageSize: 20, resourceNames: ['projects/demo'] };
      const { body } = await send('POST', '/v2/entries:list?alt=json', request);
      assert.deepEqual(
        body.entries.map(({ textPayload }: { textPayload?: string }) => textPayload),
        texts,
      );
    });
  }

  it('says what is wrong in the body of an error, as Google does', async () => {
    const { status, body } = await send('POST', '/v2/entries:list?alt=json', {
      filter: 'service_name=hello',
      resourceNames: ['projects/demo'],
    });
    assert.deepEqual([status, body.error.code, body.error.status], [400, 400, 'INVALID_ARGUMENT']);
    assert.equal(body.error.details[0].fieldViolations[0].field, 'filter');
  });
});
