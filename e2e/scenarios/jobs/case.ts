import type { Execution } from '../../../operator/apis/run/execution/types.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import type { Attempt, JobOptions, JobWatch } from '../../lib/jobs.ts';

/** What a case works with. */
export interface Scene {
  client: KubeClient;
  namespace: string;
  watch: JobWatch;
  /** Name of the job. */
  job: string;
  /** Name of the execution that is looked at. */
  execution: string;
}

/** One behaviour of a job on a real cluster. */
export interface Case {
  reason: string;
  job: JobOptions;
  /** How it is run; by a value of annotation homerun.dev/run when left out. */
  start?: (scene: Scene) => Promise<unknown>;
  /** What happens to it while it runs. */
  during?: (scene: Scene) => Promise<unknown>;
  want: {
    completed: 'True' | 'False';
    reason?: string;
    message?: RegExp;
    /** succeeded, failed, cancelled, retried. */
    counts?: [number, number, number, number];
    /** Attempts of all tasks ever made, `index.attempt`. */
    attempts?: string[];
  };
  check?: (scene: Scene, execution: Execution, attempts: Attempt[]) => unknown;
}

/** A program that goes on until something ends it, however slow the machine is. */
export const LONG = { SLEEP_MS: '600000' };

/** Resolves when so many tasks of the execution run. */
export async function running({ watch, execution }: Scene, count: number): Promise<void> {
  await watch.seen(watch.executions, execution, ({ status }) => (status?.runningCount ?? 0) >= count, {
    what: `${count} tasks running`,
  });
}
