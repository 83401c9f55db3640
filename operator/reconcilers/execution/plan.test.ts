import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import { parseConfig } from '../../config.ts';
import { ImageNotFoundError, RegistryAnswerError } from '../../registry/errors.ts';
import type { DigestState } from '../../registry/resolver.ts';
import { after, batchJob, type ExecutionChanges, execution, finished, taskPod } from '../../testing/jobs.ts';
import { EPOCH, PINNED } from '../../testing/serving.ts';
import type { ExecutionInput } from './input.ts';
import { planExecution } from './plan.ts';

const config = parseConfig({});
const resolved: DigestState = { state: 'resolved', image: PINNED };
const NO_SECRET = { reason: 'CreateContainerConfigError', message: 'secret "s" not found' };
const CANCEL = { 'homerun.dev/cancel': 'true' };
const GOING = ['Completed=Unknown', 'ContainerReady=True', 'ResourcesAvailable=True', 'Started=True'];

interface Case {
  reason: string;
  execution?: ExecutionChanges;
  input?: Partial<ExecutionInput>;
  digest?: DigestState;
  /** Seconds since the execution was made. */
  at?: number;
  want: {
    /** `Type=Status` or `Type=Status:Reason` of the conditions worth a look. */
    conditions?: string[];
    message?: RegExp;
    /** succeeded, failed, cancelled, retried, running. */
    counts?: (number | undefined)[];
    creates?: boolean;
    /** Patches of objects that are there. */
    changes?: object[];
    stops?: boolean;
    removes?: boolean;
    /** Nothing is written to the status. */
    silent?: boolean;
    requeueAfterMs?: number;
    event?: string;
  };
}

const tasks = (taskCount: number) => ({ execution: { taskCount } });

