import type { DeathReason, ThreadErrorKind, ThreadSeries } from '../../telemetry/metrics.ts';
import { keepHeapsSmall } from '../../v8.ts';
import { clock } from '../shared/clock.ts';
import { every, Heartbeats, LagPeak } from '../shared/heartbeat.ts';
import type { FromThread, ToThread } from '../shared/messages.ts';
import { Changes } from './changes.ts';
import { DataThread, type Death } from './dataThread.ts';
import { MOST_FAILED_STARTS, RestartDelay, START_LIMIT_MS, Watchdog } from './supervision.ts';
import { type ThreadsOptions, threadDataOf, threadFile } from './threadOptions.ts';
import { ThreadScaling } from './threadScaling.ts';

/** So many threads start at first, if as many are allowed: while one is replaced, the other serves. */
const FIRST_THREADS = 2;
const GROWTH_MS = 1000;
/** How much longer than its grace period a thread may take to stop: it aborts its requests then, and reports so. */
const STOP_SLACK_MS = 3000;
/** A thread that has stopped, or is terminated, takes milliseconds to end. */
const EXIT_MS = 1000;

/** The data threads cannot serve; `cause` is the error of the one that ended last. */
export class ThreadsError extends Error {
  readonly code = 'DATA_THREADS';
}

/** One thread by its number; `thread` is unset between the end of one and the start of its replacement. */
interface ThreadEntry {
  thread: DataThread | undefined;
  readonly delay: RestartDelay;
  /** Whether a thread of this number has ended. */
  hasFailed: boolean;
  restart: NodeJS.Timeout | undefined;
}

/**
 * The data threads: starts two, more when they are busy, sends the same messages to all of them, and replaces one that
 * ended or whose event loop is stuck. The others serve meanwhile. The size of the slots limits their number.
 *
 * The process must end only when nothing can serve: no thread listens, and either the very first could not have its
 * port or {@link MOST_FAILED_STARTS} in a row ended before they listened. A thread that ends after it has listened is
 * always replaced.
 */
