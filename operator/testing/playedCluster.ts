import { setTimeout as sleep } from 'node:timers/promises';
import {
  BATCH_JOBS,
  type BatchJob,
  CORE_SERVICES,
  DEPLOYMENTS,
  type Deployment,
  PODS,
  type Pod,
} from '../kube/core.ts';
import { controllerReference, isControlledBy } from '../kube/owner.ts';
import { timestamp } from '../kube/time.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import type { FakeApiServer } from './fakeApiServer.ts';
import type { StorageEvent } from './fakeStorage.ts';
import type { FakeWatch } from './fakeWatch.ts';
import type { Random } from './random.ts';

/** An environment variable by which a container exits as soon as it has started. */
export const BREAKS = { name: 'BREAKS', value: 'yes' };

/** How often something happens that need not, such as the next event of a watch that others have to wait for. */
const OUT_OF_TURN = 0.1;
/** Turns without a request after which nothing is under way. */
const QUIET_TURNS = 2;

/**
 * What a cluster does beside the controllers (instances start, tasks run, what has lost its owner goes), and when they
 * hear of anything. Each watch has a rank that changes seldom: one of a low rank hears nothing while those above it have
 * something to hear or to do, as where a stream lags. The order within each watch is kept.
 */
export class PlayedCluster {
  readonly #server: FakeApiServer;
  readonly #random: Random;
  readonly #kinds: readonly ResourceType[];
  readonly #ranks = new Map<FakeWatch | PlayedCluster, number>();
  readonly #todo: (() => void)[] = [];
  /** UIDs of what has been deleted. */
  readonly #gone = new Set<string>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** @param kinds those that may have an owner, besides what is made here. */
  constructor(server: FakeApiServer, random: Random, kinds: readonly ResourceType[]) {
    this.#server = server;
    this.#random = random;
    this.#kinds = [...kinds, DEPLOYMENTS, BATCH_JOBS, CORE_SERVICES, PODS];
    server.holdWatches();
    server.storage.listeners.add((event) => this.#hear(event));
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let [seen, quiet] = [0, 0];
    while (!this.#stop.signal.aborted) {
      await sleep(1);
      const { length } = this.#server.requests;
      quiet = seen === length ? quiet + 1 : 0;
      seen = length;
      if (quiet < QUIET_TURNS && !this.#random.chance(OUT_OF_TURN)) continue;
      quiet = 0;
      this.#next();
    }
  }

  /** One event passes, or the cluster does one thing. */
  #next(): void {
    const ready = [...this.#server.watchesBehind, ...(this.#todo.length > 0 ? [this] : [])];
    if (ready.length === 0) return;
    const [first = this] = ready.toSorted((a, b) => this.#rankOf(a) - this.#rankOf(b));
    const next = this.#random.chance(OUT_OF_TURN) ? this.#random.pick(ready) : first;
    if (this.#random.chance(OUT_OF_TURN)) this.#ranks.delete(next);
    if (next instanceof PlayedCluster) this.#todo.shift()?.();
    else next.pass();
  }

  #rankOf(one: FakeWatch | PlayedCluster): number {
    const rank = this.#ranks.get(one) ?? this.#random.next();
    this.#ranks.set(one, rank);
    return rank;
  }

  #hear({ type, before, after, deleted }: StorageEvent): void {
    const { uid = '', ownerReferences = [] } = after.metadata;
    if (deleted) this.#gone.add(uid);
    // Who has not heard that the owner is gone may still make something for it.
    const gone = [uid, ...ownerReferences.map((owner) => owner.uid)].filter((each) => this.#gone.has(each));
    for (const each of gone) this.#todo.push(() => this.#collect(each));
    if (deleted) return;
    if (type === DEPLOYMENTS) this.#todo.push(() => this.#runInstances(uid));
    else if (type === BATCH_JOBS && !before) this.#todo.push(() => this.#runTask(uid));
  }

  /** Removes what belongs to an object that is gone. */
  #collect(uid: string): void {
    for (const type of this.#kinds) {
      for (const object of this.#server.list(type)) {
        if (isControlledBy(object, uid)) this.#server.remove(type, object.metadata);
      }
    }
  }

  /** As many instances as a Deployment asks for, all of them ready unless they break. */
  #runInstances(uid: string): void {
    const deployment = this.#find<Deployment>(DEPLOYMENTS, uid);
    if (!deployment) return;
    const { spec } = deployment;
    const replicas = spec?.replicas ?? 1;
    const pods = this.#server.list<Pod>(PODS).filter((pod) => isControlledBy(pod, uid));
    for (const pod of pods.slice(replicas)) this.#server.remove(PODS, pod.metadata);
    for (let i = pods.length; i < replicas; i++) {
      this.#server.put(podOf(deployment, i, spec?.template, true));
    }
    const readyReplicas = breaks(spec?.template) ? 0 : replicas;
    const status = { replicas, updatedReplicas: replicas, readyReplicas };
    this.#server.put({ ...deployment, spec: { ...spec, replicas }, status } as Deployment);
  }

  /** The one task of a Job runs, and then succeeds. */
  #runTask(uid: string): void {
    const job = this.#find<BatchJob>(BATCH_JOBS, uid);
    if (!job) return;
    const now = timestamp(Date.now());
    const pod = podOf(job, 0, job.spec?.template, false);
    this.#server.put(pod);
    this.#server.put({ ...job, status: { startTime: now, active: 1 } } as BatchJob);
    this.#todo.push(() => {
      if (!this.#find(BATCH_JOBS, uid)) return;
      this.#server.put({ ...pod, status: { ...pod.status, phase: 'Succeeded' } } as Pod);
      const conditions = [{ type: 'Complete', status: 'True', lastTransitionTime: now }];
      const status = { startTime: now, completionTime: now, succeeded: 1, conditions };
      this.#server.put({ ...job, status } as BatchJob);
    });
  }

  #find<T extends KubeObject>(type: ResourceType<T>, uid: string): T | undefined {
    return this.#server.list<T>(type).find(({ metadata }) => metadata.uid === uid);
  }
}

const exited = {
  ready: false,
  restartCount: 4,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: timestamp(Date.now()) } },
};

type PodTemplate = NonNullable<Deployment['spec']>['template'];

function breaks(template: PodTemplate | undefined): boolean {
  return template?.spec?.containers.some(({ env }) => env?.some(({ name }) => name === BREAKS.name)) ?? false;
}

function podOf(owner: KubeObject, index: number, template: PodTemplate | undefined, ready: boolean): Pod {
  // A second revision of a pool must have run for a while.
  const startedAt = timestamp(Date.now() - 60_000);
  const { uid = '', namespace, name } = owner.metadata;
  const task = {
    labels: { 'batch.kubernetes.io/controller-uid': uid },
    annotations: { 'batch.kubernetes.io/job-completion-index': '0' },
  };
  const { labels, annotations } = owner.kind === BATCH_JOBS.kind ? task : {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${uid.slice(0, 8)}-${index}`,
      namespace,
      labels: { ...template?.metadata?.labels, ...labels },
      ...(annotations ? { annotations } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: breaks(template) ? 'False' : 'True' }],
      containerStatuses: (template?.spec?.containers ?? []).map((container) => ({
        name: container.name,
        ...(breaks(template) ? exited : { ready, restartCount: 0, state: { running: { startedAt } } }),
      })),
    },
  } as Pod;
}
