import assert from 'node:assert/strict';
import { HOMERUN } from '../../apis/annotations/homerun.ts';
import { conditionOf } from '../../apis/condition.ts';
import { RUN } from '../../apis/labels.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import { after, job } from '../../testing/jobs.ts';
import { EPOCH } from '../../testing/serving.ts';
import { isDefaulted, planDefaults } from './defaults.ts';

/** An execution as a person writes it. */
function written(overrides: object = {}, labels: Record<string, string> = { [RUN.job]: 'hello' }): Execution {
  return {
    apiVersion: 'run.googleapis.com/v1',
    kind: 'Execution',
    metadata: {
      name: 'by-hand',
      namespace: 'demo',
      uid: 'by-hand',
      generation: 1,
      creationTimestamp: after(0),
      labels,
      annotations: { [HOMERUN.overrides]: JSON.stringify(overrides) },
    },
  } as Execution;
}

const completedOf = (plan: ReturnType<typeof planDefaults>) =>
  conditionOf(plan.status?.status?.conditions, 'Completed');

describe('planDefaults', () => {
  it('fills in what the execution leaves out, and starts nothing before that is stored', () => {
    const plan = planDefaults(written({ taskCount: 3 }), job(), EPOCH);
    const [change] = plan.change ?? [];
    const patch = change?.patch as unknown as Execution;
    assert.equal(patch.spec?.taskCount, 3);
    assert.equal(patch.metadata.ownerReferences?.[0]?.uid, 'job-hello');
    assert.equal(plan.create, undefined);
    assert.equal(plan.status, undefined);
    const stored = { ...written(), ...patch, metadata: { ...written().metadata, ...patch.metadata } };
    assert.ok(isDefaulted(stored, job()));
  });

  it('reports everything that is wrong with it at once', () => {
    const plan = planDefaults(written({ taskCount: 0, timeoutSeconds: 0 }), job(), EPOCH);
    const completed = completedOf(plan);
    assert.deepEqual([completed?.status, completed?.reason], ['False', 'InvalidArgument']);
    assert.match(completed?.message ?? '', /taskCount: .*; .*timeoutSeconds: /);
    assert.equal(plan.change, undefined);
    assert.deepEqual(
      plan.events.map(({ reason }) => reason),
      ['InvalidArgument'],
    );
  });

  it('names the job that there is not', () => {
    const plan = planDefaults(written({}, { [RUN.job]: 'unknown' }), undefined, EPOCH);
    assert.match(completedOf(plan)?.message ?? '', /is "unknown"; there is no such job in namespace "demo"/);
  });
});
