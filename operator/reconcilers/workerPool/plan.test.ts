import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import type { WorkerPool } from '../../apis/run/workerPool/types.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { parseConfig } from '../../config.ts';
import type { Deployment, Pod } from '../../kube/core.ts';
import { contentHash } from '../../kube/json.ts';
import { APPLIED_HASH } from '../../kube/types.ts';
import { assertGolden } from '../../testing/golden.ts';
import { deployment, EPOCH, PINNED, pod, pooledRevision, workerPool } from '../../testing/serving.ts';
import { desiredDeployment } from '../revision/deployment.ts';
import { planWorkerPool, type WorkerPoolInput } from './plan.ts';

const config = parseConfig({});
const OLD = 'queue-00001-abc';
const NEW = 'queue-00002-abc';

const old = pooledRevision(OLD, { generation: 1, ready: 'True' });
const fresh = (changes: Parameters<typeof pooledRevision>[1] = {}) =>
  pooledRevision(NEW, { generation: 2, ...changes });

function pool(count: number, spec: Partial<WorkerPool['spec']> = {}, status: object = {}): WorkerPool {
  const made = workerPool();
  return { ...made, spec: { ...made.spec, manualInstanceCount: count, ...spec }, status };
}

/** A pool that has made these revisions, the last one for its present generation. */
const statusWith = (latest: string, inForce = latest) => ({
  observedGeneration: 1,
  latestCreatedRevisionName: latest,
  instanceSplits: [{ revisionName: inForce, percent: 100, latestRevision: true }],
});

function running(...all: [revision: string, replicas: number, ready: number][]): Map<string, Deployment> {
  return new Map(
    all.map(([revision, replicas, readyReplicas]) => [
      revision,
      deployment(revision, replicas, { replicas, readyReplicas }),
    ]),
  );
}

interface Case {
  reason: string;
  pool: WorkerPool;
  revisions?: Revision[];
  deployments?: Map<string, Deployment>;
  pods?: Map<string, Pod[]>;
  /** Deployments that are applied, with their numbers, in order. */
  applies?: [revision: string, replicas: number][];
  makes?: true;
  ready: { status: string; reason?: string; message?: RegExp };
  splits?: string[];
}

const exited = {
  ready: false,
  restartCount: 4,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: {
    terminated: { exitCode: 7, message: 'queue not found\n', finishedAt: '2026-01-01T00:00:05Z' },
  },
};

