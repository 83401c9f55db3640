import assert from 'node:assert/strict';
import { EXECUTIONS } from '../apis/run/execution/types.ts';
import { JOBS } from '../apis/run/job/types.ts';
import { WORKER_POOLS } from '../apis/run/workerPool/types.ts';
import { CONFIGURATIONS } from '../apis/serving/configuration/types.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { ROUTES } from '../apis/serving/route/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { BATCH_JOBS, type BatchJob, type CoreService, DEPLOYMENTS, type Deployment } from '../kube/core.ts';
import { FakeApiServer, Rejection } from '../testing/fakeApiServer.ts';
import { execution, job } from '../testing/jobs.ts';
import { PINNED, pooledRevision, revision, workerPool } from '../testing/serving.ts';
import { ServingProcess } from '../testing/servingProcess.ts';
import { until } from '../testing/until.ts';
import { executionController } from './execution/reconciler.ts';
import type { Sources } from './informers.ts';
import { revisionController } from './revision/reconciler.ts';
import { workerPoolController } from './workerPool/reconciler.ts';

/** Reads a store that no controller has declared: the compiler says no. */
// @ts-expect-error Property 'store' does not exist
export const undeclared = (sources: Sources) => sources.coreServices.store;

const containers = [{ image: PINNED }];

describe('a controller that has just taken over', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    const types = [SERVICES, CONFIGURATIONS, ROUTES, REVISIONS, WORKER_POOLS, JOBS, EXECUTIONS];
    server = await FakeApiServer.start({ types });
    server.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'homerun-metadata', namespace: 'homerun-system' },
      spec: { clusterIP: '10.0.0.53' },
    } as CoreService);
    // The first list of core Services comes later than all others.
    const isMeant = ({ method, path }: { method: string; path: string }) =>
      method === 'GET' && path === '/api/v1/services';
    server.failNext(new Rejection(503, 'ServiceUnavailable', 'busy'), isMeant, 2);
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  const addressOf = (object: Deployment | BatchJob | undefined) =>
    object?.spec?.template.spec?.hostAliases?.[0]?.ip;

  it('starts no task before it knows where the metadata server is', async () => {
    server.put(job({ task: { containers } }));
    server.put(execution({ task: { containers } }));
    process = new ServingProcess(server, [executionController]);
    const made = await until('the Job', () => server.list(BATCH_JOBS)[0]);
    assert.equal(addressOf(made), '10.0.0.53');
  });

  it('starts no worker before it knows where the metadata server is', async () => {
    const pool = workerPool('queue', { spec: { containers } });
    server.put({ ...pool, status: { observedGeneration: 1, latestCreatedRevisionName: 'queue-00001-abc' } });
    server.put(pooledRevision('queue-00001-abc', { spec: { containers } }));
    process = new ServingProcess(server, [workerPoolController]);
    const made = await until('the Deployment', () => server.list(DEPLOYMENTS)[0]);
    assert.equal(addressOf(made), '10.0.0.53');
  });

  it('starts no instance before it knows where the metadata server is', async () => {
    server.put(revision('hello-00001-abc', { spec: { containers } }));
    process = new ServingProcess(server, [revisionController]);
    const made = await until('the Deployment', () => server.list(DEPLOYMENTS)[0]);
    assert.equal(addressOf(made), '10.0.0.53');
  });
});
