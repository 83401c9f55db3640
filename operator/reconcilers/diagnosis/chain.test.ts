import assert from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { ImageNotFoundError } from '../../registry/errors.ts';
import { EPOCH, pod } from '../../testing/serving.ts';
import { CHAIN, type Diagnosis, diagnose, INSTANCE_CHECKS, TASK_CHECKS } from './chain.ts';
import type { Evidence } from './evidence.ts';

const MAIN = { name: 'user-container', image: 'app' };
const SIDE = { name: 'side', image: 'proxy' };
const BASE: Evidence = {
  runs: 'service',
  containers: [MAIN],
  pods: [],
  now: EPOCH + 5000,
  createdAt: EPOCH,
  config: parseConfig({}),
};
const exit = {
  terminated: { exitCode: 3, startedAt: '2026-01-01T00:00:01Z', finishedAt: '2026-01-01T00:00:02Z' },
};
const unscheduled = { conditions: [{ type: 'PodScheduled', status: 'False', message: 'Insufficient cpu' }] };
const pending = (status: object = {}): Pod =>
  pod({ state: { waiting: {} } }, { phase: 'Pending', ...status });
const rejection = { reason: 'FailedCreate', message: 'exceeded quota' };
const lastFailure = { reason: 'ExitCode3', message: 'It exited.' };

interface Rank {
  /** Why it comes before those that follow. */
  reason: string;
  /** What makes it apply, beside what makes others apply. */
  evidence: Partial<Evidence>;
  want: string;
}

/** What applies to instances of a revision, in the order in which it counts. */
const REVISION = {
  image: {
    reason: 'nothing is made from a tag that may move',
    evidence: {
      digests: new Map([
        ['user-container', { state: 'failed', error: new ImageNotFoundError('no such tag.') }],
      ]),
    },
    want: 'ContainerMissing',
  },
  creation: {
    reason: 'a revision that is tried again and gets no pods says what the cluster says now',
    evidence: { rejection },
    want: 'FailedCreate',
  },
  lastFailure: {
    reason: 'its instances were taken away; that there are none is no news',
    evidence: { lastFailure },
    want: 'ExitCode3',
  },
  noPods: { reason: 'without pods there is nothing else to look at', evidence: {}, want: 'Deploying' },
} satisfies Record<string, Rank>;

/** What applies to the instances of a worker pool that are there. */
const POOL = {
  creation: REVISION.creation,
  restart: {
    reason: 'how a container exited says more than that it waits to be started again',
    evidence: {
      restarts: true,
      pods: [pod({ restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: exit })],
    },
    want: 'ExitCode3',
  },
  instances: {
    reason: 'pods that have not started are looked at one by one',
    evidence: { pods: [pod({ state: { running: {} } })] },
    want: 'Deploying',
  },
} satisfies Record<string, Rank>;

/** What applies to the tasks of an execution. */
const JOB = {
  tasks: {
    reason: 'a task that has a node and cannot start needs a person; room comes by itself',
    evidence: {
      pods: [pending(), pod({ state: { waiting: { reason: 'FailedMount' } } }, { phase: 'Pending' })],
    },
    want: 'FailedMount',
  },
  scheduling: {
    reason: 'a person can make room',
    evidence: { pods: [pending(), pending(unscheduled)] },
    want: 'Unschedulable',
  },
  starting: { reason: 'nothing is wrong yet', evidence: { pods: [pending()] }, want: 'Deploying' },
} satisfies Record<string, Rank>;

const RANKS = { service: REVISION, workerPool: POOL, job: JOB } as const;

/** Evidence for several problems at once: that of the first where they concern the same. */
function merged(...all: Partial<Evidence>[]): Partial<Evidence> {
  const pods = all.flatMap((each) => each.pods ?? []);
  return { ...Object.assign({}, ...all.toReversed()), pods };
}

describe('why something is not ready', () => {
  for (const [runs, ranks] of Object.entries(RANKS)) {
    const entries = Object.entries<Rank>(ranks);
    for (const [index, [check, { reason, evidence, want }]] of entries.entries()) {
      const rest = entries.slice(index + 1).map(([name]) => name);
      it(`${runs}: ${check}${rest.length > 0 ? `, then ${rest.join(', ')}` : ', the last'}: ${reason}`, () => {
        const problem = diagnose({ ...BASE, runs: runs as Evidence['runs'], ...evidence });
        assert.deepEqual([problem?.check, problem?.reason], [check, want]);
        for (const [, later] of entries.slice(index + 1)) {
          const both = { ...BASE, runs: runs as Evidence['runs'], ...merged(evidence, later.evidence) };
          assert.equal(diagnose(both)?.check, check, `beside ${later.want}`);
        }
      });
    }
  }

  it('comes of one chain, of which every check is ranked above', () => {
    const ranked = new Set([REVISION, POOL, JOB].flatMap((ranks) => Object.keys(ranks)));
    assert.deepEqual(Object.keys(CHAIN).toSorted(), [...ranked].toSorted());
  });

  it('is nothing once an instance has started', () => {
    const started = pod({ state: { running: {} }, ready: true });
    assert.equal(diagnose({ ...BASE, pods: [pending(unscheduled), started] }), undefined);
  });
});

