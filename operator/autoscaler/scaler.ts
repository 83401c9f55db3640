import { workerPoolOf } from '../apis/labels.ts';
import { keptInstances } from '../apis/serving/revision/scaling.ts';
import { timeoutMs } from '../apis/serving/revision/timeout.ts';
import type { Revision } from '../apis/serving/revision/types.ts';
import type { Route } from '../apis/serving/route/types.ts';
import type { Service } from '../apis/serving/service/types.ts';
import type { Identity } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import { aborted, nextTurn, sleep, systemClock } from '../kube/clock.ts';
import { type Deployment, PODS, type Pod } from '../kube/core.ts';
import { Informer } from '../kube/informer.ts';
import type { Capabilities } from '../kube/types.ts';
import type { RoleConfig } from '../roles.ts';
import type { Logger } from '../telemetry/log.ts';
import { autoscalerTick, revisionFailures, setScalingSource } from '../telemetry/metrics.ts';
import { afterFailure, afterPause, type DrainResult, NO_DRAINS } from './drain.ts';
import {
  drainsOf,
  type Entry,
  explained,
  isAwake,
  removeSeries,
  replicasOf,
  report,
  scalingsOf,
} from './entry.ts';
import type { Reports } from './explain.ts';
import { GatewayScraper } from './gateways.ts';
import { IdleCpuWriter, type Seen } from './idleCpuWriter.ts';
import { uidOf } from './instances.ts';
import type { RequestLoad } from './load.ts';
import { RevisionReader } from './revisionReader.ts';
import { RevisionSelection } from './revisionSelection.ts';
import { nextScaleIn, type Scaling } from './scaleIn.ts';
import { type ScaleChange, ScaleWriter } from './scaleWriter.ts';
import { Track } from './track.ts';
import type { GatewayView } from './view.ts';

/** The pods of the operator's namespace that are gateways, as the chart labels them. */
const GATEWAY_SELECTOR = 'app.kubernetes.io/name=homerun,app.kubernetes.io/component=gateway';

export interface AutoscalerOptions {
  client: KubeClient;
  config: RoleConfig<'controller'>;
  identity: Identity;
  capabilities: Capabilities;
  /** The pod informer needs an index `revision` by the UIDs of revisions. */
  informers: {
    revisions: Informer<Revision>;
    services: Informer<Service>;
    routes: Informer<Route>;
    deployments: Informer<Deployment>;
    pods: Informer<Pod>;
  };
  /** Where the reasons of the numbers go; nowhere when left out. */
  reports?: Reports;
  log: Logger;
  /** Milliseconds on a clock that nobody sets, so that only differences mean anything. */
  now?: () => number;
  /** Unix time in ms: for what other machines have dated, or order. */
  today?: () => number;
}

/** Longest stretch of work before it yields to the event loop. */
const STRETCH_MS = 10;

type Change = Omit<ScaleChange, 'seen' | 'instances'> & { readonly requests: RequestLoad | undefined };

/**
 * Sets the number of instances of every revision, once a second. It writes `/scale` only, and only when the number
 * changes. Waking from zero is the gateway's; here it counts as activity. Its state is rebuilt after a restart, starting
 * from what runs; it survives the loss of the lease. An instance is removed in two steps: first no gateway sends to it any
 * more and its last request ends, and only then is the number lowered.
 */