const CASES: Record<string, Case> = {
  'digest not known yet': {
    reason: 'nothing is started from a tag that may move',
    digest: { state: 'pending' },
    want: {
      creates: false,
      conditions: ['Completed=Unknown:ResolvingDigests', 'Started=Unknown:ResolvingDigests'],
    },
  },
  'image missing': {
    reason: 'an image may be pushed a moment later, so the registry is asked again',
    digest: { state: 'failed', error: new ImageNotFoundError('no such tag'), retryAt: EPOCH + 4000 },
    at: 2,
    want: { creates: false, conditions: ['Completed=Unknown:ContainerMissing'], requeueAfterMs: 2000 },
  },
  'image still missing': {
    reason: 'an execution must end: clients wait for it',
    digest: { state: 'failed', error: new ImageNotFoundError('no such tag'), retryAt: EPOCH + 40_000 },
    at: 11,
    want: {
      conditions: ['Completed=False:ContainerMissing', 'ContainerReady=False:ContainerMissing'],
      message: /no such tag/,
      counts: [0, 0, 1, 0, 0],
      event: 'ContainerMissing',
    },
  },
  'the registry is busy': {
    reason: 'its 429 passes, and is reported meanwhile',
    digest: { state: 'failed', error: new RegistryAnswerError('answered 429'), retryAt: EPOCH + 70_000 },
    at: 60,
    want: { creates: false, conditions: ['Completed=Unknown:ContainerMissing'], requeueAfterMs: 10_000 },
  },
  'the registry is busy all the time': {
    reason: 'an execution must end: clients wait for it',
    digest: { state: 'failed', error: new RegistryAnswerError('answered 429'), retryAt: EPOCH + 300_000 },
    at: 240,
    want: { conditions: ['Completed=False:ContainerMissing'], message: /answered 429/ },
  },
  start: {
    reason: 'with its images known the Job is made',
    want: { creates: true, conditions: ['Completed=Unknown:Deploying'] },
  },
  'cancelled before it started': {
    reason: 'what was cancelled never starts',
    execution: { ...tasks(3), executionAnnotations: CANCEL },
    want: { creates: false, conditions: ['Completed=False:Cancelled'], counts: [0, 0, 3, 0, 0] },
  },
  'Job deleted': {
    reason: 'tasks have run, and none may run twice',
    execution: { ...tasks(3), conditions: GOING, executionStatus: undefined },
    want: { creates: false, conditions: ['Completed=False:Deleted'], message: /has been deleted/ },
  },
  'pods starting': {
    reason: 'with the Job there, its images were known',
    input: { batchJob: batchJob(), pods: [taskPod(0, { phase: 'Pending' })] },
    want: {
      creates: false,
      conditions: [
        'Completed=Unknown',
        'ContainerReady=True',
        'ResourcesAvailable=True',
        'Started=Unknown:Deploying',
      ],
      counts: [0, 0, undefined, 0, 0],
    },
  },
  'no room': {
    reason: 'a person can do something about it',
    input: {
      batchJob: batchJob(),
      pods: [
        taskPod(0, {
          phase: 'Pending',
          status: { conditions: [{ type: 'PodScheduled', status: 'False', message: 'Insufficient cpu' }] },
        }),
      ],
    },
    want: { conditions: ['ResourcesAvailable=Unknown:Unschedulable', 'Started=Unknown:Deploying'] },
  },
  'no service account': {
    reason: 'a person can make it, and no task can start without it',
    input: { batchJob: batchJob(), rejection: { reason: 'ServiceAccountMissing', message: 'Create it' } },
    at: 60,
    want: { conditions: ['Started=Unknown:ServiceAccountMissing'], requeueAfterMs: 180_000 },
  },
  'still no service account': {
    reason: 'an execution must end: clients wait for it',
    input: { batchJob: batchJob(), rejection: { reason: 'ServiceAccountMissing', message: 'Create it' } },
    at: 240,
    want: { conditions: ['Started=False:ServiceAccountMissing'] },
  },
  'over the quota': {
    reason: 'it may be free again any time; kubectl get shows why',
    input: { batchJob: batchJob(), rejection: { reason: 'FailedCreate', message: 'exceeded quota' } },
    at: 10,
    want: {
      conditions: [
        'Completed=Unknown:FailedCreate',
        'ResourcesAvailable=Unknown:FailedCreate',
        'Started=Unknown:FailedCreate',
      ],
      message: /^exceeded quota$/,
      requeueAfterMs: 3000,
    },
  },
  'over the quota for long': {
    reason: 'a thousand that wait must not look all the time',
    input: { batchJob: batchJob(), rejection: { reason: 'FailedCreate', message: 'exceeded quota' } },
    at: 3600,
    want: { conditions: ['Completed=Unknown:FailedCreate'], requeueAfterMs: 30_000 },
  },
  running: {
    reason: 'the first container that starts starts the execution',
    execution: tasks(3),
    input: {
      batchJob: batchJob({ active: 1, succeeded: 1 }),
      pods: [taskPod(0), taskPod(1, { phase: 'Succeeded' })],
    },
    want: {
      conditions: ['Completed=Unknown', 'Started=True'],
      counts: [1, 0, undefined, 0, 1],
      event: 'ExecutionStarted',
    },
  },
  'tried again': {
    reason: 'an attempt that failed is reported while the next one waits',
    input: { batchJob: batchJob({ failed: 1 }), pods: [taskPod(0, { phase: 'Failed' })] },
    want: { conditions: ['Completed=Unknown', 'Retry=True:ImmediateRetry', 'Started=True'] },
  },
  'no news': {
    reason: 'progress alone is not written at once',
    execution: { ...tasks(1000), conditions: GOING },
    input: { batchJob: batchJob({ succeeded: 5 }), writtenAt: EPOCH + 9000 },
    at: 10,
    want: { silent: true, requeueAfterMs: 29_000 },
  },
  'some progress': {
    reason: 'a fiftieth of the tasks is reported sooner',
    execution: { ...tasks(1000), conditions: GOING },
    input: { batchJob: batchJob({ succeeded: 20 }), writtenAt: EPOCH + 9000 },
    at: 10,
    want: { silent: true, requeueAfterMs: 4000 },
  },
  'few tasks': {
    reason: 'where there are few, each is worth a write',
    execution: { ...tasks(99), conditions: GOING },
    input: { batchJob: batchJob({ succeeded: 1 }), writtenAt: EPOCH + 9500 },
    at: 10,
    want: { silent: true, requeueAfterMs: 500 },
  },
  'news at once': {
    reason: 'a change of a condition waits for nothing',
    execution: { ...tasks(1000), conditions: ['Completed=Unknown', 'Started=Unknown'] },
    input: { batchJob: batchJob({ succeeded: 5 }), writtenAt: EPOCH + 9999 },
    at: 10,
    want: { conditions: ['Started=True'] },
  },
  completed: {
    reason: 'all tasks succeeded',
    execution: { ...tasks(2), conditions: GOING },
    input: {
      batchJob: batchJob({
        succeeded: 2,
        completionTime: '2026-01-01T00:01:10Z',
        ...finished('Complete', 70),
      }),
    },
    want: {
      conditions: ['Completed=True', 'Started=True'],
      message: /^Execution completed successfully in 1m9s\.$/,
      counts: [2, 0, 0, 0, 0],
      event: 'ExecutionCompleted',
    },
  },
  'completed unseen': {
    reason: 'a controller that was away finds all done',
    execution: tasks(1),
    input: {
      batchJob: batchJob({
        succeeded: 1,
        completionTime: '2026-01-01T00:00:09Z',
        ...finished('Complete', 9),
      }),
      pods: [taskPod(0, { phase: 'Succeeded' })],
    },
    want: {
      conditions: ['Completed=True', 'ContainerReady=True', 'ResourcesAvailable=True', 'Started=True'],
    },
  },
  failed: {
    reason: 'the task that failed for good is reported; the others were cancelled',
    execution: { ...tasks(4), conditions: GOING },
    input: {
      batchJob: batchJob({ failedIndexes: '2', failed: 3, succeeded: 1, ...finished('Failed', 9) }),
      pods: [taskPod(2, { attempt: 1, phase: 'Failed' })],
    },
    at: 9,
    want: {
      conditions: ['Completed=False:NonZeroExitCode', 'Started=True'],
      message:
        /^Task hello-abc-task2 failed with exit code: 1 and message: The container exited with an error\.$/,
      counts: [1, 1, 2, 1, 0],
      event: 'NonZeroExitCode',
    },
  },
  'failed, not explained yet': {
    reason: 'the pod that says why is seen a moment later than the Job that failed',
    execution: { ...tasks(4), conditions: GOING },
    input: { batchJob: batchJob({ failedIndexes: '2', ...finished('Failed', 9) }) },
    at: 10,
    want: { silent: true, requeueAfterMs: 250 },
  },
  'failed, never explained': {
    reason: 'a person has deleted the pod',
    execution: { ...tasks(4), conditions: GOING },
    input: { batchJob: batchJob({ failedIndexes: '2', ...finished('Failed', 9) }) },
    at: 15,
    want: { conditions: ['Completed=False:TaskFailed'], message: /Its pod was deleted/ },
  },
  'a task has had its time': {
    reason: 'it counts from when its container started; the kubelet ends it, and says so',
    execution: { conditions: GOING, task: { timeoutSeconds: 60 } },
    input: { batchJob: batchJob({ active: 1 }), pods: [taskPod(0, { status: { startTime: after(1) } })] },
    at: 63,
    want: { changes: [{ spec: { activeDeadlineSeconds: 62 } }], conditions: ['Completed=Unknown'] },
  },
  'a task has time': {
    reason: 'it is looked again when that is over, though nothing changes',
    execution: { conditions: GOING, task: { timeoutSeconds: 60 } },
    input: { batchJob: batchJob({ active: 1 }), pods: [taskPod(0, { status: { startTime: after(1) } })] },
    at: 60,
    want: { changes: [], requeueAfterMs: 3000 },
  },
  cancel: {
    reason: 'its Job is suspended, which stops the pods and makes no new ones',
    execution: { ...tasks(3), conditions: GOING, executionAnnotations: CANCEL },
    input: { batchJob: batchJob({ active: 2 }), pods: [taskPod(0), taskPod(1)] },
    want: { stops: true, conditions: ['Completed=Unknown:Cancelling'] },
  },
  cancelling: {
    reason: 'it has ended when its pods are gone, not before',
    execution: { ...tasks(3), conditions: GOING, executionAnnotations: CANCEL },
    input: { batchJob: batchJob({ terminating: 2, ...finished('Suspended', 8) }, { suspend: true }) },
    want: { stops: false, conditions: ['Completed=Unknown:Cancelling'] },
  },
  cancelled: {
    reason: 'what neither succeeded nor failed was cancelled',
    execution: { ...tasks(3), conditions: GOING, executionAnnotations: CANCEL },
    input: { batchJob: batchJob({ succeeded: 1, ...finished('Suspended', 8) }, { suspend: true }) },
    want: {
      conditions: ['Completed=False:Cancelled'],
      message: /^Cancelled by user\.$/,
      counts: [1, 0, 2, 0, 0],
    },
  },
  'cancelled, and then not': {
    reason: 'what has begun to stop does not go on',
    execution: { ...tasks(3), conditions: ['Completed=Unknown:Cancelling'] },
    input: { batchJob: batchJob({ ...finished('Suspended', 8) }, { suspend: true }) },
    want: { conditions: ['Completed=False:Cancelled'] },
  },
  'cannot start': {
    reason: 'a missing secret is waited for as long as any other problem, and reported meanwhile',
    input: { batchJob: batchJob(), pods: [stuck()] },
    at: 16,
    want: {
      conditions: ['Started=Unknown:CreateContainerConfigError'],
      stops: false,
      requeueAfterMs: 225_000,
    },
  },
  'never starts': {
    reason: 'first it is recorded why: the pods that show it will go',
    input: { batchJob: batchJob(), pods: [stuck()] },
    at: 241,
    want: { conditions: ['Started=False:CreateContainerConfigError'], stops: false },
  },
  'an image that is not there': {
    reason: 'the kubelet is certain of it',
    input: {
      batchJob: batchJob(),
      pods: [stuck({ reason: 'ErrImagePull', message: 'manifest unknown' })],
    },
    at: 12,
    want: { conditions: ['Started=False:ContainerMissing'], stops: false },
  },
  'too many pulls': {
    reason: 'the kubelet tries again by itself',
    input: { batchJob: batchJob(), pods: [stuck({ reason: 'ErrImagePull', message: 'pull QPS exceeded' })] },
    at: 12,
    want: { conditions: ['Started=Unknown:ContainerMissing'], message: /pull QPS exceeded/, stops: false },
  },
  'is stopped': {
    reason: 'then it is stopped',
    execution: { conditions: ['Completed=Unknown', 'Started=False:CreateContainerConfigError'] },
    input: { batchJob: batchJob(), pods: [stuck()] },
    at: 12,
    want: { stops: true },
  },
  'has not started': {
    reason: 'and when its pods are gone it has ended',
    execution: { conditions: ['Completed=Unknown', 'Started=False:CreateContainerConfigError'] },
    input: { batchJob: batchJob({ ...finished('Suspended', 13) }, { suspend: true }) },
    at: 13,
    want: { conditions: ['Completed=False:CreateContainerConfigError'], counts: [0, 0, 1, 0, 0] },
  },
  'its namespace is deleted': {
    reason: 'a Job holds on to the pod of a failed attempt, and would keep the namespace for ever',
    input: {
      batchJob: batchJob({ failed: 1 }),
      namespaceEnds: true,
      pods: [taskPod(0, { phase: 'Failed', metadata: { deletionTimestamp: '2026-01-01T00:00:09Z' } })],
    },
    want: { creates: false, removes: true, silent: true },
  },
  'over, pods kept': {
    reason: 'their logs may be wanted',
    execution: {
      conditions: ['Completed=True'],
      executionStatus: { completionTime: '2026-01-01T00:00:10Z' },
    },
    input: { batchJob: batchJob() },
    at: 20,
    want: { silent: true, removes: false, requeueAfterMs: 3_590_000 },
  },
  'over for long': {
    reason: 'finished pods in great numbers slow a cluster down',
    execution: {
      conditions: ['Completed=False:Cancelled'],
      executionStatus: { completionTime: '2026-01-01T00:00:10Z' },
    },
    input: { batchJob: batchJob({}, { suspend: true }) },
    at: 3700,
    want: { silent: true, removes: true },
  },
};

