import assert from 'node:assert/strict';
import { effectiveInstanceCount, instanceCount, stepsOf } from './scaling.ts';
import type { WorkerPool } from './types.ts';

const KEY = 'run.googleapis.com/manualInstanceCount';

interface Said {
  annotation?: string;
  field?: number;
}

function pool({ annotation, field }: Said, annotations: Record<string, string> = {}): WorkerPool {
  const own = annotation === undefined ? {} : { [KEY]: annotation };
  return {
    metadata: { name: 'queue', annotations: { ...own, ...annotations } },
    spec: { template: { spec: { containers: [] } }, manualInstanceCount: field },
  } as unknown as WorkerPool;
}

describe('effectiveInstanceCount', () => {
  const cases: Record<string, { previous?: Said; next: Said; count: number; reason: string }> = {
    'a new pool that says nothing': { next: {}, count: 1, reason: 'one instance is the default' },
    'a new pool with an annotation': { next: { annotation: '3' }, count: 3, reason: 'as Cloud Run has it' },
    'a new pool that is off': { next: { annotation: '0' }, count: 0, reason: 'none is a number too' },
    'a new pool with both': {
      next: { annotation: '3', field: 7 },
      count: 7,
      reason: 'a backup of a scaled pool comes back as it was',
    },
    'the same manifest after /scale': {
      previous: { annotation: '3', field: 7 },
      next: { annotation: '3', field: 7 },
      count: 7,
      reason: 'what an autoscaler set is kept',
    },
    'the same manifest as a whole, after /scale': {
      previous: { annotation: '3', field: 7 },
      next: { annotation: '3' },
      count: 7,
      reason: 'a client that does not know the field does not unset it',
    },
    'another number in the manifest': {
      previous: { annotation: '3', field: 7 },
      next: { annotation: '4', field: 7 },
      count: 4,
      reason: 'a user has decided',
    },
    'a number in the manifest for the first time': {
      previous: { field: 7 },
      next: { annotation: '4', field: 7 },
      count: 4,
      reason: 'a user has decided',
    },
    'the number taken out of the manifest': {
      previous: { annotation: '3', field: 7 },
      next: { field: 7 },
      count: 7,
      reason: 'nothing else is set',
    },
    'kubectl edit of the field': {
      previous: { annotation: '3', field: 7 },
      next: { annotation: '3', field: 5 },
      count: 5,
      reason: 'as /scale',
    },
    'both at once': {
      previous: { annotation: '3', field: 7 },
      next: { annotation: '4', field: 5 },
      count: 5,
      reason: 'the field says it directly',
    },
  };
  for (const [name, { previous, next, count, reason }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const before = previous && pool(previous);
      assert.equal(effectiveInstanceCount(pool(next), before), count);
      const stored = pool({ ...next, field: count });
      assert.equal(effectiveInstanceCount(stored, before), count, 'asked again');
      assert.equal(effectiveInstanceCount(stored, stored), count, 'applied again');
    });
  }
});

describe('instanceCount', () => {
  it('is the field, else the annotation, else one: a pool may have come in unguarded', () => {
    assert.equal(instanceCount(pool({ annotation: '3', field: 7 })), 7);
    assert.equal(instanceCount(pool({ annotation: '3' })), 3);
    assert.equal(instanceCount(pool({ annotation: 'many' })), 1);
    assert.equal(instanceCount(pool({})), 1);
  });
});

describe('stepsOf', () => {
  const cases: Record<
    string,
    { surge?: string; missing?: string; count: number; steps: [number, number]; reason: string }
  > = {
    unset: { count: 4, steps: [4, 0], reason: 'all new ones come before the old ones go' },
    'a quarter': { surge: '25', count: 10, steps: [3, 0], reason: 'a surge is rounded up' },
    'a quarter may be missing': {
      missing: '25',
      count: 10,
      steps: [10, 2],
      reason: 'what may be missing is rounded down',
    },
    'no surge': { surge: '0', missing: '10', count: 5, steps: [0, 1], reason: 'one at least must move' },
    'no sense': { surge: 'x', missing: '200', count: 4, steps: [4, 0], reason: 'counts as unset' },
  };
  for (const [name, { surge, missing, count, steps, reason }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const annotations = {
        ...(surge === undefined ? {} : { 'run.googleapis.com/max-surge': surge }),
        ...(missing === undefined ? {} : { 'run.googleapis.com/max-unavailable': missing }),
      };
      const { surge: more, unavailable } = stepsOf(pool({}, annotations), count);
      assert.deepEqual([more, unavailable], steps);
    });
  }
});
