import { SCHEDULE_FORM, TIME_ZONE_FORM, wrongSchedule, wrongTimeZone } from '../run/job/cron.ts';
import { type Annotation, EXECUTION, honoured, JOB, keysOf } from './annotation.ts';
import { FLAG, JSON_OBJECT, wholeNumber } from './values.ts';

/** A job or execution keeps them for itself. */
const OWN = ['child', 'execution'] as const;

/** Homerun's own, for what Cloud Run offers as API calls or as separate products. */
export const HOMERUN_ANNOTATIONS = {
  // The length of the value depends on the name of the job, so validateJob checks it.
  run: {
    key: 'homerun.dev/run',
    on: JOB,
    effect: honoured('any new value runs the job once; the execution is named JOB-VALUE'),
    notInheritedBy: OWN,
  },
  schedule: {
    key: 'homerun.dev/schedule',
    on: JOB,
    value: { allowed: SCHEDULE_FORM, check: wrongSchedule },
    effect: honoured('the job runs at each scheduled time'),
    notInheritedBy: OWN,
  },
  timeZone: {
    key: 'homerun.dev/time-zone',
    on: JOB,
    value: { allowed: TIME_ZONE_FORM, check: wrongTimeZone },
    effect: honoured('the time zone of the schedule; UTC when unset'),
    notInheritedBy: OWN,
  },
  historyLimit: {
    key: 'homerun.dev/executions-history-limit',
    on: JOB,
    value: wholeNumber(0, 1000),
    effect: honoured('so many finished executions are kept, the newest ones'),
    notInheritedBy: OWN,
  },
  overrides: {
    key: 'homerun.dev/overrides',
    on: EXECUTION,
    value: JSON_OBJECT,
    effect: honoured('as RunJobRequest.overrides of the API'),
    notInheritedBy: OWN,
  },
  cancel: {
    key: 'homerun.dev/cancel',
    on: EXECUTION,
    value: FLAG,
    effect: honoured('true stops the execution'),
    notInheritedBy: OWN,
  },
} as const satisfies Record<string, Annotation>;

export const HOMERUN = keysOf(HOMERUN_ANNOTATIONS);
