import { BOOKKEEPING } from '../../apis/annotations/bookkeeping.ts';
import { HOMERUN } from '../../apis/annotations/homerun.ts';
import { childName, letters } from '../../apis/names.ts';
import type { Job } from '../../apis/run/job/types.ts';

/** What the status remembers of the runs that were started, so that none is started twice. */
export const DONE = {
  startToken: BOOKKEEPING.startTokenDone,
  runToken: BOOKKEEPING.runTokenDone,
  run: HOMERUN.run,
  /** The schedule, and the time up to which it has been kept. */
  schedule: BOOKKEEPING.scheduleKept,
} as const;

/** A run that the job asks for and that has not been started. */
export interface Run {
  /** Name of the execution. */
  name: string;
  /** What to remember when it has been made. */
  done: Record<string, string>;
}

/** The runs that tokens and the annotation `homerun.dev/run` ask for; each of their values counts once. */
export function askedRuns({ metadata, spec, status }: Job): Run[] {
  const asked: [string, string | undefined][] = [
    [DONE.startToken, spec.startExecutionToken],
    [DONE.runToken, spec.runExecutionToken],
    [DONE.run, metadata.annotations?.[HOMERUN.run]],
  ];
  return asked.flatMap(([key, value]) => {
    if (!value || status?.annotations?.[key] === value) return [];
    return [{ name: executionName(metadata.name, value), done: { [key]: value } }];
  });
}

/** Name of the execution that the job's Ready waits for; undefined where it waits for none. */
export function awaitedRun({ metadata, spec }: Job): string | undefined {
  const token = spec.runExecutionToken || spec.startExecutionToken;
  return token ? executionName(metadata.name, token) : undefined;
}

/** JOB-VALUE; a value that cannot be part of a name is written as letters that follow from it. */
export function executionName(job: string, value: string): string {
  const fits = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value);
  return childName(job, `-${fits && value.length <= 40 ? value : letters(value, 10)}`);
}