const CASES: Record<string, Case> = {
  new: {
    reason: 'a pool makes its first revision',
    pool: pool(3),
    makes: true,
    ready: { status: 'Unknown', message: /being created/ },
  },
  'changed before its first revision was seen': {
    reason:
      'the API server refused to change that one, and the status names it all the same; a second one is made',
    pool: pool(
      3,
      { template: workerPool('queue', { spec: { timeoutSeconds: 7 } }).spec.template },
      {
        ...statusWith(OLD),
        conditions: [{ type: 'Ready', status: 'False', reason: 'Refused', message: 'it is never changed' }],
      },
    ),
    revisions: [old],
    makes: true,
    applies: [[OLD, 3]],
    ready: { status: 'Unknown', message: /being created/ },
  },
  'a first revision': {
    reason: 'a revision gets all its instances at once',
    pool: pool(3, {}, statusWith(OLD)),
    revisions: [pooledRevision(OLD)],
    applies: [[OLD, 3]],
    ready: { status: 'Unknown' },
    splits: [OLD],
  },
  ready: {
    reason: 'a pool is ready when all its instances are',
    pool: pool(3, {}, statusWith(OLD)),
    revisions: [old],
    deployments: running([OLD, 3, 3]),
    applies: [[OLD, 3]],
    ready: { status: 'True' },
    splits: [OLD],
  },
  'some ready': {
    reason: 'how many are missing is reported',
    pool: pool(3, {}, statusWith(OLD)),
    revisions: [old],
    deployments: running([OLD, 3, 2]),
    applies: [[OLD, 3]],
    ready: { status: 'Unknown', reason: 'Deploying', message: /^2 of 3 instances are ready\./ },
  },
  off: {
    reason: 'a pool of no instances is as it should be, and keeps its revisions',
    pool: pool(0, {}, statusWith(OLD)),
    revisions: [old],
    deployments: running([OLD, 0, 0]),
    applies: [],
    ready: { status: 'True' },
    splits: [OLD],
  },
  'off, with a revision that was never tried': {
    reason: 'nothing waits for what is not asked for',
    pool: pool(0, {}, statusWith(OLD)),
    revisions: [pooledRevision(OLD)],
    applies: [],
    ready: { status: 'True' },
  },
  'a second revision': {
    reason: 'it is tried beside the first one, which keeps its share',
    pool: pool(2, {}, statusWith(NEW, OLD)),
    revisions: [old, fresh()],
    deployments: running([OLD, 2, 2]),
    applies: [
      [NEW, 2],
      [OLD, 2],
    ],
    ready: { status: 'Unknown' },
    splits: [OLD],
  },
  'a second revision that is proven': {
    reason: 'its share goes over to it, and what it replaces goes',
    pool: pool(2, {}, statusWith(NEW, OLD)),
    revisions: [old, fresh({ ready: 'True' })],
    deployments: running([OLD, 2, 2], [NEW, 2, 2]),
    applies: [
      [NEW, 2],
      [OLD, 0],
    ],
    ready: { status: 'Unknown', reason: 'Deploying', message: /still has 2 and should have 0/ },
    splits: [NEW],
  },
  'a second revision that failed': {
    reason: 'the first one has everything, and the pool says why',
    pool: pool(2, {}, statusWith(NEW, OLD)),
    revisions: [old, fresh({ ready: 'False', message: 'It exited.' })],
    deployments: running([OLD, 2, 2], [NEW, 2, 0]),
    applies: [
      [OLD, 2],
      [NEW, 0],
    ],
    ready: {
      status: 'False',
      reason: 'RevisionFailed',
      message: /'queue-00002-abc' is not ready. It exited/,
    },
    splits: [OLD],
  },
  'a first revision whose image cannot be had': {
    reason: 'its instances are taken away, so that no registry is asked for ever; the pool says why',
    pool: pool(2, {}, statusWith(NEW)),
    revisions: [fresh({ ready: 'False', reason: 'ContainerMissing', message: 'Image cannot be pulled.' })],
    deployments: running([NEW, 2, 0]),
    applies: [[NEW, 0]],
    ready: { status: 'False', reason: 'RevisionFailed', message: /Image cannot be pulled/ },
  },
  'a second revision whose pods the cluster rejects': {
    reason: 'a quota may be raised: it is tried further',
    pool: pool(2, {}, statusWith(NEW, OLD)),
    revisions: [old, fresh({ ready: 'False', healthy: 'Unknown', message: 'quota' })],
    deployments: running([OLD, 2, 2], [NEW, 2, 0]),
    applies: [
      [OLD, 2],
      [NEW, 2],
    ],
    ready: { status: 'False' },
    splits: [OLD],
  },
  'an unknown revision in a split': {
    reason: 'everything stays where it was',
    pool: pool(2, { instanceSplits: [{ revisionName: 'queue-gone', percent: 100 }] }, statusWith(OLD)),
    revisions: [old],
    deployments: running([OLD, 2, 2]),
    applies: [[OLD, 2]],
    ready: {
      status: 'False',
      reason: 'RevisionMissing',
      message: /'queue-gone' in spec.instanceSplits not found/,
    },
    splits: [OLD],
  },
  'a split': {
    reason: 'instances follow the percents',
    pool: pool(
      10,
      {
        instanceSplits: [
          { revisionName: OLD, percent: 70 },
          { latestRevision: true, percent: 30 },
        ],
      },
      statusWith(NEW),
    ),
    revisions: [old, fresh({ ready: 'True' })],
    deployments: running([OLD, 0, 0], [NEW, 10, 10]),
    applies: [
      [OLD, 7],
      [NEW, 10],
    ],
    ready: { status: 'Unknown' },
    splits: [OLD, NEW],
  },
  'an instance that exits': {
    reason: 'the exit is reported, with what the program wrote last',
    pool: pool(1, {}, statusWith(OLD)),
    revisions: [old],
    deployments: running([OLD, 1, 0]),
    pods: new Map([[OLD, [pod(exited)]]]),
    applies: [[OLD, 1]],
    ready: {
      status: 'False',
      reason: 'ExitCode7',
      message: /exited with code 7 .*restarts so far: 4.*queue not found/,
    },
  },
  'a pool that breaks the contract': {
    reason: 'nothing changes, and all that is wrong is reported',
    pool: pool(1, { instanceSplits: [{ percent: 90, latestRevision: false }] }, statusWith(OLD)),
    revisions: [old],
    deployments: running([OLD, 2, 2]),
    ready: { status: 'False', reason: 'InvalidArgument', message: /latestRevision: is false.*sum to 90/ },
    splits: [OLD],
  },
};

