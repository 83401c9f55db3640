import { NOT_POOLED, SERVING, workerPoolOf } from '../apis/labels.ts';
import { deploymentName } from '../apis/names.ts';
import { timeoutMs } from '../apis/serving/revision/timeout.ts';
import type { Revision } from '../apis/serving/revision/types.ts';
import type { Route } from '../apis/serving/route/types.ts';
import type { Service } from '../apis/serving/service/types.ts';
import type { Config, Identity } from '../config.ts';
import type { DrainOrders, DrainStep } from '../gateway/drainProtocol.ts';
import type { KubeClient } from '../kube/client.ts';
import { sleep } from '../kube/clock.ts';
import { type Deployment, PODS, type Pod } from '../kube/core.ts';
import { Informer } from '../kube/informer.ts';
import { keyOf } from '../kube/types.ts';
import type { Logger } from '../telemetry/log.ts';
import { actualInstances, autoscalerTick, desiredInstances } from '../telemetry/metrics.ts';
import { CpuReader, cpuOf } from './cpu.ts';
import type { CpuLoad } from './decide.ts';
import { afterFailure, type DrainResult, NO_DRAINS, nextDrains } from './drain.ts';
import { type Entry, replicasOf, report } from './entry.ts';
import { isEvicting } from './evictions.ts';
import { GatewayScraper } from './gateways.ts';
import { askedOf, candidateOf, isObserved, isThere, uidOf } from './instances.ts';
import type { RequestLoad } from './load.ts';
import { type ScaleChange, ScaleWriter } from './scaleWriter.ts';
import { type ScalingSpec, scalingSpec } from './spec.ts';
import { type Target, targetsOf } from './targets.ts';
import { Track } from './track.ts';
import type { GatewayView } from './view.ts';

/** The pods of the operator's namespace that are gateways, as the chart labels them. */
const GATEWAY_SELECTOR = 'app.kubernetes.io/name=homerun,app.kubernetes.io/component=gateway';

export interface AutoscalerOptions {
  client: KubeClient;
  config: Config;
  identity: Identity;
  /** The pod informer needs an index `revision` of `namespace/REVISION`. */
  informers: {
    revisions: Informer<Revision>;
    services: Informer<Service>;
    routes: Informer<Route>;
    deployments: Informer<Deployment>;
    pods: Informer<Pod>;
  };
  log: Logger;
  /** Unix time in ms. */
  now?: () => number;
}

/** How many instances a revision has and should have. */
interface Scaling {
  readonly deployment: Deployment;
  readonly replicas: number;
  readonly target: number;
  readonly requests: RequestLoad | undefined;
}

const NOTHING: DrainResult = { drains: NO_DRAINS, evict: [] };

type Change = Omit<ScaleChange, 'seen' | 'instances'> & { readonly requests: RequestLoad | undefined };

/**
 * Sets the number of instances of every revision, once a second (design, The autoscaler). It writes `/scale`
 * only, and only when the number changes. Waking from zero is the gateway's; here it counts as activity.
 * Everything it remembers is rebuilt after a restart, starting from what runs. An instance is given up in two steps: no
 * gateway sends to it any more and its last request has ended, and only then is the number lowered.
 */