interface PodRank extends Rank {
  /** The pod for which it applies, and the one before it in the list does not. */
  pod: Pod;
}

const late = { now: EPOCH + 240_000 };
const mount = { uid: 'pod-x', failure: 'exit status 32' };
const running = pod({ state: { running: {} }, ready: true });

/** What applies to one instance, in the order in which it counts. */
const INSTANCE: Record<string, PodRank> = {
  volumes: {
    reason: 'its containers wait for them, and do not say so',
    pod: pod({ state: { waiting: { reason: 'CreateContainerConfigError' } } }),
    evidence: { mount },
    want: 'FailedMount',
  },
  source: {
    reason: 'the containers of the program wait for it',
    pod: pod(
      { state: { waiting: { reason: 'PodInitializing' } } },
      {
        phase: 'Pending',
        initContainerStatuses: [
          { name: 'homerun-source', ready: false, restartCount: 1, image: '', imageID: '', state: exit },
        ],
      },
    ),
    evidence: {},
    want: 'SourceUnavailable',
  },
  container: {
    reason: 'the kubelet has it, whatever the scheduler said before',
    pod: pod({ state: { waiting: { reason: 'CreateContainerConfigError' } } }, unscheduled),
    evidence: {},
    want: 'CreateContainerConfigError',
  },
  unschedulable: {
    reason: 'no node has it, so no limit of its start counts',
    pod: pod({ state: { waiting: {} } }, unscheduled),
    evidence: late,
    want: 'Unschedulable',
  },
  runningTooShort: {
    reason: 'it runs well, however long that took',
    pod: { ...running, status: { ...running.status, startTime: '2026-01-01T00:00:00Z' } } as Pod,
    evidence: { ...late, runs: 'workerPool', minReadyMs: 10_000 },
    want: 'Deploying',
  },
  starting: {
    reason: 'nothing is final within its time to start',
    pod: pod({ state: { waiting: {} } }),
    evidence: {},
    want: 'Deploying',
  },
  unprepared: {
    reason: 'a program that was never started cannot listen',
    pod: pod({ state: { waiting: { reason: 'ContainerCreating' } } }),
    evidence: late,
    want: 'ProgressDeadlineExceeded',
  },
  silent: {
    reason: 'it has had its time, and nothing else is known',
    pod: pod({ state: { running: {} } }),
    evidence: late,
    want: 'HealthCheckContainerError',
  },
};

describe('why one instance is not ready', () => {
  const checks = INSTANCE_CHECKS.map((check) => check.name);

  it('is checked in this order', () => assert.deepEqual(checks, Object.keys(INSTANCE)));

  for (const [name, { reason, pod, evidence, want }] of Object.entries(INSTANCE)) {
    it(`${name}: ${reason}`, () => {
      const full: Evidence = { ...BASE, pods: [pod], ...evidence };
      const found = INSTANCE_CHECKS.map((check) => check({ pod, evidence: full }));
      const first = found.findIndex((problem) => problem !== undefined);
      assert.deepEqual([checks[first], found[first]?.reason], [name, want]);
      const { reason: reported }: Partial<Diagnosis> = diagnose(full) ?? {};
      assert.equal(reported, want);
    });
  }

  it('of several is what is final, whatever the first one says', () => {
    const invalid = pod({ state: { waiting: { reason: 'InvalidImageName' } } });
    const pods = [pod({ state: { running: {} } }), invalid];
    assert.equal(diagnose({ ...BASE, pods })?.reason, 'Deploying');
    assert.equal(diagnose({ ...BASE, pods, now: EPOCH + 10_000 })?.reason, 'ContainerMissing');
  });
});

describe('why one task is not ready', () => {
  const sidecar = { name: 'side', ready: false, restartCount: 1, image: '', imageID: '', state: exit };
  const withSidecar = { phase: 'Pending', initContainerStatuses: [sidecar] } as Pod['status'];
  const cases: Record<string, { reason: string; pod: Pod; mount?: Evidence['mount']; want: string }> = {
    volumes: {
      reason: 'no container is started before they are mounted',
      pod: pod({ state: { waiting: { reason: 'ErrImagePull' } } }, withSidecar),
      mount,
      want: 'FailedMount',
    },
    container: {
      reason: 'what the kubelet cannot start is not tried again for long',
      pod: pod({ state: { waiting: { reason: 'ErrImagePull' } } }, withSidecar),
      want: 'ContainerMissing',
    },
    sidecar: {
      reason: 'it is started again until the deadline of the task',
      pod: pod({ state: { waiting: { reason: 'PodInitializing' } } }, withSidecar),
      want: 'ExitCode3',
    },
  };

  it('is checked in this order', () =>
    assert.deepEqual(
      TASK_CHECKS.map((check) => check.name),
      Object.keys(cases),
    ));

  for (const [name, { reason, pod, mount, want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const problem = diagnose({ ...BASE, runs: 'job', containers: [MAIN, SIDE], pods: [pod], mount });
      assert.deepEqual([problem?.check, problem?.reason], ['tasks', want]);
    });
  }
});
