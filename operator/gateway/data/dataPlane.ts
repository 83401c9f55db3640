import { clock } from '../shared/clock.ts';
import type { Limits } from '../shared/limits.ts';
import type { InstanceEntry, Link, RevisionEntry, TableUpdate } from '../shared/messages.ts';
import type { Slots } from '../shared/slots.ts';
import type { Stats } from '../shared/stats.ts';
import { ANSWER_BYTES, answerBytesOf, REQUEST_BYTES, requestBytesOf } from '../shared/usage.ts';
import { AccessLog } from './accessLog.ts';
import { Budget } from './budget.ts';
import { Callers } from './callers.ts';
import { Certificates } from './certificates.ts';
import { Deadlines } from './deadlines.ts';
import { CLOSE_MS, type ExchangeShared } from './exchangeShared.ts';
import { HeldRequests } from './heldRequests.ts';
import { Listeners, type ListenOptions, type Ports, type TlsOptions } from './listeners.ts';
import { QueueTicker } from './queueTicker.ts';
import { Router } from './router.ts';
import { StalledAnswers } from './stalled.ts';
import { Throttler, type ThrottlerShared } from './throttler.ts';
import { Tracer, type TracingOptions } from './tracer.ts';
import { Instance } from './upstream/instance.ts';
import { within } from './within.ts';

const MEBIBYTE = 1024 * 1024;
/** Errors are reported at most this often: a client that provokes them must not fill the log. */
const ERROR_EVERY_MS = 1000;
/** For HTTP/2 connections to close properly once their last request has ended. */
const FLUSH_MS = 1000;

export interface DataPlaneOptions {
  /** Number of this thread, from 0. */
  thread: number;
  slots: Slots;
  stats: Stats;
  link: Link;
  limits: Limits;
  /** Whether each request gets a line in the log. */
  accessLog: boolean;
  /** Unset where requests are not traced. */
  tracing?: TracingOptions;
  /** Unset where no certificates are configured. */
  tls?: TlsOptions;
  /** Makes another thread look at its queue for a revision ({@link DataPlane.wake}). */
  wake: (thread: number, revision: number) => void;
}

/** Everything that one thread needs to serve requests. It knows nothing of Kubernetes: its table comes in updates. */
export class DataPlane {
  readonly #listeners: Listeners;
  readonly #router = new Router();
  readonly #certificates = new Certificates();
  readonly #callers: Callers;
  readonly #held: HeldRequests;
  readonly #throttlers = new Map<string, Throttler>();
  readonly #byIndex = new Map<number, Throttler>();
  readonly #instances = new Map<number, { instance: Instance; throttler: Throttler }>();
  readonly #queues = new QueueTicker();
  readonly #link: Link;
  readonly #deadlines: Deadlines;
  readonly #accessLog: AccessLog | undefined;
  readonly #tracer: Tracer | undefined;
  readonly #throttlerShared: ThrottlerShared;
  readonly #upgraded: ExchangeShared['upgraded'] = new Set();
  #open = 0;
  #closing = false;
  #errorAt = Number.NEGATIVE_INFINITY;
  #idle: (() => void) | undefined;