export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #now: () => number;
  readonly #log: Logger;
  readonly #gatewayPods: Informer<Pod>;
  readonly #gateways: GatewayScraper;
  readonly #cpu: CpuReader;
  readonly #writer: ScaleWriter;
  readonly #entries = new Map<string, Entry>();
  readonly #writes = new Set<Promise<void>>();
  #ticks = 0;
  /** When this process began to lead. */
  #term = 0;

  constructor(options: AutoscalerOptions) {
    const { client, config, identity, log, now = Date.now } = options;
    this.#options = options;
    this.#now = now;
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
    const { pods } = options.informers;
    this.#writer = new ScaleWriter({ client, podsOf: (key) => pods.store.byIndex('revision', key), log });
    this.#cpu = new CpuReader({ client, labelSelector: `${SERVING.revision},${NOT_POOLED}`, log });
  }

  /** Scales until `signal` aborts. Run it where the lease is held, and once. */
  async run(signal: AbortSignal): Promise<void> {
    const { informers, config } = this.#options;
    this.#term = this.#now();
    const watching = this.#gatewayPods.run(signal);
    await Promise.race([
      Promise.all([this.#gatewayPods, ...Object.values(informers)].map(({ synced }) => synced)),
      new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
    ]);
    const tickMs = config.autoscaler.tickSeconds * 1000;
    while (!signal.aborted) {
      const startedAt = performance.now();
      await this.#tick().catch((err) => this.#log.error({ err }, 'a round of scaling failed'));
      await sleep(tickMs - (performance.now() - startedAt), signal);
    }
    await Promise.allSettled([watching, ...this.#writes]);
    await this.#gateways.close();
    this.#sweep(this.#ticks + 1);
  }

  async #tick(): Promise<void> {
    const view = await this.#gateways.collect(this.#orders(), this.#now);
    const stopTimer = autoscalerTick.startTimer();
    const now = this.#now();
    void this.#cpu.poll(now);
    const tick = ++this.#ticks;
    const { revisions, routes } = this.#options.informers;
    const targets = targetsOf(routes.store.list());
    for (const revision of revisions.store.list()) {
      // A worker pool sets the number of its instances itself.
      if (workerPoolOf(revision) === undefined) this.#visit(revision, targets, view, now);
    }
    this.#sweep(tick);
    stopTimer();
  }

  /** All instances that are to go. */
  #orders(): DrainOrders {
    const instances: Record<string, DrainStep> = {};
    for (const { drains } of this.#entries.values()) {
      for (const [uid, { step }] of drains) instances[uid] = step;
    }
    return { term: this.#term, round: this.#ticks + 1, instances };
  }

  #visit(revision: Revision, targets: Map<string, Target>, view: GatewayView, now: number): void {
    const key = keyOf(revision.metadata);
    const { namespace, name } = revision.metadata;
    const running = keyOf({ namespace, name: deploymentName(name) });
    const deployment = this.#options.informers.deployments.store.get(running);
    if (!deployment || deployment.metadata.deletionTimestamp) return;
    const entry = this.#entryOf(key, revision);
    entry.tick = this.#ticks;
    if (entry.writing) return;
    const timeout = timeoutMs(revision);
    const requests = view.loadOf(key, timeout);
    const spec = this.#specOf(entry, revision, targets.get(key));
    const replicas = replicasOf(deployment, entry);
    const ready = deployment.status?.readyReplicas ?? 0;
    const decision = entry.track.next(
      {
        spec,
        replicas,
        ready,
        requests,
        busy: this.#busyCount(revision, requests),
        complete: view.isComplete(key, timeout),
        cpu: replicas > 0 ? this.#cpuLoad(entry, key, now) : undefined,
      },
      now,
    );
    const target = decision?.replicas ?? replicas;
    report(entry, revision, target, ready);
    const { write } = this.#drain(entry, key, { deployment, replicas, target, requests }, view, timeout, now);
    const to = target > replicas ? target : write?.replicas;
    if (to === undefined) return;
    const reason = decision?.reason ?? 'steady';
    const remove = write?.remove ?? new Set<string>();
    this.#follow(this.#write(entry, { deployment, from: replicas, to, reason, requests, remove }));
  }

  /** Waits for a write before the end. */
  #follow(write: Promise<void>): void {
    this.#writes.add(write);
    void write.finally(() => this.#writes.delete(write));
  }

  #entryOf(key: string, revision: Revision): Entry {
    const known = this.#entries.get(key);
    if (known && known.uid === revision.metadata.uid) return known;
    const { uid } = revision.metadata;
    const entry = { uid, track: new Track(), writing: false, drains: NO_DRAINS, tick: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  /** The same as before while none of the objects has changed: stores replace what changes. */
  #specOf(entry: Entry, revision: Revision, target: Target | undefined): ScalingSpec {
    const { namespace, labels } = revision.metadata;
    const name = labels?.[SERVING.service];
    const service = name ? this.#options.informers.services.store.get(`${namespace}/${name}`) : undefined;
    if (entry.spec && entry.revision === revision && entry.service === service && entry.target === target) {
      return entry.spec;
    }
    const spec = scalingSpec(revision, service, target, this.#options.config.autoscaler);
    Object.assign(entry, { spec, revision, service, target });
    return spec;
  }

  /** Instances with a request, without those that are going already. */
  #busyCount(revision: Revision, requests: RequestLoad | undefined): number {
    let busy = 0;
    for (const [name, inFlight] of requests?.instances ?? []) {
      if (inFlight === 0) continue;
      const pod = this.#options.informers.pods.store.get(`${revision.metadata.namespace}/${name}`);
      if (!pod?.metadata.deletionTimestamp) busy++;
    }
    return busy;
  }

  #cpuLoad(entry: Entry, key: string, now: number): CpuLoad | undefined {
    const use = this.#cpu.use;
    if (use.state !== 'known') return use.state === 'lost' ? { cores: undefined, unmeasured: 0 } : undefined;
    if (entry.cpu?.poll === use.poll) return entry.cpu.load;
    const pods = this.#options.informers.pods.store.byIndex('revision', key);
    const load = cpuOf(pods, use.pods, now);
    entry.cpu = { poll: use.poll, load };
    return load;
  }

  /** The next step of the scale-in, if there is one. */
  #drain(
    entry: Entry,
    key: string,
    { deployment, replicas, target, requests }: Scaling,
    view: GatewayView,
    timeout: number,
    now: number,
  ): DrainResult {
    const all = this.#options.informers.pods.store.byIndex('revision', key);
    const evicting = new Set(all.filter(isEvicting).map(uidOf));
    if (target >= replicas && entry.drains.size + evicting.size === 0) return NOTHING;
    const pods = all.filter(isThere);
    const asked = new Map(pods.map((pod) => [uidOf(pod), askedOf(pod)]));
    const result = nextDrains(
      entry.drains,
      {
        replicas,
        target,
        instances: pods.map((pod) => candidateOf(pod, requests)),
        answer: (uid) => view.drainOf(key, asked.get(uid) ?? { uid, name: '' }, timeout),
        observed: entry.written === undefined && isObserved(deployment, pods.length),
        evicting,
        ending: new Set(all.filter(({ metadata }) => metadata.deletionTimestamp).map(uidOf)),
      },
      now,
    );
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

  /** Forgets the revisions that the present tick has not seen, and their series. */
  #sweep(tick: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.tick === tick) continue;
      this.#entries.delete(key);
      const [namespace = '', revision = ''] = key.split('/');
      desiredInstances.remove({ namespace, revision });
      actualInstances.remove({ namespace, revision });
    }
  }
}
