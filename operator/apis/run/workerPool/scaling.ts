import { RUN } from '../../annotations/run.ts';
import { MAX_INSTANCES } from './schema.ts';
import type { WorkerPool } from './types.ts';

/** Default number of instances (Cloud Run worker pools, manual scaling). */
const DEFAULT_COUNT = 1;

/** By how much the number of instances may deviate while they move between revisions. */
export interface Steps {
  /** Instances above the desired number. */
  surge: number;
  /** Instances below it. */
  unavailable: number;
}

/**
 * The effective `spec.manualInstanceCount`. Manifests set the annotation run.googleapis.com/manualInstanceCount, as in
 * Cloud Run's v1 API; `kubectl scale` and autoscalers set the field through the subresource `/scale`. The last change
 * wins, and applying the same manifest again reverts nothing:
 *
 * 1. a field that was added or changed is the number;
 * 2. an annotation that was added or changed is the number;
 * 3. otherwise the number stays.
 */
export function effectiveInstanceCount(pool: WorkerPool, previous: WorkerPool | undefined): number {
  const { manualInstanceCount: field } = pool.spec;
  const stored = previous?.spec.manualInstanceCount;
  if (field !== undefined && field !== stored) return field;
  const annotated = annotatedCount(pool);
  const changed = pool.metadata.annotations?.[KEY] !== previous?.metadata.annotations?.[KEY];
  if (changed && annotated !== undefined) return annotated;
  return stored ?? annotated ?? DEFAULT_COUNT;
}

/** The desired number of instances of a stored pool, which may have only the annotation if it bypassed admission. */
export function instanceCount(pool: WorkerPool): number {
  return pool.spec.manualInstanceCount ?? annotatedCount(pool) ?? DEFAULT_COUNT;
}

const KEY = RUN.manualInstanceCount;

function annotatedCount({ metadata }: WorkerPool): number | undefined {
  const text = metadata.annotations?.[KEY];
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  return Math.min(Number(text), MAX_INSTANCES);
}

/**
 * Annotations max-surge and max-unavailable as numbers of instances (API reference v2, WorkerPoolScaling): the surge
 * percentage is rounded up, the unavailable one down. By default all new instances may start before old ones stop, and
 * none may be missing. At least one of the two is not zero, or no instance could move.
 */
export function stepsOf(pool: WorkerPool, count: number): Steps {
  const percents = stepPercents(pool);
  const surge = Math.ceil((count * percents.surge) / 100);
  const unavailable = Math.floor((count * percents.unavailable) / 100);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/** Both as percentages of the number of instances, from the annotations. */
export function stepPercents(pool: WorkerPool): Steps {
  return { surge: percent(pool, RUN.maxSurge) ?? 100, unavailable: percent(pool, RUN.maxUnavailable) ?? 0 };
}

/** The percentage in an annotation; undefined when unset or invalid. */
function percent({ metadata }: WorkerPool, key: string): number | undefined {
  const text = metadata.annotations?.[key];
  return text !== undefined && /^\d{1,3}$/.test(text) && Number(text) <= 100 ? Number(text) : undefined;
}
