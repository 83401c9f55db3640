import assert from 'node:assert/strict';
import { RUN } from '../apis/labels.ts';
import { isComplete } from '../apis/run/execution/fromJob.ts';
import { EXECUTIONS, type Execution } from '../apis/run/execution/types.ts';
import { JOBS, type Job } from '../apis/run/job/types.ts';
import { WORKER_POOLS } from '../apis/run/workerPool/types.ts';
import { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/types.ts';
import { executionController } from '../reconcilers/execution/reconciler.ts';
import { freePort } from '../testing/freePort.ts';
import { ServingProcess } from '../testing/servingProcess.ts';
import { until } from '../testing/until.ts';
import { CONFIGURATIONS } from './certificates/caBundle.ts';
import { NAMESPACE, post, ready, register, rejectionOf, useInstallation } from './testing/installation.ts';
import { OPERATOR, objectOf } from './testing/requests.ts';

const [LOOKUP] = CONFIGURATIONS as [(typeof CONFIGURATIONS)[number]];

const inNamespace = <T extends KubeObject>(object: KubeObject, name: string): T =>
  ({ ...object, metadata: { ...object.metadata, name, namespace: NAMESPACE } }) as T;
const WRITTEN = objectOf(`metadata: {labels: {${RUN.job}: load}}`, 'Execution');
const JOB = objectOf(
  'spec: {template: {spec: {taskCount: 3, template: {spec: {containers: [{image: app}]}}}}}',
  'Job',
);
const POOL = (revisionName: string) =>
  objectOf(
    `spec: {template: {spec: {containers: [{image: app}]}}, instanceSplits: [{revisionName: ${revisionName}, percent: 100}]}`,
    'WorkerPool',
  );

describe('admission where API servers get no answer about what an object refers to', () => {
  const cluster = useInstallation();
  let controller: ServingProcess;

  before(async () => {
    await cluster.client.create(JOBS, inNamespace<Job>(JOB, 'load'));
    const { connection } = cluster.server;
    const headers = () => ({
      ...connection.headers(),
      'impersonate-user': OPERATOR,
      'impersonate-group': 'system:masters',
    });
    const client = new KubeClient({ ...connection, headers });
    controller = new ServingProcess({ client }, [executionController]);
  });
  after(() => controller?.stop());

  const CASES: Record<string, { reason: string; arrange: () => Promise<unknown> }> = {
    'nobody is asked': {
      reason: 'the chart of a version before has no webhook for that',
      arrange: () => cluster.client.delete(LOOKUP.type, { name: LOOKUP.name }),
    },
    'nobody answers': {
      reason: 'a replica of a version before does not know the path',
      arrange: async () => {
        const { type, name } = LOOKUP;
        const live = await cluster.client.get(type, { name });
        for (const { clientConfig } of live?.webhooks ?? [])
          if (clientConfig.service) clientConfig.service.port = await freePort();
        if (live) await cluster.client.replace(type, live);
      },
    },
  };
  for (const [name, { reason, arrange }] of Object.entries(CASES)) {
    describe(`${name}: ${reason}`, () => {
      const suffix = name.replaceAll(' ', '-');
      before(async () => {
        await arrange();
        const asked = inNamespace<Execution>(WRITTEN, 'asked');
        await until('the API server knows', async () => {
          const { status, body } = await post(cluster.server, asked, '?dryRun=All');
          return status === 201 && body.spec === undefined;
        });
      });
      after(async () => {
        await cluster.client.delete(LOOKUP.type, { name: LOOKUP.name }).catch(() => undefined);
        await register(cluster.server, cluster.port);
        await ready(cluster.replica);
      });

      it('stores an execution as it was written, and the controller fills it in', async () => {
        const job = await cluster.client.get(JOBS, { namespace: NAMESPACE, name: 'load' });
        const written = inNamespace<Execution>(WRITTEN, suffix);
        const { status, warnings, body: stored } = await post(cluster.server, written);
        assert.deepEqual([status, warnings], [201, []]);
        assert.equal(stored.spec, undefined);
        assert.doesNotMatch(JSON.stringify(stored), /lookup/, 'the path that was not answered is not named');
        assert.equal(stored.metadata.annotations?.['run.googleapis.com/creator'], 'admin');
        const filled = await until('it is filled in', async () => {
          const now = await cluster.client.get(EXECUTIONS, stored.metadata);
          return now && isComplete(now) && now;
        });
        assert.equal(filled.spec.taskCount, 3);
        assert.equal(filled.metadata.ownerReferences?.[0]?.uid, job?.metadata.uid);
        assert.equal(filled.metadata.annotations?.['run.googleapis.com/creator'], 'admin');
      });

      it('leaves it to the controller whether a worker pool has the revision of a split', async () => {
        const pool = (revision: string) => inNamespace(POOL(`pool-${suffix}-${revision}`), `pool-${suffix}`);
        await cluster.client.create(WORKER_POOLS, pool('a') as never);
        const other = inNamespace(POOL('other-a'), `other-${suffix}`);
        const { message } = await rejectionOf(cluster.client.create(WORKER_POOLS, other as never));
        assert.match(message, /revisionName: is "other-a"; it must be/);
      });
    });
  }

  it('tells whoever asked nothing of the path', async () => {
    const written = objectOf(`metadata: {labels: {${RUN.job}: nowhere}}`, 'Execution');
    const { message, details } = await rejectionOf(
      cluster.client.create(EXECUTIONS, inNamespace<Execution>(written, 'lost')),
    );
    assert.match(message, /"lookup\.homerun\.dev" denied the request: .* is "nowhere"; there is no such job/);
    assert.doesNotMatch(message + JSON.stringify(details), /[0-9a-f]{64}/);
  });
});