describe('planWorkerPool', () => {
  for (const [name, { reason, makes, applies = [], ready, splits, ...given }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const input: WorkerPoolInput = { revisions: [], deployments: new Map(), pods: new Map(), ...given };
      const { apply, status } = planWorkerPool(input, config, EPOCH);
      assert.equal(
        apply.some(({ kind }) => kind === 'Revision'),
        makes ?? false,
      );
      const numbers = (apply as Deployment[])
        .filter(({ kind }) => kind === 'Deployment')
        .map(({ metadata, spec }) => [metadata.name.replace('-deployment', ''), spec?.replicas]);
      assert.deepEqual(numbers, applies);
      const actual = conditionOf(status?.status?.conditions, 'Ready');
      assert.equal(actual?.status, ready.status, actual?.message);
      if (ready.reason) assert.equal(actual?.reason, ready.reason);
      if (ready.message) assert.match(actual?.message ?? '', ready.message);
      if (splits) {
        const names = status?.status?.instanceSplits?.map(({ revisionName }) => revisionName);
        assert.deepEqual(names, splits);
      }
    });
  }

  it('reports an exit after which the instance runs again, and stays ready', () => {
    const again = { ...exited, ready: true, state: { running: {} } };
    const input = {
      pool: pool(1, {}, statusWith(OLD)),
      revisions: [old],
      deployments: running([OLD, 1, 1]),
      pods: new Map([[OLD, [pod(again)]]]),
    };
    const { status } = planWorkerPool(input, config, EPOCH);
    const instances = conditionOf(status?.status?.conditions, 'InstancesReady');
    assert.equal(instances?.status, 'True');
    assert.equal(instances?.reason, 'ExitCode7');
    assert.equal(conditionOf(status?.status?.conditions, 'Ready')?.status, 'True');
  });

  it('tries a revision that failed within the surge when it is tried again, and says what was wrong meanwhile', () => {
    const changed = pool(2, {
      template: workerPool('queue', { spec: { serviceAccountName: 'other' } }).spec.template,
    });
    const failed = pooledRevision('queue-00002-xyz', {
      generation: 2,
      ready: 'False',
      healthy: 'Unknown',
      reason: 'CreateContainerConfigError',
      message: 'secret "s" not found',
    });
    const later = {
      ...changed,
      metadata: { ...changed.metadata, generation: 2 },
      status: {
        ...changed.status,
        observedGeneration: 2,
        latestCreatedRevisionName: failed.metadata.name,
        instanceSplits: [{ revisionName: OLD, percent: 100 }],
      },
    };
    const { apply, status } = planWorkerPool(
      {
        pool: later,
        revisions: [old, failed],
        deployments: new Map([[OLD, deployment(OLD, 2, { replicas: 2, readyReplicas: 2 })]]),
        pods: new Map(),
      },
      config,
      EPOCH,
    );
    const counts = apply.map((made) => [made.metadata.name, (made as Deployment).spec?.replicas]);
    assert.deepEqual(counts, [
      ['queue-00002-xyz-deployment', 2],
      [`${OLD}-deployment`, 2],
    ]);
    const ready = conditionOf(status?.status?.conditions, 'Ready');
    assert.deepEqual([ready?.status, ready?.reason], ['False', 'RevisionFailed']);
    assert.match(ready?.message ?? '', /secret "s" not found/);
  });

  it('makes no second revision of a number that changes, nor of other splits', () => {
    const first = planWorkerPool(
      { pool: pool(1), revisions: [], deployments: new Map(), pods: new Map() },
      config,
      EPOCH,
    );
    assert.equal(first.apply.length, 1);
    const changed = pool(5, {}, statusWith(OLD));
    const later = { ...changed, metadata: { ...changed.metadata, generation: 2 } };
    const made = first.apply[0] as Revision;
    const { apply } = planWorkerPool(
      { pool: later, revisions: [applied(made)], deployments: new Map(), pods: new Map() },
      config,
      EPOCH,
    );
    assert.deepEqual(
      apply.filter(({ kind }) => kind === 'Revision'),
      [],
    );
  });

  it('numbers revisions one after the other, however often the number of instances changed', () => {
    const changed = pool(5, {
      template: workerPool('queue', { spec: { serviceAccountName: 'other' } }).spec.template,
    });
    const later = { ...changed, metadata: { ...changed.metadata, generation: 9 } };
    const { apply } = planWorkerPool(
      { pool: later, revisions: [old], deployments: new Map(), pods: new Map() },
      config,
      EPOCH,
    );
    assert.match(apply[0]?.metadata.name ?? '', /^queue-00002-[a-z]{3}$/);
  });

  it('gives the number and the name of its newest revision to no other when that is deleted', () => {
    const planned = (of: WorkerPool, revisions: Revision[]) =>
      planWorkerPool({ pool: of, revisions, deployments: new Map(), pods: new Map() }, config, EPOCH);
    const changed = (account: string, status?: WorkerPool['status']) => {
      const { spec } = workerPool('queue', { spec: { serviceAccountName: account } });
      return { ...pool(1, { template: spec.template }), ...(status ? { status } : {}) };
    };
    const made = planned(changed('other'), [old]);
    const second = pooledRevision(made.apply[0]?.metadata.name, { generation: 2 });
    assert.match(second.metadata.name, /^queue-00002-/);
    const again = planned(changed('other', made.status?.status), [old]).apply[0]?.metadata.name;
    assert.equal(again, second.metadata.name, 'one that was rejected keeps its name');
    const { status } = planned(changed('other', made.status?.status), [old, second]).status ?? {};
    for (const account of ['other', 'third']) {
      const next = planned(changed(account, status), [old]).apply[0]?.metadata.name ?? '';
      assert.match(next, /^queue-00003-/, 'whether the template changed or not');
    }
    const leaving = { ...old, metadata: { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:03Z' } };
    assert.match(planned(changed('other'), [leaving]).apply[0]?.metadata.name ?? '', /^queue-00002-/);
  });

  const STEPS: Record<string, { reason: string; annotations: Record<string, string>; want: object }> = {
    unset: {
      reason: 'all new ones may come before the old ones go',
      annotations: {},
      want: { maxSurge: '100%', maxUnavailable: 0 },
    },
    bounded: {
      reason: 'the pool says how many come at a time, and how many may be missing',
      annotations: { 'run.googleapis.com/max-surge': '25', 'run.googleapis.com/max-unavailable': '10' },
      want: { maxSurge: '25%', maxUnavailable: '10%' },
    },
    'without a surge': {
      reason: 'an old one goes first',
      annotations: { 'run.googleapis.com/max-surge': '0', 'run.googleapis.com/max-unavailable': '50' },
      want: { maxSurge: '0%', maxUnavailable: '50%' },
    },
  };
  for (const [name, { reason, annotations, want }] of Object.entries(STEPS)) {
    it(`lets Kubernetes replace instances within the steps of the pool, ${name}: ${reason}`, () => {
      const made = pool(3, {}, statusWith(OLD));
      const stepped = { ...made, metadata: { ...made.metadata, annotations } };
      const input = { pool: stepped, revisions: [old], deployments: new Map(), pods: new Map() };
      const [applied] = planWorkerPool(input, config, EPOCH).apply as Deployment[];
      assert.deepEqual(applied?.spec?.strategy?.rollingUpdate, want);
    });
  }

  const FOLLOWING: Record<string, { reason: string; runtimeClassName?: string; want: string[] }> = {
    'that they follow': {
      reason: 'the status of the revision has the newer digest',
      runtimeClassName: 'run.googleapis.com/linux-base-image-update',
      want: [PINNED],
    },
    'that they do not follow': { reason: 'what runs keeps its pod template', want: [] },
  };
  for (const [name, { reason, runtimeClassName, want }] of Object.entries(FOLLOWING)) {
    it(`replaces instances, or not, for another digest of a base image ${name}: ${reason}`, () => {
      const annotations = {
        'run.googleapis.com/sources': '{"":"gs://run-sources-demo-local-cluster1/a#1"}',
        'run.googleapis.com/base-images': '{"":"nodejs24"}',
      };
      const containers = [{ name: 'queue-1', image: 'scratch' }];
      const spec = { containers, ...(runtimeClassName ? { runtimeClassName } : {}) };
      const revision = pooledRevision(OLD, { ready: 'True', metadata: { annotations }, spec });
      const before = new Map([['queue-1', 'registry.example/app@sha256:0']]);
      const live = deployment(OLD, 2, { replicas: 2, updatedReplicas: 2, readyReplicas: 2 });
      const { metadata, spec: of } = desiredDeployment(revision, before, config, { replicas: 2 });
      const made = { ...live, metadata: { ...live.metadata, ...metadata }, spec: of } as Deployment;
      const { apply } = planWorkerPool(
        {
          pool: pool(2, {}, statusWith(OLD)),
          revisions: [revision],
          deployments: new Map([[OLD, made]]),
          pods: new Map(),
        },
        config,
        EPOCH,
      );
      const deployments = apply.filter(({ kind }) => kind === 'Deployment') as Deployment[];
      assert.deepEqual(
        deployments.map((each) => each.spec?.template.spec?.containers[0]?.image),
        want,
      );
    });
  }

  it('makes revisions as golden/revision.golden.yaml says', () => {
    const rich = pool(1, {
      template: workerPool('queue', {
        metadata: { annotations: { 'example.com/note': 'kept' }, labels: { team: 'blue' } },
      }).spec.template,
    });
    const [made] = planWorkerPool(
      { pool: rich, revisions: [], deployments: new Map(), pods: new Map() },
      config,
      EPOCH,
    ).apply;
    assertGolden(new URL('./golden/revision.golden.yaml', import.meta.url), made);
  });
});

/** A revision as it is stored after it was applied. */
function applied(revision: Revision): Revision {
  const annotations = { ...revision.metadata.annotations, [APPLIED_HASH]: contentHash(revision) };
  return { ...revision, metadata: { ...revision.metadata, annotations } };
}
