import { Cron } from 'croner';

/** Longest expression; a sensible one has far fewer characters. */
const MAX_LENGTH = 256;
/** Five fields, or one of cron's short names; croner itself would also take a date. */
const FORM = /^(@[a-z]+|\S+(\s+\S+){4})$/;
/** An expression that has no time within years of this one has none ever. */
const SOME_DAY = new Date('2026-01-01T00:00:00Z');

/** What a schedule may be. */
export const SCHEDULE_FORM =
  'a cron expression of five fields: minute, hour, day of month, month, day of week';

/** What a time zone may be. */
export const TIME_ZONE_FORM = 'the name of a time zone, such as Europe/Berlin';

/** What a schedule must be; undefined when it is valid (unix-cron format, as Cloud Scheduler takes it). */
export function wrongSchedule(expression: string): string | undefined {
  const text = expression.trim();
  if (text.length > MAX_LENGTH || !FORM.test(text)) return SCHEDULE_FORM;
  try {
    return cronOf(text, 'UTC').nextRun(SOME_DAY)
      ? undefined
      : `${SCHEDULE_FORM}, that matches at least one date`;
  } catch (error) {
    const said = (error as Error).message.replace(/^CronPattern: /, '');
    return `${SCHEDULE_FORM} (${said})`;
  }
}

/** What a time zone must be; undefined when it is valid. */
export function wrongTimeZone(zone: string): string | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return undefined;
  } catch {
    return TIME_ZONE_FORM;
  }
}

/** A parsed schedule. @throws when the expression is invalid. */
export function cronOf(expression: string, timezone: string): Cron {
  return new Cron(expression, { paused: true, mode: '5-part', timezone });
}
