import assert from 'node:assert/strict';
import { conditionOf } from '../apis/condition.ts';
import { DOMAIN_MAPPINGS } from '../apis/domains/domainMapping/types.ts';
import { deploymentName } from '../apis/names.ts';
import { EXECUTIONS } from '../apis/run/execution/types.ts';
import { JOBS } from '../apis/run/job/types.ts';
import { WORKER_POOLS } from '../apis/run/workerPool/types.ts';
import { CONFIGURATIONS } from '../apis/serving/configuration/types.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { ROUTES } from '../apis/serving/route/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { BATCH_JOBS, CORE_SERVICES, DEPLOYMENTS } from '../kube/core.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { execution, job } from '../testing/jobs.ts';
import { PINNED, pooledRevision, revision, route, workerPool } from '../testing/serving.ts';
import { ServingProcess } from '../testing/servingProcess.ts';
import { until } from '../testing/until.ts';
import { executionController } from './execution/reconciler.ts';
import { revisionController } from './revision/reconciler.ts';
import { routeController } from './route/reconciler.ts';
import { workerPoolController } from './workerPool/reconciler.ts';

const containers = [{ image: PINNED }];

interface Case {
  reason: string;
  controllers: ConstructorParameters<typeof ServingProcess>[1];
  /** What asks for the child, and whatever else that needs; reported on the last one. */
  given: () => KubeObject[];
  subject: ResourceType;
  child: ResourceType;
  name: string;
  /** The condition that reports it, and its status. */
  condition: [type: string, status: string];
}

const CASES: Record<string, Case> = {
  "an execution's batch/v1 Job": {
    reason: 'the run waits for it to go; it must neither hang without a word nor run in its stead',
    controllers: [executionController],
    given: () => [job({ task: { containers } }), execution({ task: { containers } })],
    subject: EXECUTIONS,
    child: BATCH_JOBS,
    name: 'hello-abc',
    condition: ['Completed', 'Unknown'],
  },
  "a revision's Deployment": {
    reason: 'what a person runs under that name is not taken over',
    controllers: [revisionController],
    given: () => [revision('hello-00001-abc', { spec: { containers } })],
    subject: REVISIONS,
    child: DEPLOYMENTS,
    name: deploymentName('hello-00001-abc'),
    condition: ['Ready', 'False'],
  },
  "a worker pool's Deployment": {
    reason: 'what a person runs under that name is not taken over',
    controllers: [workerPoolController],
    given: () => {
      const pool = workerPool('queue', { spec: { containers } });
      const status = { observedGeneration: 1, latestCreatedRevisionName: 'queue-00001-abc' };
      return [pooledRevision('queue-00001-abc', { spec: { containers } }), { ...pool, status } as KubeObject];
    },
    subject: WORKER_POOLS,
    child: DEPLOYMENTS,
    name: deploymentName('queue-00001-abc'),
    condition: ['Ready', 'False'],
  },
  "a route's core Service": {
    reason: 'the name inside the cluster is another’s',
    controllers: [routeController],
    given: () => [route()],
    subject: ROUTES,
    child: CORE_SERVICES,
    name: 'hello',
    condition: ['IngressReady', 'False'],
  },
};

describe('a child whose name another object has', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    const types = [
      SERVICES,
      CONFIGURATIONS,
      ROUTES,
      REVISIONS,
      WORKER_POOLS,
      DOMAIN_MAPPINGS,
      JOBS,
      EXECUTIONS,
    ];
    server = await FakeApiServer.start({ types });
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  for (const [
    what,
    { reason, controllers, given, subject, child, name, condition: expected },
  ] of Object.entries(CASES)) {
    it(`${what} is reported, left alone, and made when the other goes: ${reason}`, async () => {
      const ref = { namespace: 'demo', name };
      const { apiVersion, kind } = child;
      const foreign = server.put({ apiVersion, kind, metadata: { ...ref }, spec: {} } as KubeObject);
      const objects = given();
      for (const object of objects) server.put(object);
      process = new ServingProcess(server, controllers);
      const asks = objects.at(-1)?.metadata;
      assert.ok(asks);
      const condition = await until('the condition', () => {
        const found = server.get(subject, asks) as { status?: { conditions?: never[] } } | undefined;
        const now = conditionOf(found?.status?.conditions, expected[0]);
        return now?.reason === 'NotOwned' && now;
      });
      assert.equal(condition.status, expected[1]);
      assert.match(condition.message ?? '', new RegExp(`${name}.* exists`));
      assert.deepEqual(server.get(child, ref), foreign);
      server.remove(child, ref);
      await until('its own', () => server.get(child, ref)?.metadata.ownerReferences);
    });
  }
});