  constructor({ thread, slots, stats, link, limits, accessLog, tracing, tls, wake }: DataPlaneOptions) {
    const deadlines = new Deadlines((error) => this.#onError(error));
    this.#deadlines = deadlines;
    const writer = stats.writer(thread);
    const usage = slots.usage.writer(thread);
    if (accessLog) {
      const dropped = (): void => usage.count('accessLogDropped');
      this.#accessLog = new AccessLog((chunks) => link.send({ kind: 'accessLog', chunks }), dropped);
    }
    if (tracing) {
      const send = (chunks: string[], count: number): void => link.send({ kind: 'spans', chunks, count });
      this.#tracer = new Tracer(tracing, send, (count) => usage.count('spansDropped', count));
    }
    const { requestMebibytes, answerMebibytes } = limits;
    const requests = new Budget(usage, REQUEST_BYTES, requestBytesOf, requestMebibytes * MEBIBYTE);
    const answers = new Budget(usage, ANSWER_BYTES, answerBytesOf, answerMebibytes * MEBIBYTE);
    const shared: ExchangeShared = {
      stats: writer,
      usage,
      deadlines,
      requests,
      stalled: new StalledAnswers(answers, () => usage.count('cutForStalling')),
      accessLog: this.#accessLog,
      tracer: this.#tracer,
      upgraded: this.#upgraded,
      unreachable: (throttler, instance, reason) => this.#unreachable(throttler, instance, reason),
      firstAnswer: (revision, at) => link.send({ kind: 'answered', revision, at }),
      opened: () => {
        this.#open++;
      },
      closed: () => {
        this.#open--;
        if (this.#open === 0) this.#idle?.();
      },
      onError: (error) => {
        usage.count('internalError');
        this.#onError(error);
      },
    };
    this.#link = link;
    this.#held = new HeldRequests(shared, limits);
    this.#callers = new Callers((issuer) => link.send({ kind: 'unknownKey', issuer }));
    this.#throttlerShared = {
      thread,
      slots,
      stats: writer,
      link,
      usage,
      requests,
      limits,
      wake,
      waiting: this.#queues,
    };
    this.#listeners = new Listeners({
      router: this.#router,
      throttlers: this.#throttlers,
      callers: this.#callers,
      held: this.#held,
      certificates: this.#certificates,
      limits,
      shared,
      tls,
    });
  }

  /** @returns the ports. */
  listen(options: ListenOptions): Promise<Ports> {
    return this.#listeners.listen(options);
  }

  /** Requests that have arrived and not ended. */
  get open(): number {
    return this.#open;
  }

  apply(update: TableUpdate): void {
    if (update.gateways) this.#listeners.gateways = new Set(update.gateways);
    if (update.issuers) this.#callers.setIssuers(update.issuers);
    for (const [key, entry] of update.revisions) this.#setRevision(key, entry);
    for (const [slot, entry] of update.instances) this.#setInstance(slot, entry);
    for (const [host, entry] of update.hosts) this.#router.set(host, entry);
    for (const [secret, entry] of update.certificates) this.#certificates.set(secret, entry);
    if (update.issuers) this.#held.release();
    if (update.fence) this.#deadlines.fence();
    this.#link.send({ kind: 'applied', version: update.version });
  }

  /** Another thread freed a slot for the first request in this thread's queue. */
  wake(revision: number): void {
    this.#byIndex.get(revision)?.admit();
  }

  /** The last batch of the access log was written. */
  logged(): void {
    this.#accessLog?.written();
  }

  /** The last batch of spans was taken. */
  spansTaken(): void {
    this.#tracer?.taken();
  }

  /** From now on each response closes its connection. */
  closing(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#listeners.closing();
  }

  /** Another thread was added: this share of the connections moves to it. */
  shed(share: number): void {
    this.#listeners.shed(share);
  }

  /**
   * Stops listening and waits until the requests in flight have been answered, at most this long; then aborts the rest.
   * WebSockets get a close frame shortly before, because their clients would take the end for a failure otherwise.
   */
  async stop(graceMs: number): Promise<void> {
    const deadline = clock() + graceMs;
    this.closing();
    await within(graceMs, this.#listeners.stop(graceMs));
    if (this.#open > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      await within(Math.max(0, deadline - clock() - CLOSE_MS), idle);
      for (const connection of this.#upgraded) connection.goAway();
      await within(Math.max(0, deadline - clock()), idle);
    }
    const flushMs = Math.min(FLUSH_MS, Math.max(0, deadline - clock()));
    await within(flushMs, this.#listeners.idle());
    this.#listeners.destroy();
    for (const connection of this.#upgraded) connection.abort();
    this.#accessLog?.flush();
    this.#tracer?.flush();
    for (const { instance } of this.#instances.values()) instance.remove();
  }

  #setRevision(key: string, entry: RevisionEntry | undefined): void {
    const present = this.#throttlers.get(key);
    if (entry && present) {
      present.update(entry);
      return;
    }
    if (entry) {
      const throttler = new Throttler(entry, this.#throttlerShared);
      this.#throttlers.set(key, throttler);
      this.#byIndex.set(entry.index, throttler);
      return;
    }
    if (!present) return;
    this.#throttlers.delete(key);
    this.#byIndex.delete(present.entry.index);
    present.dispose();
  }

  #setInstance(slot: number, entry: InstanceEntry | undefined): void {
    const present = this.#instances.get(slot);
    const throttler = entry && this.#throttlers.get(entry.revision);
    if (present && entry && present.throttler === throttler && hasNewCookie(present.instance, entry)) {
      throttler.setCookie(present.instance, entry.cookie);
      return;
    }
    if (present) this.#drop(slot, present);
    if (!entry) return;
    if (!throttler) return;
    const instance = new Instance(entry, throttler.entry.protocol, this.#deadlines);
    this.#instances.set(slot, { instance, throttler });
    throttler.addInstance(instance);
  }

  #drop(slot: number, { instance, throttler }: { instance: Instance; throttler: Throttler }): void {
    this.#instances.delete(slot);
    throttler.removeInstance(instance);
    instance.remove();
  }

  /** An internal error, or a message that cannot be written: one exchange has ended with it. */
  #onError(error: unknown): void {
    const now = clock();
    if (now - this.#errorAt < ERROR_EVERY_MS) return;
    this.#errorAt = now;
    this.#link.send({ kind: 'error', error: String((error as Error)?.stack ?? error) });
  }

  /** The control thread probes it again and adds it again when it passes. */
  #unreachable(throttler: Throttler, instance: Instance, reason: string): void {
    const present = this.#instances.get(instance.slot);
    if (present?.instance !== instance) return;
    this.#drop(instance.slot, { instance, throttler });
    this.#link.send({ kind: 'unreachable', slot: instance.slot, reason });
  }
}

/** Whether nothing else of an instance has changed: its connections stay. */
function hasNewCookie({ pod, host, port, cookie }: Instance, entry: InstanceEntry): boolean {
  return pod === entry.pod && host === entry.host && port === entry.port && cookie !== entry.cookie;
}
