import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../config.ts';
import { BATCH_JOBS, type BatchJob, type Pod } from '../../kube/core.ts';
import { FakeApiServer, Rejection } from '../../testing/fakeApiServer.ts';
import { fakeLog } from '../../testing/fakeLogs.ts';
import { silent } from '../../testing/until.ts';
import type { ApiContext } from '../context.ts';
import { OPERATIONS } from '../operations/routes.ts';
import { createApp, type RestApp } from '../server/app.ts';
import { type Listener, startListener } from '../server/listener.ts';
import { FileStore } from '../storage/fileStore.ts';
import { V2 } from '../v2/part.ts';
import { LONGEST_LOG } from './log.ts';
import { BUILDS } from './part.ts';

const BUCKET = 'run-sources-demo-local-cluster1';
const PLACE = 'projects/demo/locations/local-cluster1';
const IMAGE = 'local-cluster1-docker.pkg.dev/demo/cloud-run-source-deploy/hello';
const NAME = 'services/hello/1.zip';
const DIGEST = `sha256:${'a'.repeat(64)}`;
const build = { enabled: true, registry: 'registry.test:5000' };
const submission = {
  storageSource: { bucket: BUCKET, object: NAME },
  imageUri: IMAGE,
  dockerBuild: {},
  tags: ['service_hello'],
};