export class Threads {
  /** Rejects with a {@link ThreadsError} when nothing can serve. */
  readonly failed: Promise<never>;
  readonly #options: ThreadsOptions;
  readonly #heartbeats: Heartbeats;
  readonly #watchdog = new Watchdog();
  readonly #entries: ThreadEntry[] = [];
  readonly #deaths = new Map<DeathReason, number>();
  readonly #restarts = new Map<DeathReason, number>();
  readonly #errors = new Map<ThreadErrorKind, number>();
  readonly #fail: (error: Error) => void;
  readonly #changes = new Changes();
  readonly #timers: NodeJS.Timeout[] = [];
  #lagMs = 0;
  #failedStarts = 0;
  #hasListened = false;
  #closing = false;
  #over = false;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    this.#heartbeats = Heartbeats.create(options.slots.threads);
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.failed = promise;
    this.#fail = reject;
  }

  /**
   * Starts the first threads with the present table; resolves when one listens and the others do too or have failed.
   * @throws {ThreadsError} when none can, or when they were stopped.
   */
  async start(): Promise<void> {
    const { slots } = this.#options;
    if (this.#over) throw new ThreadsError('the data threads have been stopped');
    keepHeapsSmall();
    for (let i = 0; i < Math.min(FIRST_THREADS, slots.threads); i++) this.#add();
    const growth = new ThreadScaling(slots.threads);
    const peak = new LagPeak(clock());
    this.#timers.push(
      every((lateMs, now) => {
        this.#lagMs = peak.add(lateMs, now);
        this.#checkThreads(lateMs, now);
      }),
      setInterval(() => {
        // While one is replaced the others are busier than usual.
        if (this.listening && growth.another(this.#running.map((thread) => thread.utilization())))
          this.grow();
      }, GROWTH_MS).unref(),
    );
    const started = (): boolean =>
      this.serving > 0 && this.#entries.every(({ thread, hasFailed }) => thread?.listening || hasFailed);
    await Promise.race([this.#changes.until(() => started() || this.#over), this.failed]);
    if (this.#over) throw new ThreadsError('the data threads were stopped before they listened');
  }

  /** Adds a thread, if there may be more; a fair share of the present connections moves to it when it listens. */
  grow(): void {
    if (this.#over || this.#entries.length >= this.#options.slots.threads) return;
    const entry = this.#add();
    const threads = this.#entries.length;
    this.#options.log.info({ threads }, 'added a data thread');
    const added = entry.thread;
    if (!added) return;
    void this.#changes
      .until(() => added.listening || entry.thread !== added)
      .then(() => {
        if (entry.thread !== added) return;
        for (const thread of this.#running)
          if (thread !== added) thread.send({ kind: 'shed', share: 1 / threads });
      });
  }

  /** Whether every thread listens. */
  get listening(): boolean {
    return this.#entries.length > 0 && this.serving === this.#entries.length;
  }

  /** How many threads listen and are not stuck. */
  get serving(): number {
    return this.#running.filter(({ listening }) => listening).length;
  }

  /** The oldest version of the table that a running thread uses. */
  get applied(): number {
    return Math.min(...this.#running.map(({ applied }) => applied));
  }

  /** The threads' metrics. */
  get series(): ThreadSeries {
    const lag = new Map([['control', this.#lagMs / 1000]]);
    this.#entries.forEach((_entry, i) => {
      lag.set(String(i), Math.max(this.#heartbeats.lagMs(i), this.#watchdog.silentMs(i)) / 1000);
    });
    const { serving: listening } = this;
    return { listening, deaths: this.#deaths, restarts: this.#restarts, errors: this.#errors, lag };
  }

  /** A thread that starts later has it from the snapshot; `closing` is repeated for it. */
  send(message: ToThread): void {
    if (message.kind === 'closing') this.#closing = true;
    for (const thread of this.#running) thread.send(message);
  }

  /**
   * Stops all threads once their requests have ended, after `graceMs` at the latest. A thread that does not report so in
   * time, or does not exit afterwards, is terminated; that is not waited for long, because the system may hold it.
   */
  async stop(graceMs: number): Promise<void> {
    this.#end();
    this.send({ kind: 'stop', graceMs });
    const stopped = (): boolean => this.#running.every((thread) => thread.stopped);
    const ended = (): boolean => this.#running.length === 0;
    if (!(await this.#changes.within(graceMs + STOP_SLACK_MS, stopped))) {
      this.#options.log.error('not all data threads stopped in time; terminating them');
    } else {
      await this.#changes.within(EXIT_MS, ended);
    }
    for (const thread of this.#running) thread.terminate();
    await this.#changes.within(EXIT_MS, ended);
    for (const timer of this.#timers) clearInterval(timer);
  }

  get #running(): DataThread[] {
    return this.#entries.flatMap(({ thread }) => thread ?? []);
  }

  /** From now on no thread starts. */
  #end(): void {
    this.#over = true;
    for (const { restart } of this.#entries) clearTimeout(restart);
    this.#changes.notify();
  }

  #add(): ThreadEntry {
    const entry: ThreadEntry = {
      thread: undefined,
      delay: new RestartDelay(),
      hasFailed: false,
      restart: undefined,
    };
    this.#entries.push(entry);
    this.#spawn(this.#entries.length - 1, entry);
    return entry;
  }

  #spawn(thread: number, entry: ThreadEntry): void {
    const { accessLog, tracing, heapMb, file = threadFile(), snapshot } = this.#options;
    try {
      entry.thread = new DataThread({
        file,
        data: threadDataOf(this.#options, thread, this.#heartbeats),
        heapMb,
        heartbeats: this.#heartbeats,
        snapshot: snapshot(),
        receive: (message) => {
          if (message.kind === 'accessLog') {
            accessLog?.write(message.chunks, () => entry.thread?.send({ kind: 'logged' }));
          } else if (message.kind === 'spans') {
            tracing?.exporter.add(message.chunks, message.count);
            entry.thread?.send({ kind: 'spansTaken' });
          } else {
            this.#receive(message);
          }
        },
        unreadable: (error) => {
          add(this.#errors, 'message');
          this.#options.log.error({ thread, err: error }, 'message of a data thread cannot be read');
        },
        ended: (death) => this.#ended(thread, entry, death),
      });
      if (this.#closing) entry.thread.send({ kind: 'closing' });
    } catch (error) {
      const death = { reason: 'crash', code: -1, error: error as Error, kind: 'spawn' } as const;
      this.#ended(thread, entry, { ...death, listenedMs: undefined });
    }
  }

  #receive(message: FromThread): void {
    if (message.kind === 'listening') {
      this.#hasListened = true;
      this.#failedStarts = 0;
    }
    this.#options.receive(message);
    this.#changes.notify();
  }

  #ended(thread: number, entry: ThreadEntry, death: Death): void {
    const { slots, stats, log } = this.#options;
    const { reason, code, error, kind, listenedMs } = death;
    entry.thread = undefined;
    entry.hasFailed = true;
    this.#watchdog.forget(thread);
    if (!this.#over) {
      slots.forget(thread);
      stats.forget(thread, clock());
      add(this.#deaths, reason);
      if (kind) add(this.#errors, kind);
      if (listenedMs === undefined) this.#failedStarts++;
      if (this.#cannotServe(error)) {
        this.#giveUp(error);
      } else {
        const delayMs = entry.delay.next(listenedMs ?? 0);
        log.error({ thread, reason, kind, code, err: error, delayMs }, 'data thread ended; starting another');
        entry.restart = setTimeout(() => {
          add(this.#restarts, reason);
          this.#spawn(thread, entry);
        }, delayMs);
      }
    }
    this.#changes.notify();
  }

  /** Whether nothing can serve, now that a thread has ended with this error. */
  #cannotServe(error: (Error & { syscall?: string }) | undefined): boolean {
    if (this.serving > 0) return false;
    return (!this.#hasListened && error?.syscall === 'listen') || this.#failedStarts >= MOST_FAILED_STARTS;
  }

  #giveUp(cause: Error | undefined): void {
    const { port, internalPort } = this.#options;
    const why = cause?.message ?? 'the data threads end before they listen';
    this.#fail(new ThreadsError(`cannot serve on ports ${port} and ${internalPort}: ${why}`, { cause }));
    this.#end();
  }

  /** Terminates stuck threads; `#ended` replaces them. */
  #checkThreads(lateMs: number, now: number): void {
    this.#entries.forEach(({ thread }, i) => {
      if (!thread) return;
      const { listening } = thread;
      const stuck = listening
        ? this.#watchdog.stuck(i, this.#heartbeats.beats(i), lateMs)
        : now - thread.startedAt > START_LIMIT_MS;
      if (!stuck || !thread.terminate()) return;
      this.#options.log.warn({ thread: i, listening }, 'data thread is stuck; terminating it');
    });
  }
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
