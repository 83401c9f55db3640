import { HOMERUN } from '../../apis/annotations/homerun.ts';
import { childName } from '../../apis/names.ts';
import { scheduleOf } from '../../apis/run/job/schedule.ts';
import type { Job } from '../../apis/run/job/types.ts';
import { timestamp } from '../../kube/time.ts';
import { DONE, type Run } from './runs.ts';

export interface Scheduled {
  /** The run that is due. */
  run?: Run;
  /** What to remember even where nothing is due: up to when the schedule has been kept. */
  done: Record<string, string>;
  /** When the next run is due, in milliseconds since 1970. */
  nextAt?: number;
}

/**
 * What a job's schedule asks for now. A schedule counts from when it is first seen. Of several times that have passed
 * since it was last kept, because the controller was down, only the newest is made up for, and only within the
 * deadline. The execution's name follows from the time, so that one is started for each time, whichever process starts it.
 */
export function scheduled(job: Job, deadlineSeconds: number, now: number): Scheduled {
  const schedule = scheduleOf(job);
  if (!schedule) return { done: {} };
  const { [HOMERUN.schedule]: cron, [HOMERUN.timeZone]: zone = '' } = job.metadata.annotations ?? {};
  const text = `${cron} ${zone}`.trim();
  const remembered = job.status?.annotations?.[DONE.schedule] ?? '';
  const [time = ''] = remembered.split(' ', 1);
  const nextAt = schedule.next(now);
  if (remembered.slice(time.length + 1) !== text) return { done: keptUntil(now, text), nextAt };
  const due = schedule.latest(now);
  const since = Math.max(Date.parse(time), now - deadlineSeconds * 1000);
  if (due === undefined || due <= since) return { done: {}, nextAt };
  const name = childName(job.metadata.name, `-${Math.floor(due / 60_000)}`);
  return { run: { name, done: keptUntil(due, text) }, done: {}, nextAt };
}

function keptUntil(at: number, text: string): Record<string, string> {
  return { [DONE.schedule]: `${timestamp(at)} ${text}` };
}
