import type { Logger } from '../../telemetry/log.ts';
import type { DeathReason, ThreadErrorKind, ThreadSeries } from '../../telemetry/metrics.ts';
import { keepHeapsSmall } from '../../v8.ts';
import { clock } from '../shared/clock.ts';
import { every, Heartbeats, LagPeak } from '../shared/heartbeat.ts';
import type { Limits } from '../shared/limits.ts';
import type { FromThread, TableUpdate, ToThread } from '../shared/messages.ts';
import type { Slots } from '../shared/slots.ts';
import type { Stats } from '../shared/stats.ts';
import { Changes } from './changes.ts';
import { DataThread, type Death } from './dataThread.ts';
import { MOST_FAILED_STARTS, RestartDelay, START_LIMIT_MS, Watchdog } from './supervision.ts';
import { ThreadScaling } from './threadScaling.ts';

/** So many threads start at once, where there may be as many: while one is replaced, the other serves. */
const FIRST_THREADS = 2;
const GROWTH_MS = 1000;
/** How much longer than its grace time a thread may take to stop: it breaks off its requests then, and says so. */
const STOP_SLACK_MS = 3000;
/** A thread that has stopped, or is terminated, takes milliseconds to end. */
const EXIT_MS = 1000;

export interface ThreadsOptions {
  slots: Slots;
  stats: Stats;
  port: number;
  internalPort: number;
  host?: string;
  limits: Limits;
  log: Logger;
  /** The most that each thread's heap may grow to, in MB; Node's default where it is not given. */
  heapMb?: number;
  /** The script that the threads run, where it is not the data thread's own. */
  file?: URL;
  /** The whole table, for a thread that starts. */
  snapshot: () => TableUpdate;
  receive: (message: FromThread) => void;
}

/** The data threads cannot serve; `cause` is the error of the one that ended last. */
export class ThreadsError extends Error {
  readonly code = 'DATA_THREADS';
}

/** The place of one thread: it is empty between the end of a thread and the start of the next. */
interface Place {
  thread: DataThread | undefined;
  readonly delay: RestartDelay;
  /** Whether a thread of this place has ended. */
  hasFailed: boolean;
  restart: NodeJS.Timeout | undefined;
}

/**
 * The data threads: starts two and more when they are busy, sends the same to all of them, and replaces one that ended
 * or whose event loop stands still. The others serve meanwhile. The slots say how many there may be.
 *
 * The process must end only when nothing can serve: no thread listens, and either the very first could not have its
 * port or {@link MOST_FAILED_STARTS} in a row ended before they listened. What ends after it has listened is replaced
 * for ever.
 */
