import { deepEqual } from 'node:assert/strict';
import { parse } from 'yaml';
import type { Condition } from '../../operator/apis/condition.ts';
import { RUN } from '../../operator/apis/labels.ts';
import { EXECUTIONS } from '../../operator/apis/run/execution/types.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import { WORKER_POOLS } from '../../operator/apis/run/workerPool/types.ts';
import { SERVICES } from '../../operator/apis/serving/service/types.ts';
import type { KubeObject, ResourceType } from '../../operator/kube/types.ts';
import { NAMESPACE } from '../../operator/webhook/testing/installation.ts';
import { HEALTH, READY_SERVICE, ready } from '../lib/gitops/health.ts';
import { sample } from '../lib/gitops/shop.ts';
import { SPEC } from './page.ts';
import { SOURCE } from './source.ts';
import { useFlux } from './suite.ts';

/** kstatus' words, and Unknown where an expression cannot be evaluated; Flux waits for InProgress and Unknown. */
type Status = 'InProgress' | 'Current' | 'Failed' | 'Unknown';

/** An object whose controller says this of it, and what Flux shall make of that. */
interface Row {
  kind: string;
  conditions?: Condition[];
  /** Whether these are said of what it was before its last change. */
  isOld?: boolean;
  status: Status;
}

const STATUS = { Progressing: 'InProgress', Healthy: 'Current', Degraded: 'Failed' } as const;

/** With the checks of the page. */
const WITH_CHECKS: Record<string, Row> = {
  ...Object.fromEntries(
    Object.entries(HEALTH).map(([name, { kind, conditions, health }]) => [
      name,
      { kind, conditions, status: conditions ? STATUS[health] : 'Unknown' },
    ]),
  ),
  'a service whose change has not been observed': {
    kind: 'Service',
    conditions: READY_SERVICE,
    isOld: true,
    status: 'InProgress',
  },
  'a job whose change has not been observed': {
    kind: 'Job',
    conditions: ready('Ready'),
    isOld: true,
    status: 'InProgress',
  },
};

/** With what Flux thinks of any kind. */
const WITHOUT_CHECKS: Record<string, Row> = {
  'a service that is new': { kind: 'Service', status: 'Current' },
  'a service that rolls out': { ...row('a service that rolls out'), status: 'InProgress' },
  'a service that failed': { ...row('a service that failed'), status: 'InProgress' },
  'an execution that runs': { ...row('an execution that runs'), status: 'Current' },
  'an execution that failed': { ...row('an execution that failed'), status: 'Current' },
};

function row(name: string): Row {
  const found = WITH_CHECKS[name];
  if (!found) throw new Error(`there is no case "${name}"`);
  return found;
}

const JOB = parse(sample('job'));
const KINDS: Record<string, [ResourceType, KubeObject]> = {
  Service: [SERVICES, parse(sample('hello').replace('name: hello-v1', 'labels: {}'))],
  Job: [JOBS, JOB],
  Execution: [
    EXECUTIONS,
    {
      apiVersion: EXECUTIONS.apiVersion,
      kind: EXECUTIONS.kind,
      metadata: { name: '', labels: { [RUN.job]: JOB.metadata.name } },
    },
  ],
  WorkerPool: [WORKER_POOLS, parse(sample('worker-pool'))],
};

describe("Flux's view of health", function () {
  this.timeout(120_000);
  const suite = useFlux();
  let shown: Map<Row, Status>;
  let revision = '';

  before(async () => {
    // Conditions are said here.
    await suite.stopHomerun();
    revision = await suite.source.publish(
      await suite.repository.commit('Begin', { 'empty/README.md': 'Nothing.' }),
    );
    await suite.cluster.client.create(JOBS, { ...JOB, metadata: { ...JOB.metadata, namespace: NAMESPACE } });
    const rows = [
      ...Object.values(WITH_CHECKS).map((row) => ({ row, checks: SPEC.healthCheckExprs })),
      ...Object.values(WITHOUT_CHECKS).map((row) => ({ row, checks: [] })),
    ];
    const statuses = await Promise.all(
      rows.map(async ({ row, checks }, i) => [row, await statusOf(row, `case-${i}`, checks)] as const),
    );
    shown = new Map(statuses);
  });

  async function statusOf(row: Row, name: string, healthCheckExprs: object[]): Promise<Status> {
    const object = await make(row, name);
    await suite.kustomizations.create(name, {
      sourceRef: { kind: 'GitRepository', name: SOURCE.name },
      path: './empty',
      prune: true,
      interval: '1h',
      timeout: '30s',
      healthChecks: [{ apiVersion: object.apiVersion, kind: object.kind, name, namespace: NAMESPACE }],
      healthCheckExprs,
    });
    const { ok, message } = await suite.kustomizations.outcome(name, revision);
    return ok ? 'Current' : statusIn(message);
  }

  async function make({ kind, conditions, isOld }: Row, name: string): Promise<KubeObject> {
    const [type, manifest] = KINDS[kind] ?? [];
    if (!type || !manifest) throw new Error(`there is no manifest of a ${kind}`);
    const { client } = suite.cluster;
    const metadata = { ...manifest.metadata, name, namespace: NAMESPACE };
    const object = await client.create(type, { ...manifest, metadata });
    if (conditions) {
      const observedGeneration = (object.metadata.generation ?? 0) - (isOld ? 1 : 0);
      const status = { observedGeneration, conditions };
      await client.mergePatch(type, object.metadata, { status }, { subresource: 'status' });
    }
    return object;
  }

  for (const [title, rows] of Object.entries({
    'with the checks of the documentation': WITH_CHECKS,
    'without them': WITHOUT_CHECKS,
  })) {
    describe(title, () => {
      for (const [name, row] of Object.entries(rows)) {
        it(`${name}: ${row.status}`, () => deepEqual(shown.get(row), row.status));
      }
    });
  }
});

/** What Flux says of the one object that it has waited for. */
function statusIn(message: string): Status {
  const [, how, status] =
    /(timeout waiting for|failed early due to stalled resources): \[.* status: '(\w+)'/.exec(message) ?? [];
  if ((how === 'timeout waiting for') === (status === 'Failed')) throw new Error(message);
  return status as Status;
}
