import { clusterSource, configuredSource } from '../../identity/issuerSource.ts';
import { Issuers } from '../../identity/issuers.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Secret } from '../../kube/core.ts';
import type { Informer } from '../../kube/informer.ts';
import { keyOf } from '../../kube/types.ts';
import type { RoleConfig } from '../../roles.ts';
import type { Logger } from '../../telemetry/log.ts';
import { SpanExporter } from '../../tracing/spanExporter.ts';
import { clock } from '../shared/clock.ts';
import { MAX_REVISIONS } from '../shared/limits.ts';
import { type FromThread, WAKE_CHANNEL, type WakeMessage } from '../shared/messages.ts';
import { Slots } from '../shared/slots.ts';
import { Stats } from '../shared/stats.ts';
import { AccessLogWriter } from './accessLogWriter.ts';
import { EarlyAddresses } from './addresses.ts';
import { affinityKeyOf } from './affinityKey.ts';
import { Certificates } from './certificates.ts';
import { tlsOfThreads } from './certificateWatch.ts';
import { type ColdStartPart, ColdStarts } from './coldStarts.ts';
import { compileChanges, type Watched } from './compileChanges.ts';
import { dispatchingOf } from './dispatching.ts';
import { Drains, drainTimeoutMs } from './drains.ts';
import { Forwards } from './forwards.ts';
import { Instances } from './instances.ts';
import { ReducedInstances, type RestoreOutcome } from './reducedInstances.ts';
import { Replicas } from './replicas.ts';
import { RouteTable } from './routeTable.ts';
import { heapLimitMb } from './supervision.ts';
import { Threads } from './threads.ts';
import { Waker } from './wake.ts';
import { WantedRevisions } from './wanted.ts';

const RECLAIM_MS = 1000;
/** A first response may take so much longer than the longest start. */
const COLD_START_SLACK_MS = 60_000;
/** How long the last lines of the access log and the last spans may take to be written. */
const LOG_MS = 1000;

export interface ControlOptions {
  config: RoleConfig<'gateway'>;
  /** The operator's own. */
  namespace: string;
  podName: string;
  client: KubeClient;
  threads: number;
  log: Logger;
  signal: AbortSignal;
}

/** Compiles the cluster's objects into the table of the data threads, wakes revisions and probes instances for them. */
export class Control {
  readonly slots: Slots;
  readonly stats: Stats;
  readonly table: RouteTable;
  readonly instances: Instances;
  readonly reduced: ReducedInstances;
  readonly drains: Drains;
  readonly certificates: Certificates;
  readonly issuers: Issuers;
  readonly addresses: EarlyAddresses;
  readonly coldStarts: ColdStarts;
  readonly replicas: Replicas;
  /** Called with the duration of each first start, and of each part of a cold start, for the metrics. */
  onStarted: (elapsedMs: number) => void = () => {};
  onColdStart: (part: ColdStartPart, elapsedMs: number) => void = () => {};
  /** Called at the end of each wait for the CPU of an idle instance, for the metrics. */
  onCpuRestored: (outcome: RestoreOutcome, elapsedMs: number) => void = () => {};
  readonly #options: ControlOptions;
  readonly #threads: Threads;
  readonly #wanted: WantedRevisions;
  /** Unset where requests are not traced. */
  readonly spans: SpanExporter | undefined;
  readonly #accessLog: AccessLogWriter | undefined;
  readonly #forwards: Forwards;
  readonly #wakes = new BroadcastChannel(WAKE_CHANNEL);
  #flushing = false;
  #started = false;
  #reclaimer: NodeJS.Timeout | undefined;

