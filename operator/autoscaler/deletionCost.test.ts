import assert from 'node:assert/strict';
import type { Pod } from '../kube/core.ts';
import { DELETION_COST, deletionCostChanges } from './deletionCost.ts';

const pod = (name: string, cost?: string, deletionTimestamp?: string): Pod =>
  ({
    metadata: { name, uid: name, deletionTimestamp, annotations: cost && { [DELETION_COST]: cost } },
  }) as unknown as Pod;

describe('deletionCostChanges', () => {
  const cases: Record<
    string,
    {
      pods: Pod[];
      instances: [string, number][];
      remove?: string[];
      want: [string, string | null][];
      reason: string;
    }
  > = {
    busy: {
      pods: [pod('a'), pod('b')],
      instances: [['a', 2]],
      want: [['a', '2']],
      reason: 'the idle one goes first',
    },
    stale: { pods: [pod('a', '2')], instances: [['a', 0]], want: [['a', null]], reason: 'it is idle by now' },
    unchanged: {
      pods: [pod('a', '2'), pod('b')],
      instances: [['a', 2]],
      want: [],
      reason: 'no write without a change',
    },
    chosen: {
      pods: [pod('a'), pod('b'), pod('c', '-1')],
      instances: [['a', 2]],
      remove: ['b'],
      want: [
        ['a', '2'],
        ['b', '-1'],
        ['c', null],
      ],
      reason: 'it is drained, so it goes and no other',
    },
    terminating: {
      pods: [pod('a', undefined, '2026-01-01T00:00:00Z')],
      instances: [['a', 1]],
      want: [],
      reason: 'it goes already',
    },
  };
  for (const [name, { pods, instances, remove, want, reason }] of Object.entries(cases)) {
    it(name, () => {
      const changes = deletionCostChanges(pods, new Map(instances), new Set(remove));
      assert.deepEqual(
        changes.map((change) => [change.pod.metadata.name, change.cost]),
        want,
        reason,
      );
    });
  }
});
