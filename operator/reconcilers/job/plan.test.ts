import assert from 'node:assert/strict';
import { conditionOf, READY } from '../../apis/condition.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import { parseConfig } from '../../config.ts';
import { after, execution, type JobChanges, job } from '../../testing/jobs.ts';
import { EPOCH } from '../../testing/serving.ts';
import { planJob, rejectedJob } from './plan.ts';
import { executionName } from './runs.ts';

const config = parseConfig({ jobs: { executionsHistoryLimit: 2, startingDeadlineSeconds: 300 } });
const SCHEDULE = { 'homerun.dev/schedule': '*/5 * * * *', 'homerun.dev/time-zone': 'Europe/Berlin' };
const KEPT = 'homerun.dev/schedule-kept';
const minutes = (value: number) => value * 60_000;

interface Case {
  reason: string;
  job?: JobChanges;
  executions?: Execution[];
  /** Milliseconds since the job was made. */
  at?: number;
  want: {
    creates?: string[];
    removes?: string[];
    /** Status and reason of Ready. */
    ready?: string;
    remembers?: Record<string, string>;
    count?: number;
    latest?: object;
    requeueAfterMs?: number;
  };
}

const ended = (name: string, createdAt: number, completed = 'Completed=True') =>
  execution({
    name,
    createdAt,
    conditions: [completed],
    executionStatus: { completionTime: after(createdAt + 1) },
  });
const going = (name: string, createdAt: number) =>
  execution({ name, createdAt, conditions: ['Completed=Unknown', 'Started=True'] });

const remembering = (annotations: Record<string, string>): JobChanges => ({
  status: { annotations } as JobChanges['status'],
});

const CASES: Record<string, Case> = {
  'only applied': { reason: 'a job never runs by itself', want: { creates: [], ready: 'True', count: 0 } },
  'start token': {
    reason: 'the execution is called JOB-TOKEN, and the token is remembered',
    job: { spec: { startExecutionToken: 'one' } },
    want: {
      creates: ['hello-one'],
      ready: 'Unknown',
      remembers: { 'homerun.dev/start-token-done': 'one' },
      count: 1,
      latest: { name: 'hello-one', creationTimestamp: after(0), completionStatus: 'EXECUTION_PENDING' },
    },
  },
  'start token, made before a crash': {
    reason: 'the execution is there and the status does not know it: it is remembered and not made again',
    job: { spec: { startExecutionToken: 'one' } },
    executions: [going('hello-one', 1)],
    want: { creates: [], ready: 'True', remembers: { 'homerun.dev/start-token-done': 'one' } },
  },
  'start token, execution collected': {
    reason: 'a token counts once, also after its execution has gone',
    job: { spec: { startExecutionToken: 'one' }, ...remembering({ 'homerun.dev/start-token-done': 'one' }) },
    want: { creates: [], ready: 'True', remembers: { 'homerun.dev/start-token-done': 'one' } },
  },
  'run token, running': {
    reason: 'the job is ready when the execution has completed',
    job: { spec: { runExecutionToken: 'two' } },
    executions: [going('hello-two', 1)],
    want: { creates: [], ready: 'Unknown' },
  },
  'run token, failed': {
    reason: 'an execution that failed is reported',
    job: { spec: { runExecutionToken: 'two' } },
    executions: [ended('hello-two', 1, 'Completed=False:NonZeroExitCode')],
    want: {
      ready: 'False NonZeroExitCode',
      latest: {
        name: 'hello-two',
        creationTimestamp: after(1),
        completionTimestamp: after(2),
        completionStatus: 'EXECUTION_FAILED',
      },
    },
  },
  annotation: {
    reason: 'any new value runs the job',
    job: { metadata: { annotations: { 'homerun.dev/run': 'now' } } },
    executions: [ended('hello-earlier', 1)],
    want: { creates: ['hello-now'], remembers: { 'homerun.dev/run': 'now' }, count: 2 },
  },
  'annotation, same value': {
    reason: 'and a value that has run does not',
    job: {
      metadata: { annotations: { 'homerun.dev/run': 'now' } },
      ...remembering({ 'homerun.dev/run': 'now' }),
    },
    want: { creates: [] },
  },
  'schedule first seen': {
    reason: 'it counts from now: what was due before it was written is not made up for',
    job: { metadata: { annotations: SCHEDULE } },
    at: minutes(7),
    want: {
      creates: [],
      remembers: { [KEPT]: `${after(420)} */5 * * * * Europe/Berlin` },
      requeueAfterMs: minutes(3),
    },
  },
  'schedule due': {
    reason: 'the name of the execution follows from the minute',
    job: {
      metadata: { annotations: SCHEDULE },
      ...remembering({ [KEPT]: `${after(420)} */5 * * * * Europe/Berlin` }),
    },
    at: minutes(10),
    want: {
      creates: [`hello-${EPOCH / 60_000 + 10}`],
      remembers: { [KEPT]: `${after(600)} */5 * * * * Europe/Berlin` },
      requeueAfterMs: minutes(5),
    },
  },
  'schedule kept': {
    reason: 'a controller that starts again keeps it once',
    job: {
      metadata: { annotations: SCHEDULE },
      ...remembering({ [KEPT]: `${after(600)} */5 * * * * Europe/Berlin` }),
    },
    at: minutes(11),
    want: { creates: [], requeueAfterMs: minutes(4) },
  },
  'schedule missed': {
    reason: 'of all that was missed while the controller was down the newest is made up for',
    job: {
      metadata: { annotations: SCHEDULE },
      ...remembering({ [KEPT]: `${after(600)} */5 * * * * Europe/Berlin` }),
    },
    at: minutes(32),
    want: { creates: [`hello-${EPOCH / 60_000 + 30}`] },
  },
  'schedule missed for long': {
    reason: 'but not when it is later than the deadline',
    job: {
      metadata: { annotations: { 'homerun.dev/schedule': '0 * * * *' } },
      ...remembering({ [KEPT]: `${after(0)} 0 * * * *` }),
    },
    at: minutes(66),
    want: { creates: [], requeueAfterMs: minutes(54) },
  },
  'schedule changed': {
    reason: 'another schedule counts from now as well',
    job: { metadata: { annotations: SCHEDULE }, ...remembering({ [KEPT]: `${after(0)} 0 * * * *` }) },
    at: minutes(11),
    want: { creates: [], remembers: { [KEPT]: `${after(660)} */5 * * * * Europe/Berlin` } },
  },
  'schedule taken away': {
    reason: 'it is paused: it counts from when it is put back',
    job: remembering({ [KEPT]: `${after(600)} */5 * * * * Europe/Berlin`, 'homerun.dev/run': 'now' }),
    at: minutes(11),
    want: { creates: [], remembers: { 'homerun.dev/run': 'now' } },
  },
  history: {
    reason: 'the newest that have ended are kept, and what goes on is not counted',
    executions: [ended('hello-a', 1), going('hello-b', 2), ended('hello-c', 3), ended('hello-d', 4)],
    want: { removes: ['hello-a'], count: 4 },
  },
  'history of its own': {
    reason: "the job's annotation counts before the chart's value",
    job: { metadata: { annotations: { 'homerun.dev/executions-history-limit': '0' } } },
    executions: [ended('hello-a', 1), going('hello-b', 2)],
    want: { removes: ['hello-a'] },
  },
  'breaks the contract': {
    reason: 'the webhook may have been down; nothing is started',
    job: {
      spec: { startExecutionToken: 'one' },
      task: { containers: [{ image: 'A' }] },
    },
    want: { creates: [], ready: 'False InvalidArgument' },
  },
};

