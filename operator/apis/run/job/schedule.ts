import { HOMERUN } from '../../annotations/homerun.ts';
import { cronOf, wrongSchedule, wrongTimeZone } from './cron.ts';
import type { Job } from './types.ts';

/** When a job runs by itself. Times are in milliseconds since the epoch. */
export interface Schedule {
  /** The first time after `time`. */
  next(time: number): number;
  /** The last time at or before `time`; undefined when there was none in years. */
  latest(time: number): number | undefined;
}

/**
 * The schedule that annotations homerun.dev/schedule and homerun.dev/time-zone declare.
 * @returns undefined where there is none, or an invalid one, which admission rejects.
 */
export function scheduleOf({ metadata }: Pick<Job, 'metadata'>): Schedule | undefined {
  const { [HOMERUN.schedule]: expression, [HOMERUN.timeZone]: zone } = metadata.annotations ?? {};
  if (expression === undefined || wrongSchedule(expression) || (zone && wrongTimeZone(zone)))
    return undefined;
  const cron = cronOf(expression.trim(), zone || 'UTC');
  return {
    next: (time) => (cron.nextRun(new Date(time)) as Date).getTime(),
    // What is exactly `time` counts; croner looks for what lies before.
    latest: (time) => cron.previousRuns(1, new Date(Math.floor(time / 1000) * 1000 + 1000))[0]?.getTime(),
  };
}
