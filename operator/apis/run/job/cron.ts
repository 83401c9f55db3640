import { Cron } from 'croner';

/** Maximum length of an expression; sensible ones are far shorter. */
const MAX_LENGTH = 256;
/** Five fields, or a nickname such as @daily; croner itself would also accept a date. */
const FORM = /^(@[a-z]+|\S+(\s+\S+){4})$/;
/** An expression that matches no time within years of this date never does. */
const SOME_DAY = new Date('2026-01-01T00:00:00Z');

/** The form of a schedule, for messages. */
export const SCHEDULE_FORM =
  'a cron expression of five fields: minute, hour, day of month, month, day of week';

/** The form of a time zone, for messages. */
export const TIME_ZONE_FORM = 'the name of a time zone, such as Europe/Berlin';

/** The form that an invalid schedule lacks; undefined when it is valid (unix-cron format, as in Cloud Scheduler). */
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

/** The form that an invalid time zone lacks; undefined when it is valid. */
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