describe('plan of a job', () => {
  for (const [name, { reason, executions = [], at = 0, want, ...rest }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const plan = planJob({ job: job(specOf(rest.job)), executions }, config, EPOCH + at);
      const names = (plan.create ?? []).map(({ metadata }) => metadata.name);
      if (want.creates) assert.deepEqual(names, want.creates);
      if (want.removes)
        assert.deepEqual(
          plan.remove.map(({ ref }) => ref.name),
          want.removes,
        );
      const status = plan.status?.status;
      const ready = conditionOf(status?.conditions, READY);
      if (want.ready)
        assert.equal(
          [ready?.status, ready?.reason].join(' ').startsWith(want.ready),
          true,
          JSON.stringify(ready),
        );
      if (want.remembers) assert.deepEqual(status?.annotations, want.remembers);
      if (want.count !== undefined) assert.equal(status?.executionCount, want.count);
      if (want.latest) assert.deepEqual(status?.latestCreatedExecution, want.latest);
      if (want.requeueAfterMs !== undefined) assert.equal(plan.requeueAfterMs, want.requeueAfterMs);
    });
  }

  it('does not remember a run whose execution the cluster rejects: it is still to be made', () => {
    const subject = job({ spec: { ...job().spec, runExecutionToken: 'abc' }, status: { executionCount: 4 } });
    const planned = planJob({ job: subject, executions: [] }, config, EPOCH).status ?? subject;
    const rejection = { reason: 'Refused', message: 'exceeded quota' };
    const { status } = rejectedJob({ subject, planned, rejection, now: EPOCH }) as typeof subject;
    assert.equal(status?.annotations, undefined);
    assert.equal(status?.executionCount, 4);
    assert.deepEqual([status?.conditions?.length, status?.conditions?.[0]?.message], [1, 'exceeded quota']);
  });

  it('keeps the name of an execution within what Kubernetes takes', () => {
    assert.equal(executionName('hello', 'abc'), 'hello-abc');
    assert.match(executionName('hello', 'Not_A_Name'), /^hello-[a-z]{10}$/);
    assert.ok(executionName('a'.repeat(63), 'abc').length <= 63);
  });
});

/** A job whose spec is changed keeps its template. */
function specOf({ spec, ...changes }: JobChanges = {}): JobChanges {
  return spec ? { ...changes, spec: { ...job(changes).spec, ...spec } } : changes;
}
