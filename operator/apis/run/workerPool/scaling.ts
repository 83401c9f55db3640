import { RUN } from '../../annotations/run.ts';
import { MAX_INSTANCES } from './schema.ts';
import type { WorkerPool } from './types.ts';

/** Instances of a pool that says nothing (Cloud Run worker pools, manual scaling). */
const DEFAULT_COUNT = 1;

/** How far the number of instances may go beyond and below the wanted one while they move between revisions. */
export interface Steps {
  /** Instances beyond the wanted number. */
  surge: number;
  /** Instances below it. */
  unavailable: number;
}

/**
 * `spec.manualInstanceCount`, the number in force. People write the annotation run.googleapis.com/manualInstanceCount,
 * the only place that Cloud Run's v1 API has for it; `kubectl scale` and autoscalers write the field, by the
 * subresource `/scale`. So that the last one who sets it counts, and the same manifest applied again undoes nothing:
 *
 * 1. a field that is new or has changed is the number;
 * 2. an annotation that is new or has changed is the number;
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

/** Instances that a stored pool asks for; one that passed no admission may have the annotation alone. */
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
 * What annotations max-surge and max-unavailable mean for a number of instances (API reference v2, WorkerPoolScaling):
 * percents, the surge rounded up and what may be missing rounded down. Unset, every new instance may come before the
 * old ones go, and none may be missing. At least one of the two is not zero, or nothing could move.
 */
export function stepsOf(pool: WorkerPool, count: number): Steps {
  const percents = stepPercents(pool);
  const surge = Math.ceil((count * percents.surge) / 100);
  const unavailable = Math.floor((count * percents.unavailable) / 100);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/** The same as percents of the number of instances, as the annotations say it. */
export function stepPercents(pool: WorkerPool): Steps {
  return { surge: percent(pool, RUN.maxSurge) ?? 100, unavailable: percent(pool, RUN.maxUnavailable) ?? 0 };
}

/** The percents of an annotation; undefined where there is none that makes sense. */
function percent({ metadata }: WorkerPool, key: string): number | undefined {
  const text = metadata.annotations?.[key];
  return text !== undefined && /^\d{1,3}$/.test(text) && Number(text) <= 100 ? Number(text) : undefined;
}
