import { Worker } from 'node:worker_threads';
import type { DeathReason, ThreadErrorKind } from '../../telemetry/metrics.ts';
import type { ThreadData } from '../data/thread.ts';
import { clock } from '../shared/clock.ts';
import type { Heartbeats } from '../shared/heartbeat.ts';
import type { FromThread, TableUpdate, ToThread } from '../shared/messages.ts';

/** How and when a data thread ended. */
export interface Death {
  reason: DeathReason;
  /** Exit code of the thread. */
  code: number;
  error: Error | undefined;
  kind: ThreadErrorKind | undefined;
  /** How long it had listened, in ms; undefined when it never did. */
  listenedMs: number | undefined;
}

export interface DataThreadOptions {
  /** The script that the thread runs. */
  file: URL;
  data: ThreadData;
  heapMb: number | undefined;
  heartbeats: Heartbeats;
  /** The whole table as it is now. */
  snapshot: TableUpdate;
  receive: (message: FromThread) => void;
  /** A message of the thread could not be read. */
  unreadable: (error: Error) => void;
  ended: (death: Death) => void;
}

/** One data thread, from its start to its end, as the control thread sees it. */
export class DataThread {
  readonly startedAt = clock();
  /** Version of the table that it uses: nothing that was removed up to it. */
  applied: number;
  readonly #worker: Worker;
  readonly #options: DataThreadOptions;
  #listeningSince: number | undefined;
  #stopped = false;
  #stuck = false;
  #error: Error | undefined;
  #utilization = IDLE;

  /** @throws when the system does not let it start. */
  constructor(options: DataThreadOptions) {
    const { file, data, heapMb, heartbeats, snapshot, unreadable } = options;
    this.#options = options;
    this.applied = snapshot.version;
    heartbeats.reset(data.thread);
    const resourceLimits = heapMb === undefined ? {} : { maxOldGenerationSizeMb: heapMb };
    this.#worker = new Worker(file, { workerData: data, resourceLimits });
    this.#worker.on('message', (message: FromThread) => this.#receive(message));
    this.#worker.on('messageerror', unreadable);
    this.#worker.on('error', (thrown: unknown) => {
      this.#error = thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`);
    });
    this.#worker.on('exit', (code) => this.#ended(code));
    this.send(snapshot);
  }

  /** Whether it takes connections: it has reported so, and is neither stuck nor stopped. */
  get listening(): boolean {
    return this.#listeningSince !== undefined && !this.#stuck && !this.#stopped;
  }

  /** Whether it has ended all its requests after `stop`. */
  get stopped(): boolean {
    return this.#stopped;
  }

  send(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Terminates it because it is stuck; `ended` follows. @returns false when it was terminated before. */
  terminate(): boolean {
    if (this.#stuck) return false;
    this.#stuck = true;
    // The promise never rejects; that the thread has ended is seen in 'exit'.
    void this.#worker.terminate();
    return true;
  }

  /** Its event loop's utilization since the last call, 0 to 1. */
  utilization(): number {
    const { performance } = this.#worker;
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization);
    this.#utilization = now;
    return utilization;
  }

  #receive(message: FromThread): void {
    if (message.kind === 'applied') this.applied = message.version;
    else if (message.kind === 'listening') this.#listeningSince = clock();
    else if (message.kind === 'stopped') this.#stopped = true;
    this.#options.receive(message);
  }

  #ended(code: number): void {
    const { heartbeats, data, ended } = this.#options;
    const error = this.#error;
    const since = this.#listeningSince;
    ended({
      reason: this.#stuck ? 'stuck' : error ? 'crash' : 'exit',
      code,
      error,
      kind: error && kindOf(error, heartbeats.fatalOrigin(data.thread)),
      listenedMs: since === undefined ? undefined : clock() - since,
    });
  }
}

const IDLE = { idle: 0, active: 0, utilization: 0 };

function kindOf(error: Error & { code?: string }, origin: NodeJS.UncaughtExceptionOrigin | undefined) {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'memory';
  return origin === 'unhandledRejection' ? 'rejection' : 'exception';
}