describe('builds over REST', () => {
  let server: FakeApiServer;
  let root: string;
  let store: FileStore;
  let app: RestApp;
  let listener: Listener;

  async function start(settings: object): Promise<void> {
    const context = {
      config: parseConfig({ build: settings }),
      authentication: { personOf: async () => ({ name: 'ada', groups: [] }) },
      clientOf: () => server.client,
      resourcesOf: () => ({}),
      projects: { of: async (id: string) => ({ id, number: '12' }) },
      objects: store,
      log: silent,
      now: () => Date.parse('2026-01-01T00:00:00Z'),
    } as unknown as ApiContext;
    app = await createApp(context, [BUILDS, OPERATIONS, V2]);
    listener = await startListener({ port: 0, host: '127.0.0.1', plainHttp: true, rest: app.answer });
  }

  async function stop(): Promise<void> {
    await listener.close(0);
    await app.close();
  }

  beforeEach(async () => {
    server = await FakeApiServer.start();
    root = await mkdtemp(join(tmpdir(), 'builds-'));
    store = new FileStore(root, { objectBytes: 1000, bucketBytes: 1000 }, () => 1);
    await store.put({ bucket: BUCKET, name: NAME, contentType: 'application/zip' }, bytes());
    await start(build);
  });
  afterEach(async () => {
    await stop();
    await server.close();
    await rm(root, { recursive: true });
  });

  async function* bytes() {
    yield Buffer.from('x');
  }

  async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, {
      method,
      headers: { authorization: 'Bearer ada', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  }

  const submit = (body: object = submission) => ask('POST', `/v2/${PLACE}/builds:submit`, body);
  const operation = (id: string) => ask('GET', `/v1/${PLACE}/operations/${id}`);

  async function submitted(): Promise<{ id: string; job: BatchJob }> {
    const { json } = await submit();
    const { id } = json.buildOperation.metadata.build;
    const job = server.list(BATCH_JOBS).find(({ metadata }) => metadata.name === `build-${id}`);
    ok(job);
    return { id, job };
  }

  /** As the kubelet reports the container that builds. */
  function play({ metadata }: BatchJob, state: object, phase = 'Running'): void {
    const { name, namespace, uid = '', labels } = metadata;
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid };
    const status = (name: string, state: object) => ({ name, state });
    server.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-x`, namespace, labels, ownerReferences: [owner] },
      status: {
        phase,
        startTime: '2026-01-01T00:00:01Z',
        initContainerStatuses: [status('homerun-source', { terminated: { exitCode: 0 } })],
        containerStatuses: [status('build', state)],
      },
    } as unknown as Pod);
  }

  it('are submitted by Cloud Run and waited for at Cloud Build', async () => {
    const { status, json } = await submit();
    equal(status, 200);
    const { name, metadata, done } = json.buildOperation;
    const { id } = metadata.build;
    equal(metadata['@type'], 'type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata');
    deepEqual([name, done], [`${PLACE}/operations/${id}`, undefined]);
    deepEqual([metadata.build.name, metadata.build.status], [`${PLACE}/builds/${id}`, 'QUEUED']);
    const [job] = server.list(BATCH_JOBS);
    ok(job);
    const [source] = job.spec?.template.spec?.initContainers ?? [];
    ok(
      source?.args?.includes(
        `--source=gs://${BUCKET}/${NAME}#${metadata.build.source.storageSource.generation}`,
      ),
    );
    play(job, { running: {} });
    equal((await operation(id)).json.metadata.build.status, 'WORKING');
    play(job, { terminated: { exitCode: 0, message: `"containerimage.digest": "${DIGEST}"` } }, 'Succeeded');
    const over = (await operation(id)).json;
    deepEqual([over.done, over.response.status], [true, 'SUCCESS']);
    deepEqual(over.response.results.images, [{ name: IMAGE, digest: DIGEST }]);
  });

  it('that fail say their last lines', async () => {
    const { id, job } = await submitted();
    play(job, { terminated: { exitCode: 1, message: 'npm ERR! missing script: build' } }, 'Failed');
    const { done, error } = (await operation(id)).json;
    deepEqual([done, error.code], [true, 9]);
    match(error.message, /npm ERR! missing script: build/);
  });

  it('are cancelled, once', async () => {
    const { id, job } = await submitted();
    const cancelled = await ask('POST', `/v1/projects/demo/builds/${id}:cancel`, {});
    deepEqual([cancelled.status, cancelled.json.status], [200, 'CANCELLED']);
    equal(server.get(BATCH_JOBS, job.metadata as never)?.spec?.activeDeadlineSeconds, 1);
    const again = await ask('POST', `/v1/projects/demo/builds/${id}:cancel`, {});
    equal(again.json.error.status, 'FAILED_PRECONDITION');
    match(again.json.error.message, /is over \(CANCELLED\)/);
  });

  it('are cancelled though their Job changes meanwhile', async () => {
    const { id } = await submitted();
    server.failNext(new Rejection(409, 'Conflict', 'it has changed'), ({ method }) => method === 'PATCH', 2);
    equal((await ask('POST', `/v1/${PLACE}/builds/${id}:cancel`, {})).json.status, 'CANCELLED');
  });

  it('are listed in pages, the newest first', async () => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await submitted()).id);
    const first = (await ask('GET', '/v1/projects/demo/locations/global/builds?pageSize=2')).json;
    const second = (
      await ask(
        'GET',
        `/v1/projects/demo/locations/global/builds?pageSize=2&pageToken=${first.nextPageToken}`,
      )
    ).json;
    const shown = [...first.builds, ...second.builds].map(({ id }: { id: string }) => id);
    deepEqual([first.builds.length, second.nextPageToken, [...shown].sort()], [2, undefined, ids.sort()]);
    const wrong = await ask('GET', '/v1/projects/demo/builds?pageSize=x');
    match(wrong.json.error.message, /pageSize: is "x"/);
  });

  it('have a log that is read on from a byte', async () => {
    const { id, job } = await submitted();
    const path = `/${BUCKET}/log-${id}.txt`;
    const from = (byte: number) => ask('GET', path, undefined, { range: `bytes=${byte}-` });
    equal((await from(0)).status, 404, 'it has not begun');
    server.logs.set(`demo/build-${id}-x/homerun-source`, fakeLog('Unpacked 3 files, 10 bytes.'));
    server.logs.set(`demo/build-${id}-x/build`, fakeLog('#1 transferring context'));
    play(job, { running: {} });
    const begun = 'Unpacked 3 files, 10 bytes.\n#1 transferring context\n';
    deepEqual([(await from(0)).status, (await from(0)).text], [200, begun]);
    equal((await from(begun.length)).status, 416, 'there is no more');
    server.logs.set(`demo/build-${id}-x/build`, fakeLog('#1 transferring context', '#2 done'));
    play(job, { terminated: { exitCode: 1, message: '#2 done' } }, 'Failed');
    const rest = await from(begun.length);
    deepEqual([rest.status, rest.text], [206, '#2 done\nERROR: The build ended with exit code 1.\n']);
    const length = begun.length + rest.text.length;
    equal(rest.headers.get('content-range'), `bytes ${begun.length}-${length - 1}/${length}`);
  });

  it('have a log that is cut, with a line that says so', async () => {
    const { id, job } = await submitted();
    const lineAt = () => 'x'.repeat(1023);
    server.logs.set(`demo/build-${id}-x/build`, { count: (LONGEST_LOG >> 10) + 50, lineAt });
    server.logs.set(`demo/build-${id}-x/homerun-source`, fakeLog());
    play(job, { running: {} });
    const { text } = await ask('GET', `/${BUCKET}/log-${id}.txt`);
    match(text.slice(LONGEST_LOG), /^\n\[The log is longer than 4 MiB: the rest is not shown\.\]\n$/);
    ok(server.logBytes <= LONGEST_LOG, 'no more is read than is shown');
  });

  it('go to repositories that are all there', async () => {
    const path = `/v1/${PLACE}/repositories`;
    const found = await ask('GET', `${path}/cloud-run-source-deploy`);
    deepEqual([found.status, found.json.format], [200, 'DOCKER']);
    equal(
      (await ask('POST', `${path}?repositoryId=mine`, { format: 'DOCKER' })).json.error.status,
      'ALREADY_EXISTS',
    );
    equal((await ask('GET', `${path}/A..B`)).status, 404);
  });

  it('run as the account that Cloud Build would have', async () => {
    const { json } = await ask('GET', `/v1/${PLACE}/defaultServiceAccount`);
    equal(json.serviceAccountEmail, 'projects/demo/serviceAccounts/12@cloudbuild.gserviceaccount.com');
  });

  const refusals: Record<string, { reason: string; body: object; status: string; message: RegExp }> = {
    'a source that is not there': {
      reason: 'its build would fail later',
      body: { ...submission, storageSource: { bucket: BUCKET, object: 'other' } },
      status: 'NOT_FOUND',
      message: /No such object: gs:\/\/run-sources-demo-local-cluster1\/other/,
    },
    'a source without a Dockerfile': {
      reason: 'the chart has no builder',
      body: { ...submission, dockerBuild: undefined, buildpackBuild: {} },
      status: 'FAILED_PRECONDITION',
      message: /no builder for sources without a Dockerfile: add a Dockerfile, or install/,
    },
    'an image of another project': {
      reason: 'it would be replaced',
      body: { ...submission, imageUri: IMAGE.replace('demo', 'other') },
      status: 'INVALID_ARGUMENT',
      message: /imageUri: is ".*"; it must be local-cluster1-docker\.pkg\.dev\/PROJECT/,
    },
  };
  for (const [name, { reason, body, status, message }] of Object.entries(refusals)) {
    it(`are refused with ${name}: ${reason}`, async () => {
      const { json } = await submit(body);
      equal(json.error.status, status);
      match(json.error.message, message);
      equal(server.list(BATCH_JOBS).length, 0);
    });
  }

  it('that do not exist, or not any more, are not found', async () => {
    const id = '11111111-2222-4333-8444-555555555555';
    for (const path of [
      `/v1/${PLACE}/builds/${id}`,
      `/v1/${PLACE}/operations/${id}`,
      `/${BUCKET}/log-${id}.txt`,
    ]) {
      equal((await ask('GET', path)).status, 404, path);
    }
    equal((await ask('GET', `/v1/${PLACE}/builds/x`)).status, 404);
  });

  it('are denied by the name of the permission', async () => {
    const denied = new Rejection(
      403,
      'Forbidden',
      'jobs.batch is forbidden: User "ada" cannot create resource "jobs"',
    );
    server.failNext(denied, ({ method, path }) => method === 'POST' && path.endsWith('/jobs'));
    const { json } = await submit();
    match(json.error.message, /^Permission 'cloudbuild\.builds\.create' denied on resource 'projects\/demo'/);
  });

  it('are not there where the chart has them turned off', async () => {
    await stop();
    await start({});
    for (const { status, json } of [
      await submit(),
      await ask('GET', `/v1/${PLACE}/repositories/cloud-run-source-deploy`),
    ]) {
      equal(status, 501);
      match(json.error.message, /builds no sources: install Homerun with build\.enabled=true/);
    }
  });
});
