import { setTimeout as sleep } from 'node:timers/promises';
import { RUN } from '../../operator/apis/labels.ts';
import { EXECUTIONS, type Execution } from '../../operator/apis/run/execution/types.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { isKubeError } from '../../operator/kube/errors.ts';
import { type Attempt, completedOf, helloJob, JobWatch } from '../lib/jobs.ts';
import { until } from '../lib/wait.ts';

const JOB = 'counting';
const TASKS = 4;
const EVERY_MS = 10_000;
/** An execution is over by then, also where something stood still for half a minute. */
const OVERDUE_MS = 90_000;

/** Executions of a job, one after another, whose tasks count in what they leave behind. */
export class Counting {
  readonly #client: KubeClient;
  readonly #namespace: string;
  #jobs: JobWatch | undefined;
  readonly #startedAt = new Map<string, number>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #judged = 0;

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  async start(): Promise<void> {
    this.#jobs = new JobWatch(this.#client, this.#namespace);
    const options = { tasks: TASKS, parallelism: 2, maxRetries: 3, env: { SLEEP_MS: '1500' } };
    const job = helloJob(this.#namespace, JOB, options);
    for (const { resources } of job.spec.template.spec.template.spec.containers) {
      Object.assign(resources?.limits ?? {}, { cpu: '200m' });
    }
    await until('the job', () => this.#client.apply(JOBS, job, { fieldManager: 'chaos' }));
    this.#running = this.#run();
  }

  get #watch(): JobWatch {
    if (!this.#jobs) throw new Error('the job has not been started');
    return this.#jobs;
  }

  /** How many executions have ended and were looked at. */
  get judged(): number {
    return this.#judged;
  }

  /** Executions that should be over and are not. */
  overdue(): string[] {
    const isOverdue = ([name, at]: [string, number]) =>
      performance.now() - at > OVERDUE_MS && this.#ended(name) === undefined;
    return [...this.#startedAt].filter(isOverdue).map(([name]) => `execution ${name} is not over`);
  }

  /** What became of the executions that have ended since the last call; each is looked at once. */
  takeFindings(): TaskFindings {
    const found: TaskFindings = { wrong: [], repeated: [] };
    for (const name of this.#startedAt.keys()) {
      const completed = this.#ended(name);
      if (!completed) continue;
      this.#startedAt.delete(name);
      this.#judged++;
      if (completed.status !== 'True') found.wrong.push(`execution ${name} failed: ${completed.message}`);
      const { wrong, repeated } = findingsOf(name, this.#watch.attempts(name));
      found.wrong.push(...wrong);
      found.repeated.push(...repeated);
    }
    return found;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#jobs?.stop();
  }

  /** The condition of an execution that has ended. */
  #ended(name: string) {
    const execution = this.#watch.executions.store.get(`${this.#namespace}/${name}`);
    const completed = execution && completedOf(execution);
    return completed?.status === 'Unknown' ? undefined : completed;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let number = 1; !signal.aborted; number++) {
      await this.#startOne(`${JOB}-${number}`).catch(() => {});
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Asks until it is there, as whoever starts one would; the name keeps it from being started twice. */
  async #startOne(name: string): Promise<void> {
    const execution = {
      apiVersion: EXECUTIONS.apiVersion,
      kind: EXECUTIONS.kind,
      metadata: { name, namespace: this.#namespace, labels: { [RUN.job]: JOB } },
    } as Execution;
    await until(`execution ${name}`, async () => {
      if (this.#stop.signal.aborted) return true;
      try {
        return await this.#client.create(EXECUTIONS, execution);
      } catch (error) {
        if (isKubeError(error, 'KUBE_ALREADY_EXISTS')) return true;
        throw error;
      }
    });
    this.#startedAt.set(name, performance.now());
  }
}

/** What became of the tasks of executions, a line each. */
export interface TaskFindings {
  /** Tasks that never ran, or ran twice at once, and executions that failed. */
  wrong: string[];
  /**
   * Tasks that ran again after they had succeeded. Kubernetes' Job controller does so where it has lost sight of its own last
   * write, as when the API server is killed (Kubernetes, Jobs: "the same program may sometimes be started twice").
   */
  repeated: string[];
}

/**
 * What became of the tasks of an execution, by the attempts of them; none fails by itself. A pod whose container never started
 * has not run. Pure.
 */
export function findingsOf(execution: string, attempts: readonly Attempt[]): TaskFindings {
  const found: TaskFindings = { wrong: [], repeated: [] };
  for (let index = 0; index < TASKS; index++) {
    const task = `task ${index} of ${execution}`;
    const ran = attempts
      .filter((attempt) => attempt.index === index && attempt.startedAt !== undefined)
      .sort((a, b) => timeOf(a.startedAt) - timeOf(b.startedAt));
    if (ran.length === 0) found.wrong.push(`${task} never ran`);
    for (const [earlier, next] of ran.slice(1).entries()) {
      const previous = ran[earlier] as Attempt;
      const both = `${described(previous)}, then ${described(next)}`;
      if (timeOf(previous.finishedAt) > timeOf(next.startedAt))
        found.wrong.push(`${task} ran twice at once: ${both}`);
      else if (previous.exitCode === 0)
        found.repeated.push(`${task} ran again after it had succeeded: ${both}`);
    }
  }
  return found;
}

/** Milliseconds since 1970; no time is one that is never reached. */
function timeOf(time: string | undefined): number {
  return time === undefined ? Number.POSITIVE_INFINITY : Date.parse(time);
}

function described({ pod, phase, exitCode, startedAt, finishedAt }: Attempt): string {
  return `${pod} from ${startedAt} to ${finishedAt ?? '?'} (${phase}, exit code ${exitCode ?? '?'})`;
}
