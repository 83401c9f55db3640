import assert from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import { after, type ExecutionChanges, execution, job } from '../../testing/jobs.ts';
import { EPOCH } from '../../testing/serving.ts';
import { planJob } from '../job/plan.ts';
import { seriesOf } from './metrics.ts';
import { planExecution } from './plan.ts';
import { trimExecution } from './trim.ts';

const config = parseConfig({});
const ended = { executionStatus: { startTime: after(1), completionTime: after(12), succeededCount: 1 } };

const CASES: Record<string, { reason: string; changes: ExecutionChanges; whole?: boolean }> = {
  succeeded: { reason: 'ended', changes: { ...ended, conditions: ['Completed=True', 'Started=True'] } },
  failed: {
    reason: 'ended',
    changes: { ...ended, conditions: ['Completed=False:NonZeroExitCode', 'Started=True'] },
  },
  'never started': {
    reason: 'ended',
    changes: { ...ended, conditions: ['Completed=False:ContainerMissing', 'Started=False:ContainerMissing'] },
  },
  cancelled: { reason: 'ended', changes: { ...ended, conditions: ['Completed=False:Cancelled'] } },
  running: {
    reason: 'what goes on is kept whole',
    changes: { conditions: ['Completed=Unknown', 'Started=True'] },
    whole: true,
  },
  new: { reason: 'what has not begun is kept whole', changes: {}, whole: true },
};

describe('an execution as the cache keeps it', () => {
  for (const [name, { reason, changes, whole = false }] of Object.entries(CASES)) {
    it(`shows its job, its end and metrics the same, ${name}: ${reason}`, () => {
      const full = execution({ ...changes, spec: { runExecutionToken: 'abc' } });
      const short = trimExecution(full);
      assert.equal(short === full, whole);
      const planned = (executions: (typeof full)[]) =>
        planJob({ job: job({ spec: { runExecutionToken: 'abc' } }), executions }, config, EPOCH + 60_000);
      assert.deepEqual(planned([short as typeof full]), planned([full]));
      assert.deepEqual(seriesOf(short), seriesOf(full));
      if (whole) return;
      assert.deepEqual(short.metadata.ownerReferences, full.metadata.ownerReferences);
      assert.deepEqual(short.metadata.ownerReferences, full.metadata.ownerReferences);
      const input = { pods: [], digests: new Map() };
      assert.deepEqual(
        planExecution({ ...input, execution: short as typeof full }, config, EPOCH),
        planExecution({ ...input, execution: full }, config, EPOCH),
      );
      assert.equal(short.spec, undefined);
    });
  }
});
