import { HOMERUN } from '../../annotations/homerun.ts';
import { cronOf, wrongSchedule, wrongTimeZone } from './cron.ts';
import type { Job } from './types.ts';

/** The schedule of a job. Times are in milliseconds since the epoch. */
export interface Schedule {
  /** The first time after `time`. */
  next(time: number): number;
  /** The last time at or before `time`; undefined when there was none for years. */
  latest(time: number): number | undefined;
}

/**
 * The schedule that annotations homerun.dev/schedule and homerun.dev/time-zone declare.
 * @returns undefined when it is unset or invalid; admission rejects invalid ones.
 */
export function scheduleOf({ metadata }: Pick<Job, 'metadata'>): Schedule | undefined {
  const { [HOMERUN.schedule]: expression, [HOMERUN.timeZone]: zone } = metadata.annotations ?? {};
  if (expression === undefined || wrongSchedule(expression) || (zone && wrongTimeZone(zone)))
    return undefined;
  const cron = cronOf(expression.trim(), zone || 'UTC');
  return {
    next: (time) => (cron.nextRun(new Date(time)) as Date).getTime(),
    // `time` itself counts, but croner looks only before the given time.
    latest: (time) => cron.previousRuns(1, new Date(Math.floor(time / 1000) * 1000 + 1000))[0]?.getTime(),
  };
}
