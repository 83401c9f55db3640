import { Cron } from 'croner';
import { HOMERUN } from '../../annotations.ts';
import type { Job } from './types.ts';

/** Longest expression; a sensible one has far fewer characters. */
const MAX_LENGTH = 256;
/** Five fields, or one of cron's short names; croner itself would also take a date. */
const FORM = /^(@[a-z]+|\S+(\s+\S+){4})$/;
/** An expression that has no time within years of this one has none ever. */
const SOME_DAY = new Date('2026-01-01T00:00:00Z');

/** When a job runs by itself. Times are in milliseconds since the epoch. */
export interface Schedule {
  /** The first time after `time`. */
  next(time: number): number;
  /** The last time at or before `time`; undefined when there was none in years. */
  latest(time: number): number | undefined;
}

/**
 * The schedule that annotations homerun.dev/schedule and homerun.dev/time-zone declare.
 * @returns undefined where there is none, or one that means nothing: admission refuses that.
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

/** What a schedule must be; undefined when it is one (unix-cron, as Cloud Scheduler takes it). */
export function wrongSchedule(expression: string): string | undefined {
  const form = 'a cron expression of five fields: minute, hour, day of month, month, day of week';
  const text = expression.trim();
  if (text.length > MAX_LENGTH || !FORM.test(text)) return form;
  try {
    return cronOf(text, 'UTC').nextRun(SOME_DAY) ? undefined : `${form}, with a time that comes`;
  } catch (error) {
    const said = (error as Error).message.replace(/^CronPattern: /, '');
    return `${form} (${said})`;
  }
}

/** What a time zone must be; undefined when it is one. */
export function wrongTimeZone(zone: string): string | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return undefined;
  } catch {
    return 'the name of a time zone, such as Europe/Berlin';
  }
}

function cronOf(expression: string, timezone: string): Cron {
  return new Cron(expression, { paused: true, mode: '5-part', timezone });
}
