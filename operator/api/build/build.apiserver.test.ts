import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { parseConfig } from '../../config.ts';
import type { KubeClient } from '../../kube/client.ts';
import { BATCH_JOBS, type BatchJob, PODS, type Pod } from '../../kube/core.ts';
import { silent, until } from '../../testing/until.ts';
import { SYSTEM } from '../../webhook/testing/installation.ts';
import { type Api, startApi } from '../api.ts';
import { clientOf } from '../testing/client.ts';
import { type Gcloud, gcloudFor, HAS_GCLOUD } from '../testing/gcloud.ts';
import { gcloudTarget, HOST, NAMESPACE, REGION } from '../testing/installation.ts';
import { useReadyApi } from '../testing/readiness.ts';
import { BUILD } from './names.ts';

const BUCKET = `run-sources-${NAMESPACE}-${REGION}`;
const PLACE = `projects/${NAMESPACE}/locations/${REGION}`;
const IMAGE = `${REGION}-docker.pkg.dev/${NAMESPACE}/cloud-run-source-deploy`;
const DIGEST = `sha256:${'a'.repeat(64)}`;
const RBAC = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;

describe('builds at a real API server', function () {
  this.timeout(300_000);
  const stop = new AbortController();
  let folder: string;
  let api: Api;
  let served: Promise<void>;
  let played: Promise<void>;
  // Before the installation ends, whose clients are used.
  after(async () => {
    stop.abort();
    await Promise.all([served, played]);
    rmSync(folder, { recursive: true, force: true });
  });
  const installation = useReadyApi();
  const call = clientOf(installation);

  before(async () => {
    const { client, own } = installation;
    folder = mkdtempSync(join(tmpdir(), 'homerun-builds-'));
    await grant(client);
    const config = parseConfig({
      api: { host: HOST, storage: { folder: join(folder, 'objects') } },
      build: { enabled: true, registry: 'registry.test:5000', builder: { image: 'builder:1' } },
    });
    // Any free port.
    config.api.port = 0;
    const identity = { namespace: SYSTEM };
    api = await startApi({ config, identity, client: own, log: silent, host: '127.0.0.1' });
    served = api.run(stop.signal);
    await until('the Admin API is ready', () => api.unready() === undefined);
    played = playJobs(client, stop.signal);
  });

  const ask = (method: string, path: string, body?: unknown, as: 'editor' | 'viewer' = 'editor') =>
    call(method, path, { body, as, port: api.port });

  async function submit(name: string, form: object, as: 'editor' | 'viewer' = 'editor') {
    const upload = `/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=services/${name}/1.zip`;
    equal((await ask('POST', upload, {})).status, 200);
    const storageSource = { bucket: BUCKET, object: `services/${name}/1.zip` };
    const body = { storageSource, imageUri: `${IMAGE}/${name}`, tags: [`service_${name}`], ...form };
    return ask('POST', `/v2/${PLACE}/builds:submit`, body, as);
  }

  const operationOf = async (id: string) => (await ask('GET', `/v1/${PLACE}/operations/${id}`)).body;

  const forms: Record<string, { reason: string; form: object }> = {
    'a Dockerfile': { reason: 'BuildKit', form: { dockerBuild: {} } },
    buildpacks: {
      reason: 'the lifecycle',
      form: { buildpackBuild: { environmentVariables: { A: '$(B)' } } },
    },
  };
  for (const [name, { reason, form }] of Object.entries(forms)) {
    it(`with ${name} are Jobs and pods that the cluster takes: ${reason}`, async () => {
      const { status, body } = await submit('good', form);
      equal(status, 200, JSON.stringify(body));
      const { id } = body.buildOperation.metadata.build;
      const { error, response } = await until('the build is over', async () => {
        const operation = await operationOf(id);
        return operation.done && operation;
      });
      equal(error, undefined);
      deepEqual(response.results.images, [{ name: `${IMAGE}/good`, digest: DIGEST }]);
    });
  }

  it('are denied to who may not make Jobs, by the name of the permission', async () => {
    const { status, body } = await submit('denied', { dockerBuild: {} }, 'viewer');
    equal(status, 403);
    match(body.error.message, /^Permission 'cloudbuild\.builds\.create' denied on resource/);
  });

  it('are cancelled by a deadline that ends their Job', async () => {
    const { body } = await submit('endless', { dockerBuild: {} });
    const { id } = body.buildOperation.metadata.build;
    const denied = await ask('POST', `/v1/${PLACE}/builds/${id}:cancel`, {}, 'viewer');
    match(denied.body.error.message, /^Permission 'cloudbuild\.builds\.update' denied/);
    const cancelled = await ask('POST', `/v1/${PLACE}/builds/${id}:cancel`, {});
    deepEqual([cancelled.status, cancelled.body.status], [200, 'CANCELLED']);
    const job = await installation.client.get(BATCH_JOBS, { namespace: NAMESPACE, name: `build-${id}` });
    equal(job?.spec?.activeDeadlineSeconds, 1);
  });

  // Elsewhere the same requests are made in part.test.ts.
  if (!HAS_GCLOUD) return;

  describe('as gcloud asks for them', () => {
    let gcloud: Gcloud;
    before(() => {
      gcloud = gcloudFor({ ...gcloudTarget(installation), port: api.port });
    });
    after(() => gcloud?.remove());

    function source(name: string, file: string): string {
      const made = join(folder, name);
      mkdirSync(made, { recursive: true });
      writeFileSync(join(made, file), 'FROM scratch\n');
      return made;
    }

    const deploy = (name: string, file: string) =>
      gcloud.run([
        'run',
        'deploy',
        name,
        `--source=${source(name, file)}`,
        '--no-allow-unauthenticated',
        '--quiet',
      ]);

    for (const [name, file] of [
      ['with-docker', 'Dockerfile'],
      ['with-packs', 'package.json'],
    ] as const) {
      it(`run deploy --source deploys the image that was built from a ${file}`, async () => {
        const { code, text } = await deploy(name, file);
        equal(code, 0, text);
        match(text, /has been deployed and is serving/);
        const service = await installation.client.get(SERVICES, { namespace: NAMESPACE, name });
        equal(service?.spec.template.spec.containers[0]?.image, `${IMAGE}/${name}@${DIGEST}`);
      });
    }

    it('run jobs deploy --source makes a job of the image', async () => {
      const from = `--source=${source('job', 'Dockerfile')}`;
      const { code, text } = await gcloud.run(['run', 'jobs', 'deploy', 'built-job', from, '--quiet']);
      equal(code, 0, text);
      match(text, /built-job/);
    });

    it('run deploy --source of a build that fails shows its last lines', async () => {
      const { code, text } = await deploy('failing', 'Dockerfile');
      equal(code, 1);
      match(text, /npm ERR! missing script: build/);
    });

    it('builds list, describe and cancel', async () => {
      const { body } = await submit('endless', { dockerBuild: {} });
      const { id } = body.buildOperation.metadata.build;
      const listed = await gcloud.run(['builds', 'list', `--region=${REGION}`]);
      ok(listed.text.includes(id), listed.text);
      const described = await gcloud.run(['builds', 'describe', id, `--region=${REGION}`]);
      match(described.text, /status: (QUEUED|WORKING)/);
      const cancelled = await gcloud.run(['builds', 'cancel', id, `--region=${REGION}`]);
      equal(cancelled.code, 0, cancelled.text);
    });
  });
});