  constructor(options: ControlOptions) {
    const { config, namespace, podName, client, threads, log, signal } = options;
    this.#options = options;
    this.#wakes.unref();
    this.slots = Slots.create(threads);
    this.stats = Stats.create(threads);
    this.table = new RouteTable(
      () => this.#changed(),
      (revision) =>
        log.error(
          { revision, max: MAX_REVISIONS },
          'requests of this revision get 503: the gateway serves as many revisions as it can; delete old services or tags',
        ),
    );
    const counts = {
      applied: () => this.#threads.applied,
      inFlight: (slot: number) => this.slots.inFlight(slot),
      waiting: (revision: string) => this.#waiting(revision),
    };
    this.reduced = new ReducedInstances({
      client,
      limitMs: config.autoscaler.idleCpuHoldSeconds * 1000,
      counts,
      timeoutMs: (revision) => this.table.entries.get(revision)?.timeoutMs,
      ended: (outcome, elapsedMs) => this.onCpuRestored(outcome, elapsedMs),
      log,
    });
    this.instances = new Instances({
      table: this.table,
      counts,
      seen: (tracked, before) => this.reduced.see(tracked, before),
      left: (tracked) => this.reduced.forget(tracked),
      startLimitMs: config.startup.limitSeconds * 1000,
      log,
      admitting: ({ revision, uid }, slot) =>
        this.slots.reserve(slot, this.replicas.heldByOthers(revision, uid)),
      placed: ({ revision, uid }) => this.coldStarts.placed(revision, uid, clock()),
      started: ({ revision, uid }, elapsedMs) => {
        this.onStarted(elapsedMs);
        this.coldStarts.started(revision, uid, this.#waiting(revision) > 0, clock());
      },
    });
    const limitMs = config.startup.limitSeconds * 1000 + COLD_START_SLACK_MS;
    this.coldStarts = new ColdStarts(limitMs, (part, elapsedMs) => this.onColdStart(part, elapsedMs));
    this.addresses = new EarlyAddresses(this.instances);
    this.#forwards = new Forwards(this.table, this.instances.ids);
    const { slots, table, instances } = this;
    const dispatching = dispatchingOf({
      slots,
      table,
      instances,
      forwards: this.#forwards,
      ownerOf: (revision) => this.replicas.ownerOf(revision),
      applied: () => this.#threads.applied,
      wake: (revision) => this.#wake(revision),
    });
    this.replicas = new Replicas({ client, namespace, podName, dispatching, log });
    this.table.placementOf = (revision, limit) => this.replicas.placementOf(revision, limit);
    this.drains = new Drains(this.instances, drainTimeoutMs(config.autoscaler.tickSeconds));
    const { tls } = config.gateway;
    this.certificates = new Certificates({
      expected: tls.secrets.map((name) => keyOf({ namespace, name })),
      log,
      now: Date.now,
      publish: (secret, entry) => this.table.setCertificate(secret, entry),
    });
    const configured = config.invoker.issuers.map((each) => configuredSource(each.issuer, each.audiences));
    this.issuers = new Issuers({
      sources: [clusterSource(client), ...configured],
      log,
      signal,
      publish: (issuers) => this.table.setIssuers(issuers),
    });
    const { reduced, drains, coldStarts } = this;
    const waker = new Waker(client, log, signal);
    this.#wanted = new WantedRevisions({ instances, reduced, drains, coldStarts, waker });
    if (config.gateway.accessLog) this.#accessLog = new AccessLogWriter();
    const { endpoint, ...tracing } = config.gateway.tracing;
    if (endpoint) {
      const pod = { 'k8s.namespace.name': namespace, 'k8s.pod.name': podName };
      this.spans = new SpanExporter({
        endpoint,
        scope: 'homerun.gateway',
        resource: { 'service.name': 'homerun-gateway', ...pod },
        log,
      });
    }
    this.#threads = new Threads({
      slots: this.slots,
      stats: this.stats,
      port: config.gateway.port,
      internalPort: config.gateway.internalPort,
      tls: tlsOfThreads(config.gateway),
      gatewayPort: config.gateway.gatewayPort,
      heapMb: heapLimitMb(process.constrainedMemory(), threads),
      limits: config.gateway.limits,
      accessLog: this.#accessLog,
      tracing: this.spans && { options: tracing, exporter: this.spans },
      log,
      snapshot: () => this.table.snapshot(),
      receive: (message) => this.#receive(message),
    });
  }

  /** Rejects when the data threads cannot serve any more. */
  get failed(): Promise<never> {
    return this.#threads.failed;
  }

  get threads(): Threads {
    return this.#threads;
  }

  watch(watched: Watched): void {
    const { config, log } = this.#options;
    compileChanges(watched, this, { config, log, isStarted: () => this.#started });
  }

  /** Takes the key of the affinity cookies from a Secret. While there is none it goes on with the last. */
  watchAffinityKey(secrets: Informer<Secret>): void {
    secrets.onChange(({ type, object }) => {
      if (type === 'deleted') return;
      const key = affinityKeyOf(object);
      if (key) this.table.setAffinityKey(key);
      else
        this.#options.log.error(
          { secret: keyOf(object.metadata) },
          'the key of affinity cookies is too short',
        );
    });
  }

  /** @param secrets those with certificates. */
  watchCertificates(secrets: Informer<Secret>): void {
    secrets.onChange(({ type, object }) =>
      this.certificates.set(keyOf(object.metadata), type === 'deleted' ? undefined : object),
    );
  }

  /** Starts the data threads; resolves when they listen ({@link Threads.start}). */
  async start(): Promise<void> {
    this.#started = true;
    this.certificates.refresh();
    this.table.take();
    await this.#threads.start();
    this.#reclaimer = setInterval(() => this.#reclaim(), RECLAIM_MS).unref();
  }

  /** From now on every response closes its connection. */
  closing(): void {
    this.#threads.send({ kind: 'closing' });
  }

  async stop(graceMs: number): Promise<void> {
    await this.#threads.stop(graceMs);
    await this.replicas.close();
    this.#wakes.close();
    await Promise.all([this.#accessLog?.end(LOG_MS), this.spans?.end(LOG_MS)]);
    clearInterval(this.#reclaimer);
    this.instances.close();
  }

  #receive(message: FromThread): void {
    if (message.kind === 'wanted') this.#wanted.wanted(message.revision);
    else if (message.kind === 'applied') this.replicas.pump();
    else if (message.kind === 'unreachable') this.#unreachable(message.slot, message.reason);
    else if (message.kind === 'answered') this.coldStarts.answered(message.revision, message.at);
    else if (message.kind === 'unknownKey') void this.issuers.unknownKey(message.issuer);
    else if (message.kind === 'error') {
      this.#options.log.error({ error: message.error }, 'a request ended by an unexpected error');
    }
  }

  #unreachable(slot: number, reason: string): void {
    if (!this.#forwards.unreachable(slot)) this.instances.unreachable(slot, reason);
  }

  /** A slot is free: the thread with the first request in the queue looks for it. */
  #wake(revision: string): void {
    const index = this.table.entries.get(revision)?.index;
    const thread = index === undefined ? -1 : this.slots.firstInQueue(index);
    if (thread >= 0) this.#wakes.postMessage([thread, index] as WakeMessage);
  }

  #waiting(revision: string): number {
    const entry = this.table.entries.get(revision);
    return entry ? this.slots.waiting(entry.index) : 0;
  }

  /** Changes of one turn of the event loop are sent together. */
  #changed(): void {
    if (this.#flushing || !this.#started) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      const update = this.table.take();
      if (update) this.#threads.send(update);
    });
  }

  #reclaim(): void {
    const known = this.#threads.applied;
    const now = clock();
    this.#wanted.tick(now);
    this.coldStarts.tick(now);
    this.drains.tick(now);
    this.reduced.tick();
    this.certificates.tick();
    this.addresses.tick(now);
    this.instances.sweep();
    this.instances.ids.reclaim(known, (slot) => this.slots.inFlight(slot) === 0);
    const reclaimed = this.table.ids.reclaim(known, (index) => {
      const { inFlight, queued } = this.stats.read(index, now);
      return inFlight + queued === 0;
    });
    for (const index of reclaimed) this.stats.clear(index);
    this.instances.retryUnserved();
    this.table.retryUnserved();
  }
}
