import type { EventLoopUtilization } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import type { Logger } from '../telemetry/log.ts';
import { keepHeapsSmall } from '../v8.ts';
import { clock } from './clock.ts';
import { Growth } from './growth.ts';
import type { Limits } from './limits.ts';
import type { FromThread, TableUpdate, ToThread } from './messages.ts';
import type { Slots } from './slots.ts';
import type { Stats } from './stats.ts';
import type { ThreadData } from './thread.ts';

/** A thread that ends so soon after its start will do so again: the process ends and the kubelet backs off. */
const SHORTEST_LIFE_MS = 2000;
const GROWTH_MS = 1000;

export interface ThreadsOptions {
  slots: Slots;
  stats: Stats;
  port: number;
  internalPort: number;
  host?: string;
  limits: Limits;
  log: Logger;
  /** The whole table, for a thread that starts. */
  snapshot: () => TableUpdate;
  receive: (message: FromThread) => void;
}

interface Member {
  worker: Worker;
  bornAt: number;
  applied: number;
  listening: boolean;
  stopped: boolean;
  utilization: EventLoopUtilization;
}

/**
 * The data threads: starts one and more when they are busy, tells all of them the same, replaces one that dies. The
 * slots say how many there may be.
 */
export class Threads {
  /** Rejects when the threads cannot go on. */
  readonly failed: Promise<never>;
  readonly #options: ThreadsOptions;
  readonly #members: Member[] = [];
  readonly #fail: (error: Error) => void;
  #stopping = false;
  #changed: (() => void) | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.failed = promise;
    this.#fail = reject;
  }

  /** Starts the first thread with the present table; resolves when it listens. */
  async start(): Promise<void> {
    keepHeapsSmall();
    this.#members.push(this.#spawn(0));
    await Promise.race([this.#until(() => this.listening), this.failed]);
    const growth = new Growth(this.#options.slots.threads);
    this.#watch = setInterval(() => {
      if (growth.another(this.#members.map(utilizationOf))) this.grow();
    }, GROWTH_MS).unref();
  }

  /** Adds a thread; a fair share of the present connections moves to it. */
  grow(): void {
    const thread = this.#members.length;
    const added = this.#spawn(thread);
    this.#members.push(added);
    this.#options.log.info({ threads: thread + 1 }, 'added a data thread');
    const share: ToThread = { kind: 'shed', share: 1 / (thread + 1) };
    added.worker.on('message', ({ kind }: FromThread) => {
      if (kind !== 'listening') return;
      for (const member of this.#members) if (member !== added) member.worker.postMessage(share);
    });
  }

  /** Threads that run or are being started. */
  get size(): number {
    return this.#members.length;
  }

  get listening(): boolean {
    return this.#members.length > 0 && this.#members.every((member) => member.listening);
  }

  /** The version of the table that every thread uses. */
  get applied(): number {
    return Math.min(...this.#members.map(({ applied }) => applied));
  }

  send(message: ToThread): void {
    for (const { worker } of this.#members) worker.postMessage(message);
  }

  /** Ends all threads once their requests have ended, after `graceMs` at the latest. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#watch);
    this.send({ kind: 'stop', graceMs });
    await this.#until(() => this.#members.every(({ stopped }) => stopped));
  }

  #spawn(thread: number): Member {
    const { slots, stats, port, internalPort, host, limits, snapshot, receive, log } = this.#options;
    const workerData: ThreadData = {
      thread,
      threads: slots.threads,
      slots: slots.memory,
      stats: stats.memory,
      port,
      internalPort,
      host,
      limits,
    };
    const worker = new Worker(threadFile(), { workerData });
    const member: Member = {
      worker,
      bornAt: clock(),
      applied: -1,
      listening: false,
      stopped: false,
      utilization: IDLE,
    };
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'applied') member.applied = message.version;
      else if (message.kind === 'listening') member.listening = true;
      else if (message.kind === 'stopped') member.stopped = true;
      receive(message);
      this.#changed?.();
    });
    worker.on('error', (error) => log.error({ thread, err: error }, 'data thread failed'));
    worker.on('exit', (code) => this.#ended(thread, member, code));
    worker.postMessage(snapshot());
    return member;
  }

  #ended(thread: number, member: Member, code: number): void {
    member.stopped = true;
    this.#changed?.();
    if (this.#stopping) return;
    const { slots, stats, log } = this.#options;
    slots.forget(thread);
    stats.forget(thread, clock());
    if (clock() - member.bornAt < SHORTEST_LIFE_MS) {
      this.#fail(new Error(`data thread ${thread} ended with code ${code} right after its start`));
      return;
    }
    log.error({ thread, code }, 'data thread ended; starting another');
    this.#members[thread] = this.#spawn(thread);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

const IDLE: EventLoopUtilization = { idle: 0, active: 0, utilization: 0 };

/** Share of the time since the last call that a thread worked. */
function utilizationOf(member: Member): number {
  const now = member.worker.performance.eventLoopUtilization();
  const { utilization } = member.worker.performance.eventLoopUtilization(now, member.utilization);
  member.utilization = now;
  return utilization;
}

/** The thread's file beside this one: TypeScript in a checkout, JavaScript in the bundle. */
function threadFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
}