export class Threads {
  /** Rejects with a {@link ThreadsError} when nothing can serve. */
  readonly failed: Promise<never>;
  readonly #options: ThreadsOptions;
  readonly #heartbeats: Heartbeats;
  readonly #watchdog = new Watchdog();
  readonly #places: Place[] = [];
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
        this.#look(lateMs, now);
      }),
      setInterval(() => {
        // While one is replaced the others are busier than they will be.
        if (this.listening && growth.another(this.#running.map((thread) => thread.utilization())))
          this.grow();
      }, GROWTH_MS).unref(),
    );
    const settled = (): boolean =>
      this.serving > 0 && this.#places.every(({ thread, hasFailed }) => thread?.listening || hasFailed);
    await Promise.race([this.#changes.until(() => settled() || this.#over), this.failed]);
    if (this.#over) throw new ThreadsError('the data threads were stopped before they listened');
  }

  /** Adds a thread, if there may be more; a fair share of the present connections moves to it when it listens. */
  grow(): void {
    if (this.#over || this.#places.length >= this.#options.slots.threads) return;
    const place = this.#add();
    const threads = this.#places.length;
    this.#options.log.info({ threads }, 'added a data thread');
    const added = place.thread;
    if (!added) return;
    void this.#changes
      .until(() => added.listening || place.thread !== added)
      .then(() => {
        if (place.thread !== added) return;
        for (const thread of this.#running)
          if (thread !== added) thread.send({ kind: 'shed', share: 1 / threads });
      });
  }

  /** Whether every thread listens. */
  get listening(): boolean {
    return this.#places.length > 0 && this.serving === this.#places.length;
  }

  /** How many threads listen and are not stuck. */
  get serving(): number {
    return this.#running.filter(({ listening }) => listening).length;
  }

  /** The version of the table that every thread uses; one that has ended uses none. */
  get applied(): number {
    return Math.min(...this.#running.map(({ applied }) => applied));
  }

  /** What the metrics say of the threads. */
  get series(): ThreadSeries {
    const lag = new Map([['control', this.#lagMs / 1000]]);
    this.#places.forEach((_place, i) => {
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
   * Ends all threads once their requests have ended, after `graceMs` at the latest. What does not answer then, or does
   * not end after its answer, is terminated; it is not waited for much longer, because what holds it may be the system.
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
    return this.#places.flatMap(({ thread }) => thread ?? []);
  }

  /** From now on no thread starts. */
  #end(): void {
    this.#over = true;
    for (const { restart } of this.#places) clearTimeout(restart);
    this.#changes.notify();
  }

  #add(): Place {
    const place: Place = {
      thread: undefined,
      delay: new RestartDelay(),
      hasFailed: false,
      restart: undefined,
    };
    this.#places.push(place);
    this.#spawn(this.#places.length - 1, place);
    return place;
  }

  #spawn(thread: number, place: Place): void {
    const { slots, stats, port, internalPort, host, limits, heapMb, file, snapshot } = this.#options;
    const { memory: heartbeats } = this.#heartbeats;
    const { threads } = slots;
    try {
      place.thread = new DataThread({
        file: file ?? threadFile(),
        data: {
          thread,
          threads,
          slots: slots.memory,
          stats: stats.memory,
          heartbeats,
          port,
          internalPort,
          host,
          limits,
        },
        heapMb,
        heartbeats: this.#heartbeats,
        snapshot: snapshot(),
        receive: (message) => this.#receive(message),
        unreadable: (error) => {
          add(this.#errors, 'message');
          this.#options.log.error({ thread, err: error }, 'message of a data thread cannot be read');
        },
        ended: (death) => this.#ended(thread, place, death),
      });
      if (this.#closing) place.thread.send({ kind: 'closing' });
    } catch (error) {
      const death = { reason: 'crash', code: -1, error: error as Error, kind: 'spawn' } as const;
      this.#ended(thread, place, { ...death, listenedMs: undefined });
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

  #ended(thread: number, place: Place, death: Death): void {
    const { slots, stats, log } = this.#options;
    const { reason, code, error, kind, listenedMs } = death;
    place.thread = undefined;
    place.hasFailed = true;
    this.#watchdog.forget(thread);
    if (!this.#over) {
      slots.forget(thread);
      stats.forget(thread, clock());
      add(this.#deaths, reason);
      if (kind) add(this.#errors, kind);
      if (listenedMs === undefined) this.#failedStarts++;
      if (this.#hopeless(error)) {
        this.#giveUp(error);
      } else {
        const delayMs = place.delay.next(listenedMs ?? 0);
        log.error({ thread, reason, kind, code, err: error, delayMs }, 'data thread ended; starting another');
        place.restart = setTimeout(() => {
          add(this.#restarts, reason);
          this.#spawn(thread, place);
        }, delayMs);
      }
    }
    this.#changes.notify();
  }

  /** Whether nothing can serve, now that a thread has ended with this error. */
  #hopeless(error: (Error & { syscall?: string }) | undefined): boolean {
    if (this.serving > 0) return false;
    return (!this.#hasListened && error?.syscall === 'listen') || this.#failedStarts >= MOST_FAILED_STARTS;
  }

  #giveUp(cause: Error | undefined): void {
    const { port, internalPort } = this.#options;
    const why = cause?.message ?? 'the data threads end before they listen';
    this.#fail(new ThreadsError(`cannot serve on ports ${port} and ${internalPort}: ${why}`, { cause }));
    this.#end();
  }

  /** Ends what will never do its work again; `#ended` replaces it. */
  #look(lateMs: number, now: number): void {
    this.#places.forEach(({ thread }, i) => {
      if (!thread) return;
      const { listening } = thread;
      const stuck = listening
        ? this.#watchdog.stuck(i, this.#heartbeats.beats(i), lateMs)
        : now - thread.startedAt > START_LIMIT_MS;
      if (!stuck || !thread.terminate()) return;
      this.#options.log.warn({ thread: i, listening }, 'data thread stands still; terminating it');
    });
  }
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The thread's file beside this one: TypeScript in a checkout, JavaScript in the bundle. */
function threadFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../data/thread.ts' : './thread.js', import.meta.url);
}
