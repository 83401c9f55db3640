import { conditionOf, isFalse } from '../../apis/condition.ts';
import type { InstanceSplit, WorkerPool } from '../../apis/run/workerPool/types.ts';
import { isReady, REVISION_CONDITIONS, REVISION_REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { defaultServiceTraffic } from '../../apis/serving/traffic/defaults.ts';
import type { Share } from '../../apis/serving/traffic/shares.ts';
import type { Member } from './rollOut.ts';

/** What the splits of a pool mean now. */
export interface Split {
  /** What is asked for, each entry with its revision. */
  target: InstanceSplit[];
  /** What counts: the target, or what counted before while some revision of the target is not proven. */
  inForce: InstanceSplit[];
  /** Names in the splits that no revision has. */
  missing: string[];
}

/**
 * Instances move as a whole: while one revision of the target has not shown that it starts, every share stays where
 * it was, so that a failing revision never stops the one before it. A pool without any proven revision has nothing
 * to lose, and runs what is asked for.
 *
 * @param latest the revision that the template stands for now.
 */
export function splitOf(
  pool: WorkerPool,
  revisions: ReadonlyMap<string, Revision>,
  latest: string | undefined,
): Split {
  const target = defaultServiceTraffic(pool.spec.instanceSplits).map(
    ({ revisionName, percent = 0 }): InstanceSplit =>
      revisionName
        ? { revisionName, percent, latestRevision: false }
        : { revisionName: latest, percent, latestRevision: true },
  );
  const missing = named(target).filter((name) => !revisions.has(name) && name !== latest);
  const isProven = ({ revisionName = '' }: InstanceSplit) =>
    stateOf(revisions.get(revisionName)) === 'proven';
  const serving = target.filter(({ percent = 0 }) => percent > 0);
  const before = (pool.status?.instanceSplits ?? []).filter(isProven);
  const keeps = !serving.every(isProven) && before.some(({ percent = 0 }) => percent > 0);
  const present = target.filter(
    ({ revisionName = '' }) => revisions.has(revisionName) || revisionName === latest,
  );
  return { target: present, inForce: keeps ? before : present, missing };
}

/** Whether a revision has shown that its instances start. One whose pods the cluster rejects may still do so. */
export function stateOf(revision: Revision | undefined): Member['state'] {
  if (revision && isReady(revision)) return 'proven';
  const healthy = conditionOf(revision?.status?.conditions, REVISION_CONDITIONS.containerHealthy);
  return isFalse(healthy) ? 'failed' : 'trying';
}

/** Whether a revision has failed because its image cannot be had. */
export function lacksImage(revision: Revision): boolean {
  const healthy = conditionOf(revision.status?.conditions, REVISION_CONDITIONS.containerHealthy);
  return isFalse(healthy) && healthy?.reason === REVISION_REASONS.containerMissing;
}

/** Splits as shares, without the entries that have no revision. */
export function sharesOf(splits: readonly InstanceSplit[]): Share[] {
  return splits.flatMap(({ revisionName, percent = 0 }) =>
    revisionName ? [{ revision: revisionName, percent }] : [],
  );
}

function named(splits: readonly InstanceSplit[]): string[] {
  return splits.flatMap(({ revisionName }) => revisionName || []);
}
