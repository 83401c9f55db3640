import { RUN } from '../../operator/apis/labels.ts';
import { EXECUTIONS, type Execution } from '../../operator/apis/run/execution/types.ts';
import { JOBS, type Job } from '../../operator/apis/run/job/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { BATCH_JOBS, type BatchJob, PODS, type Pod } from '../../operator/kube/core.ts';
import { Informer } from '../../operator/kube/informer.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { createLogger } from '../../operator/telemetry/log.ts';
import { WaitError } from '../../operator/testing/until.ts';
import { HELLO_IMAGE } from './services.ts';

type TaskSpec = Job['spec']['template']['spec']['template']['spec'];
type Container = TaskSpec['containers'][number];

export interface JobOptions {
  tasks?: number;
  parallelism?: number;
  maxRetries?: number;
  timeoutSeconds?: number;
  /** Environment of the container; the test program's own says what it does. */
  env?: Record<string, string>;
  container?: Partial<Container>;
  /** Containers beside the first one. */
  others?: Partial<Container>[];
  volumes?: TaskSpec['volumes'];
  serviceAccountName?: string;
  /** Annotations of the job. */
  annotations?: Record<string, string>;
  /** Annotations of the executions. */
  executionAnnotations?: Record<string, string>;
  spec?: Partial<Job['spec']>;
}

/** A job of the test program. */
export function helloJob(namespace: string, name: string, options: JobOptions = {}): Job {
  const {
    tasks = 1,
    parallelism,
    maxRetries = 0,
    timeoutSeconds = 300,
    volumes,
    serviceAccountName,
  } = options;
  const container = (changes: Partial<Container> = {}, env: Record<string, string> = {}) => ({
    image: HELLO_IMAGE,
    env: Object.entries({ TASK: '1', ...env }).map(([key, value]) => ({ name: key, value })),
    resources: { limits: { cpu: '1', memory: '64Mi' } },
    ...changes,
  });
  const containers = [
    container(options.container, options.env),
    ...(options.others ?? []).map((each) => container(each)),
  ];
  const template = { spec: { containers, maxRetries, timeoutSeconds, volumes, serviceAccountName } };
  return {
    apiVersion: JOBS.apiVersion,
    kind: JOBS.kind,
    metadata: { name, namespace, annotations: options.annotations },
    spec: {
      ...options.spec,
      template: {
        metadata: { annotations: options.executionAnnotations },
        spec: { taskCount: tasks, parallelism, template },
      },
    },
  } as Job;
}

/** Environment variables as a container declares them. */
export function envOf(variables: Record<string, string>): Container['env'] {
  return Object.entries({ TASK: '1', ...variables }).map(([name, value]) => ({ name, value }));
}

/** One attempt of a task, as its pod reported it. */
export interface Attempt {
  index: number;
  attempt: number;
  pod: string;
  phase: string;
  exitCode?: number;
  /** What the test program saw; missing while it runs, and when it left its last line instead. */
  seen?: { Args: string[] | null; Env: Record<string, string> };
  startedAt?: string;
  finishedAt?: string;
}

/** Keeps what happens to the jobs of a namespace: a pod that has gone is still known. */
export class JobWatch {
  readonly jobs: Informer<Job>;
  readonly executions: Informer<Execution>;
  readonly batchJobs: Informer<BatchJob>;
  readonly pods: Informer<Pod>;
  readonly #everyPod = new Map<string, Pod>();
  readonly #mostActive = new Map<string, number>();
  readonly #stop = new AbortController();

  constructor(client: KubeClient, namespace: string) {
    const common = { client, namespace, log: createLogger('test', 'fatal') };
    this.jobs = new Informer({ ...common, type: JOBS });
    this.executions = new Informer({ ...common, type: EXECUTIONS });
    this.batchJobs = new Informer({ ...common, type: BATCH_JOBS });
    this.pods = new Informer({ ...common, type: PODS });
    this.pods.onChange(({ object }) => this.#everyPod.set(object.metadata.uid ?? '', object));
    this.batchJobs.onChange(({ object: { metadata, status } }) => {
      const most = this.#mostActive.get(metadata.name) ?? 0;
      this.#mostActive.set(metadata.name, Math.max(most, status?.active ?? 0));
    });
    for (const each of [this.jobs, this.executions, this.batchJobs, this.pods])
      void each.run(this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Every attempt that was ever made of an execution's tasks, by index and attempt. */
  attempts(execution: string): Attempt[] {
    return [...this.#everyPod.values()]
      .filter(({ metadata }) => metadata.labels?.[RUN.execution] === execution)
      .map(attemptOf)
      .sort((a, b) => a.index - b.index || a.attempt - b.attempt);
  }

  /** The highest number of pods that a batch/v1 Job had at once. */
  mostActive(name: string): number {
    return this.#mostActive.get(name) ?? 0;
  }

  /**
   * The object once `holds` is true of it.
   * @throws {WaitError} with its last state when it is not within `timeoutMs`.
   */
  seen<T extends KubeObject>(
    informer: Informer<T>,
    name: string,
    holds: (object: T) => boolean,
    { timeoutMs = 600_000, what = 'the awaited state' } = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let last: T | undefined;
      const timer = setTimeout(() => {
        const state = JSON.stringify((last as { status?: unknown } | undefined)?.status);
        reject(new WaitError(`${name}: not ${what} within ${timeoutMs / 1000} s: ${state}`));
      }, timeoutMs);
      informer.onChange(({ type, object }) => {
        if (object.metadata.name !== name || type === 'deleted') return;
        last = object;
        if (!holds(object)) return;
        clearTimeout(timer);
        resolve(object);
      });
    });
  }

  /** The execution once it has ended, however. */
  ended(name: string): Promise<Execution> {
    return this.seen(
      this.executions,
      name,
      (execution) => completedOf(execution)?.status !== 'Unknown' && completedOf(execution) !== undefined,
      {
        what: 'ended',
      },
    );
  }

  /** Resolves when an object of this name is gone. */
  gone<T extends KubeObject>(informer: Informer<T>, name: string): Promise<void> {
    return new Promise((resolve) => {
      const isGone = () => ![...informer.store.list()].some(({ metadata }) => metadata.name === name);
      if (isGone()) resolve();
      informer.onChange(() => isGone() && resolve());
    });
  }
}

/** The condition that says how an execution ended. */
export function completedOf({ status }: Execution) {
  return status?.conditions?.find(({ type }) => type === 'Completed');
}

/** Names of a job's executions. */
export function executionsOf(watch: JobWatch, job: string): string[] {
  return watch.executions.store
    .list()
    .filter(({ metadata }) => metadata.labels?.[RUN.job] === job)
    .map(({ metadata }) => metadata.name)
    .sort();
}

function attemptOf({ metadata, status }: Pod): Attempt {
  const state = status?.containerStatuses?.[0]?.state;
  const { exitCode, message, startedAt, finishedAt } = state?.terminated ?? {};
  return {
    index: Number(metadata.annotations?.['batch.kubernetes.io/job-completion-index']),
    attempt: Number(metadata.annotations?.['batch.kubernetes.io/job-index-failure-count']),
    pod: metadata.name,
    phase: status?.phase ?? 'Pending',
    exitCode,
    seen: message?.startsWith('{') ? JSON.parse(message) : undefined,
    startedAt: startedAt ?? state?.running?.startedAt,
    finishedAt,
  };
}