export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #now: () => number;
  readonly #today: () => number;
  readonly #log: Logger;
  readonly #gatewayPods: Informer<Pod>;
  readonly #gateways: GatewayScraper;
  readonly #reader: RevisionReader;
  readonly #writer: ScaleWriter;
  /** Undefined where the cluster cannot change the CPU of running pods. */
  readonly #idleCpu: IdleCpuWriter | undefined;
  readonly #selection: RevisionSelection;
  readonly #entries = new Map<string, Entry>();
  readonly #writes = new Set<Promise<void>>();
  /** Revisions whose last visit ended in an error, which is logged once. */
  readonly #failing = new Set<string>();
  #rounds = 0;
  /** When this process became leader, in Unix time in ms. */
  #term = 0;
  /** When it last stopped leading. */
  #stoppedAt: number | undefined;

  constructor(options: AutoscalerOptions) {
    const { client, config, identity, capabilities, log } = options;
    const { now = systemClock.now, today = Date.now } = options;
    this.#options = options;
    this.#now = now;
    this.#today = today;
    this.#log = log;
    this.#gatewayPods = new Informer({
      client,
      log,
      type: PODS,
      name: 'gateway-pods',
      namespace: identity.namespace,
      labelSelector: GATEWAY_SELECTOR,
    });
    this.#gateways = new GatewayScraper({
      pods: () => this.#gatewayPods.store.list(),
      adminPort: config.adminPort,
      log,
    });
    this.#selection = new RevisionSelection(options.informers);
    const { pods } = options.informers;
    this.#writer = new ScaleWriter({ client, podsOf: (uid) => pods.store.byIndex('revision', uid), log });
    if (capabilities.resizesPods) {
      const lowers = config.autoscaler.idleCpuResize;
      this.#idleCpu = new IdleCpuWriter({
        client,
        lowers,
        podsOf: (entry) => this.#reader.podsOf(entry),
        today,
        log,
      });
    }
    this.#reader = new RevisionReader({ ...options, today });
  }

  /**
   * Scales until `signal` aborts. Run it while the lease is held; it may run again when the lease is held again, and
   * continues with its state.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { informers, config } = this.#options;
    this.#resume(this.#now());
    setScalingSource(() => scalingsOf(this.#entries));
    const watching = this.#gatewayPods.run(signal);
    await Promise.race([
      Promise.all([this.#gatewayPods, ...Object.values(informers)].map(({ synced }) => synced)),
      aborted(signal),
    ]);
    const tickMs = config.autoscaler.tickSeconds * 1000;
    while (!signal.aborted) {
      const startedAt = performance.now();
      await this.#tick(signal).catch((err) => this.#log.error({ err }, 'a round of scaling failed'));
      await sleep(tickMs - (performance.now() - startedAt), signal);
    }
    await Promise.allSettled([watching, ...this.#writes]);
    await this.#gateways.close();
    this.#stoppedAt = this.#now();
    setScalingSource(() => []);
    for (const [key, entry] of this.#entries) {
      this.#options.reports?.forget(key);
      if (entry.reported) removeSeries(key, entry);
    }
  }

  /** The time without the lease does not count as idle time, and drains start over. */
  #resume(now: number): void {
    this.#term = this.#today();
    const pauseMs = Math.max(0, now - (this.#stoppedAt ?? now));
    for (const entry of this.#entries.values()) {
      entry.track.pause(pauseMs);
      entry.drains = afterPause(entry.drains, now);
    }
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const orders = { term: this.#term, round: this.#rounds + 1, instances: drainsOf(this.#entries) };
    const view = await this.#gateways.collect(orders, this.#now);
    if (signal.aborted) return;
    const stopTimer = autoscalerTick.startTimer();
    const now = this.#now();
    this.#reader.pollCpu(now);
    this.#rounds++;
    this.#idleCpu?.begin(now);
    let stretchStart = performance.now();
    for (const key of this.#selection.next(view.revisions())) {
      this.#selection.keep(key, this.#visitSafely(key, view, now));
      if (performance.now() - stretchStart < STRETCH_MS) continue;
      await nextTurn();
      stretchStart = performance.now();
    }
    this.#options.reports?.show(now);
    stopTimer();
  }

  /** What one revision has wrong must not keep the others from being scaled; it is visited again in the next round. */
  #visitSafely(key: string, view: GatewayView, now: number): boolean {
    try {
      const isAwake = this.#visit(key, view, now);
      this.#failing.delete(key);
      return isAwake;
    } catch (err) {
      revisionFailures.inc();
      if (!this.#failing.has(key))
        this.#log.error({ err, revision: key }, 'a revision cannot be scaled: this is a defect');
      this.#failing.add(key);
      return true;
    }
  }

  /** @returns whether the next round must visit the revision: it has instances, requests, drains or a pending write. */
  #visit(key: string, view: GatewayView, now: number): boolean {
    const revision = this.#options.informers.revisions.store.get(key);
    const deployment = revision && this.#reader.deploymentOf(revision);
    // A worker pool sets the number of its instances itself.
    if (!deployment || deployment.metadata.deletionTimestamp || workerPoolOf(revision) !== undefined) {
      this.#forget(key);
      return false;
    }
    const entry = this.#entryOf(key, revision);
    if (entry.writing) return true;
    const timeout = timeoutMs(revision);
    const requests = view.loadOf(key, timeout);
    const spec = this.#reader.specOf(entry, revision, this.#selection.targetOf(key));
    const replicas = replicasOf(deployment, entry);
    const ready = deployment.status?.readyReplicas ?? 0;
    const decision = entry.track.next(
      {
        spec,
        replicas,
        ready,
        requests,
        complete: view.isComplete(key, timeout),
        cpu: replicas > 0 ? this.#reader.cpuLoadOf(entry) : undefined,
      },
      now,
    );
    const target = decision?.replicas ?? replicas;
    report(entry, revision, target, ready);
    explained(entry, key, decision, revision, this.#options.reports);
    this.#resize(entry, { revision, deployment, requests, decision }, now);
    const scaling = { deployment, replicas, target, keep: keptInstances(spec), requests };
    const { write } = this.#drain(entry, key, scaling, view, timeout, now);
    const to = target > replicas ? target : write?.replicas;
    if (to === undefined) return isAwake(entry, replicas, requests);
    const reason = decision?.reason ?? 'steady';
    const remove = write?.remove ?? new Set<string>();
    this.#follow(this.#write(entry, { deployment, from: replicas, to, reason, requests, remove }));
    return true;
  }

  #resize(entry: Entry, seen: Seen, now: number): void {
    for (const write of this.#idleCpu?.visit(entry, seen, now) ?? []) this.#follow(write);
  }

  /** Keeps a write, so that the end of `run` waits for it. */
  #follow(write: Promise<void>): void {
    this.#writes.add(write);
    void write.finally(() => this.#writes.delete(write));
  }

  #entryOf(key: string, revision: Revision): Entry {
    const known = this.#entries.get(key);
    if (known && known.uid === revision.metadata.uid) return known;
    const { uid } = revision.metadata;
    const entry = { uid, track: new Track(), writing: false, drains: NO_DRAINS };
    this.#entries.set(key, entry);
    return entry;
  }

  /** The next step of the scale-in, if there is one. */
  #drain(
    entry: Entry,
    key: string,
    scaling: Scaling,
    view: GatewayView,
    timeout: number,
    now: number,
  ): DrainResult {
    const pods = this.#reader.podsOf(entry);
    const result = nextScaleIn(entry, pods, scaling, (named) => view.drainOf(key, named, timeout), now);
    entry.drains = result.drains;
    for (const pod of pods) if (result.evict.includes(uidOf(pod))) this.#follow(this.#writer.evict(pod));
    return result;
  }

  async #write(entry: Entry, { requests, ...change }: Change): Promise<void> {
    entry.writing = true;
    const seen = String(entry.written?.version ?? change.deployment.metadata.resourceVersion);
    const instances = requests?.instances ?? new Map<string, number>();
    const written = await this.#writer.write({ ...change, seen, instances });
    entry.writing = false;
    if (written.version === undefined) {
      entry.drains = afterFailure(entry.drains, change.remove, written.unknown, this.#now());
      return;
    }
    entry.written = { replicas: change.to, version: written.version };
    entry.track.wrote(change.to);
  }

  /** Drops a deleted revision and its series. */
  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#options.reports?.forget(key);
    removeSeries(key, entry);
  }
}