/** What an editor of the namespace has besides what the installation gives: sources, and logs of pods. */
async function grant(client: KubeClient): Promise<void> {
  const metadata = { name: 'builders' };
  const rules = [
    {
      apiGroups: ['storage.googleapis.com'],
      resources: ['buckets', 'objects'],
      verbs: ['create', 'get', 'list'],
    },
    { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  ];
  const subjects = ['editor', 'viewer'].map((name) => ({
    kind: 'ServiceAccount',
    name,
    namespace: NAMESPACE,
  }));
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name };
  await client.request('POST', `${RBAC}/roles`, { body: { metadata, rules } });
  await client.request('POST', `${RBAC}/rolebindings`, { body: { metadata, subjects, roleRef } });
}

/** Makes a pod for each Job of a build, which ends as the tag of its service says. */
async function playJobs(client: KubeClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { items } = await client.list(BATCH_JOBS, { namespace: NAMESPACE, labelSelector: BUILD.id });
    const pods = await client.list(PODS, { namespace: NAMESPACE, labelSelector: BUILD.id });
    for (const job of items) {
      if (!pods.items.some(({ metadata }) => metadata.name === `${job.metadata.name}-x`))
        await play(client, job);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function play(client: KubeClient, job: BatchJob): Promise<void> {
  const { name, namespace, uid = '', annotations = {} } = job.metadata;
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true };
  const { metadata, spec } = job.spec?.template ?? {};
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: `${name}-x`, namespace, ownerReferences: [owner] },
    // As admission fills it in, which has no part here.
    spec: { ...spec, serviceAccountName: 'default' },
  } as unknown as Pod;
  await client.create(PODS, pod);
  const status = statusOf(annotations[BUILD.request] ?? '');
  await client.mergePatch(PODS, pod.metadata, { status }, { subresource: 'status' });
}

function statusOf(request: string): object {
  const status = (phase: string, state: object) => ({
    phase,
    startTime: '2026-01-01T00:00:01Z',
    containerStatuses: [{ name: 'build', image: 'b', imageID: '', ready: false, restartCount: 0, state }],
  });
  const ended = { startedAt: '2026-01-01T00:00:01Z', finishedAt: '2026-01-01T00:00:09Z' };
  if (request.includes('service_endless'))
    return status('Running', { running: { startedAt: ended.startedAt } });
  if (request.includes('service_failing')) {
    const message = 'npm ERR! missing script: build';
    return status('Failed', { terminated: { exitCode: 1, message, ...ended } });
  }
  return status('Succeeded', {
    terminated: { exitCode: 0, message: `"containerimage.digest": "${DIGEST}"`, ...ended },
  });
}
