import { clock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import type { ExchangeShared } from './exchange.ts';
import { Handler } from './handler.ts';
import { Listener } from './listener.ts';
import type { InstanceEntry, Link, RevisionEntry, TableUpdate } from './messages.ts';
import { Router } from './router.ts';
import type { Slots } from './slots.ts';
import type { Stats } from './stats.ts';
import { Throttler, type ThrottlerShared } from './throttler.ts';
import { Instance } from './upstream/instance.ts';

/** How often lines are looked at for requests that have waited too long. */
const LINE_TICK_MS = 100;

export interface DataPlaneOptions {
  /** Number of this thread, from 0. */
  thread: number;
  slots: Slots;
  stats: Stats;
  link: Link;
  /** Makes another thread look at its line for a revision ({@link DataPlane.wakened}). */
  wake: (thread: number, revision: number) => void;
}

/** Where a data plane listens; 0 lets the system choose a port. */
export interface ListenOptions {
  /** Of requests from outside the cluster, or from anywhere. */
  port: number;
  /** Of requests from inside the cluster, which may also reach what is not for the outside. */
  internalPort: number;
  host?: string;
  reusePort?: boolean;
}

/** Everything that one thread needs to serve requests. It knows nothing of Kubernetes: its table comes in updates. */
export class DataPlane {
  readonly #external: Listener;
  readonly #internal: Listener;
  readonly #listeners: readonly Listener[];
  readonly #router = new Router();
  readonly #throttlers = new Map<string, Throttler>();
  readonly #byIndex = new Map<number, Throttler>();
  readonly #instances = new Map<number, { instance: Instance; throttler: Throttler }>();
  readonly #lines = new Lines();
  readonly #handlers: readonly Handler[];
  readonly #link: Link;
  readonly #throttlerShared: ThrottlerShared;
  #open = 0;
  #idle: (() => void) | undefined;

  constructor({ thread, slots, stats, link, wake }: DataPlaneOptions) {
    const deadlines = new Deadlines();
    const writer = stats.writer(thread);
    const shared: ExchangeShared = {
      stats: writer,
      deadlines,
      refused: (throttler, instance, reason) => this.#refused(throttler, instance, reason),
      opened: () => {
        this.#open++;
      },
      closed: () => {
        this.#open--;
        if (this.#open === 0) this.#idle?.();
      },
    };
    this.#link = link;
    this.#throttlerShared = { thread, slots, stats: writer, link, wake, waiting: this.#lines };
    const external = new Handler(this.#router, this.#throttlers, shared, false);
    const internal = new Handler(this.#router, this.#throttlers, shared, true);
    this.#handlers = [external, internal];
    this.#external = new Listener(external, deadlines);
    this.#internal = new Listener(internal, deadlines);
    this.#listeners = [this.#external, this.#internal];
  }

  /** @returns the ports. */
  async listen(options: ListenOptions): Promise<{ port: number; internalPort: number }> {
    const { port, internalPort, ...where } = options;
    return {
      port: await this.#external.listen({ ...where, port }),
      internalPort: await this.#internal.listen({ ...where, port: internalPort }),
    };
  }

  /** Requests that have come and not ended. */
  get open(): number {
    return this.#open;
  }

  apply(update: TableUpdate): void {
    for (const [key, entry] of update.revisions) this.#setRevision(key, entry);
    for (const [slot, entry] of update.instances) this.#setInstance(slot, entry);
    for (const [host, entry] of update.hosts) this.#router.set(host, entry);
    this.#link.send({ kind: 'applied', version: update.version });
  }

  /** Another thread freed a place for the request that waits longest here. */
  wakened(revision: number): void {
    this.#byIndex.get(revision)?.admit();
  }

  /** From now on each answer closes its connection. */
  closing(): void {
    for (const handler of this.#handlers) handler.closing = true;
  }

  /** Another thread was added: this share of the connections goes to it. */
  shed(share: number): void {
    for (const handler of this.#handlers) handler.shed(share);
    for (const listener of this.#listeners) listener.shed(share);
  }

  /** Stops listening and waits for the requests under way, at most this long; then breaks them off. */
  async stop(graceMs: number): Promise<void> {
    this.closing();
    for (const listener of this.#listeners) listener.stop();
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const listener of this.#listeners) listener.destroy();
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
    if (present) this.#drop(slot, present);
    if (!entry) return;
    const throttler = this.#throttlers.get(entry.revision);
    if (!throttler) return;
    const instance = new Instance(entry, throttler.entry.protocol);
    this.#instances.set(slot, { instance, throttler });
    throttler.addInstance(instance);
  }

  #drop(slot: number, { instance, throttler }: { instance: Instance; throttler: Throttler }): void {
    this.#instances.delete(slot);
    throttler.removeInstance(instance);
    instance.remove();
  }

  /** The control thread probes it again and sends it as new when it answers. */
  #refused(throttler: Throttler, instance: Instance, reason: string): void {
    const present = this.#instances.get(instance.slot);
    if (present?.instance !== instance) return;
    this.#drop(instance.slot, { instance, throttler });
    this.#link.send({ kind: 'refused', slot: instance.slot, reason });
  }
}

/** The throttlers that have somebody waiting, and a timer that runs only while there are any. */
class Lines {
  readonly #throttlers = new Set<Throttler>();
  #ticker: NodeJS.Timeout | undefined;

  add(throttler: Throttler): void {
    this.#throttlers.add(throttler);
    this.#ticker ??= setInterval(() => this.#tick(), LINE_TICK_MS).unref();
  }

  delete(throttler: Throttler): void {
    this.#throttlers.delete(throttler);
  }

  #tick(): void {
    const now = clock();
    for (const throttler of this.#throttlers) throttler.tick(now);
    if (this.#throttlers.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}