function stuck(waiting = NO_SECRET) {
  return taskPod(0, { phase: 'Pending', state: { waiting } });
}

describe('plan of an execution', () => {
  for (const [name, { reason, input, digest = resolved, at = 0, want, ...rest }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const subject = execution(rest.execution);
      const digests = new Map([['user-container', digest]]);
      const plan = planExecution(
        { execution: subject, pods: [], digests, ...input },
        config,
        EPOCH + at * 1000,
      );
      const conditions = plan.status?.status?.conditions ?? [];
      for (const text of want.conditions ?? []) {
        const [, type = '', status, code] = /^(\w+)=(\w+):?(\w+)?$/.exec(text) ?? [];
        const found = conditionOf(conditions, type);
        assert.equal(found?.status, status, `${type}: ${JSON.stringify(found)}`);
        if (code) assert.equal(found?.reason, code);
      }
      if (want.message) assert.match(conditionOf(conditions, 'Completed')?.message ?? '', want.message);
      const { succeededCount, failedCount, cancelledCount, retriedCount, runningCount, completionTime } =
        plan.status?.status ?? {};
      const isOver = ['True', 'False'].includes(conditionOf(conditions, 'Completed')?.status ?? '');
      if (plan.status) assert.equal(completionTime !== undefined, isOver, 'the end has a time');
      if (want.counts) {
        assert.deepEqual(
          [succeededCount, failedCount, cancelledCount, retriedCount, runningCount],
          want.counts,
        );
      }
      if (want.creates !== undefined) assert.equal((plan.create ?? []).length > 0, want.creates);
      if (want.changes)
        assert.deepEqual(
          plan.change?.map(({ patch }) => patch),
          want.changes,
        );
      if (want.stops !== undefined) assert.equal((plan.change ?? []).length > 0, want.stops);
      if (want.removes !== undefined) assert.equal(plan.remove.length > 0, want.removes);
      if (want.silent) assert.equal(plan.status, undefined);
      if (want.requeueAfterMs !== undefined) assert.equal(plan.requeueAfterMs, want.requeueAfterMs);
      if (want.event)
        assert.deepEqual(
          plan.events.map((event) => event.reason),
          [want.event],
        );
    });
  }

  it('changes nothing when it is asked again', () => {
    const input = { batchJob: batchJob({ active: 1 }), pods: [taskPod(0)], digests: new Map() };
    const first = planExecution({ ...input, execution: execution() }, config, EPOCH + 5000);
    const again = { ...execution(), status: first.status?.status } as ExecutionInput['execution'];
    const second = planExecution({ ...input, execution: again }, config, EPOCH + 9000);
    assert.deepEqual(second.status?.status, first.status?.status);
  });
});
