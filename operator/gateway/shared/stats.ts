import { unixTime } from './clock.ts';
import { bucketOf, Histograms, type HistogramWriter, histogramCells } from './histograms.ts';
import { MAX_REVISIONS } from './limits.ts';
import { REJECTIONS, type RejectionReason } from './rejections.ts';

/** Upper bounds in milliseconds of the request latency histogram; the last bucket has none. */
export const LATENCY_BOUNDS_MS = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000,
] as const;

const REQUESTS = 0;
const ACTIVE = 1;
const START_SUM = 2;
const LAST = 3;
const CLASSES = 4;
const LATENCY_SUM = 9;
const QUEUED = 10;
const BUCKETS = 11;
const PARTS = BUCKETS + LATENCY_BOUNDS_MS.length + 1;

/**
 * What the time of a request consists of: the wait for an instance; the gateway's own time until the request is sent; the
 * instance's time until the first byte of its response; and from there to the end of the response.
 */
export const LATENCY_PARTS = ['queue', 'gateway', 'upstream', 'response'] as const;
const ERRORS = PARTS + LATENCY_PARTS.length;

/** Why a request did not get the response of an instance, or not all of it. */
export const ERROR_CAUSES = [
  ...(Object.keys(REJECTIONS) as RejectionReason[]),
  /** The client left before the response was whole. */
  'client_left',
  /** The response had begun and was broken off: by the instance, at its deadline, or because the client read too slowly. */
  'response_broken',
] as const;
export type ErrorCause = (typeof ERROR_CAUSES)[number];
const CAUSE_INDEX = new Map<ErrorCause, number>(ERROR_CAUSES.map((cause, i) => [cause, i]));
const ROW = ERRORS + ERROR_CAUSES.length;

/** Bytes of shared memory that {@link Stats} needs. */
export function statsBytes(threads: number): number {
  const numbers = threads * MAX_REVISIONS * ROW + histogramCells(threads);
  return numbers * Float64Array.BYTES_PER_ELEMENT + threads * MAX_REVISIONS * Int32Array.BYTES_PER_ELEMENT;
}

/** The counters of one revision since the process started, over all threads. */
export interface RevisionStats {
  requests: number;
  /** Integral over time of (in flight + queued), in request-milliseconds. */
  concurrencyMs: number;
  inFlight: number;
  queued: number;
  /** Unix time in ms of the newest request; 0 when none has arrived. */
  lastRequestAt: number;
  /** Responses by the first digit of their status, 1xx to 5xx. */
  classes: number[];
  latencySumMs: number;
  /** Responses by {@link LATENCY_BOUNDS_MS}, not cumulative; one more than there are bounds. */
  latency: number[];
  /** Their time by {@link LATENCY_PARTS}, in ms; the sum is `latencySumMs`. */
  parts: number[];
  /** By {@link ERROR_CAUSES}. */
  errors: number[];
}

/** When a request reached the stages of its way, on `clock()`; 0 when it did not. */
export interface Stages {
  readonly arrivedAt: number;
  /** In ms. */
  readonly queuedMs: number;
  readonly sentAt: number;
  /** The first byte of the response. */
  readonly answeredAt: number;
}

/**
 * Counters in shared memory: each thread writes its own rows, the control thread reads them on demand.
 * So neither a message nor a lock stands between a request and its count.
 */
export class Stats {
  readonly memory: SharedArrayBuffer;
  readonly threads: number;
  readonly histograms: Histograms;
  readonly #rows: Float64Array;
  readonly #sequence: Int32Array;

  constructor(memory: SharedArrayBuffer, threads: number) {
    this.memory = memory;
    this.threads = threads;
    this.#rows = new Float64Array(memory, 0, threads * MAX_REVISIONS * ROW);
    const durations = new Float64Array(memory, this.#rows.byteLength, histogramCells(threads));
    this.histograms = new Histograms(durations, threads);
    const end = this.#rows.byteLength + durations.byteLength;
    this.#sequence = new Int32Array(memory, end, threads * MAX_REVISIONS);
  }

  static create(threads: number): Stats {
    return new Stats(new SharedArrayBuffer(statsBytes(threads)), threads);
  }

  /** The writer of one thread. */
  writer(thread: number): StatsWriter {
    return new StatsWriter(
      this.#rows.subarray(thread * MAX_REVISIONS * ROW, (thread + 1) * MAX_REVISIONS * ROW),
      this.#sequence.subarray(thread * MAX_REVISIONS, (thread + 1) * MAX_REVISIONS),
      this.histograms.writer(thread),
    );
  }

  /** @param now the clock that the writers use (`clock()`), in ms. */
  read(revision: number, now: number): RevisionStats {
    const total: RevisionStats = {
      requests: 0,
      concurrencyMs: 0,
      inFlight: 0,
      queued: 0,
      lastRequestAt: 0,
      classes: [0, 0, 0, 0, 0],
      latencySumMs: 0,
      latency: LATENCY_BOUNDS_MS.map(() => 0).concat(0),
      parts: LATENCY_PARTS.map(() => 0),
      errors: ERROR_CAUSES.map(() => 0),
    };
    for (let thread = 0; thread < this.threads; thread++) this.#addRow(total, thread, revision, now);
    if (total.lastRequestAt > 0) total.lastRequestAt = unixTime(total.lastRequestAt);
    return total;
  }

  /** Changes with every write to a revision's rows. */
  version(revision: number): number {
    let sum = 0;
    for (let thread = 0; thread < this.threads; thread++) {
      sum += Atomics.load(this.#sequence, thread * MAX_REVISIONS + revision);
    }
    return sum;
  }

  /** Whether a revision has requests now. */
  isActive(revision: number): boolean {
    for (let thread = 0; thread < this.threads; thread++) {
      if (this.#rows[(thread * MAX_REVISIONS + revision) * ROW + ACTIVE] !== 0) return true;
    }
    return false;
  }

  #addRow(total: RevisionStats, thread: number, revision: number, now: number): void {
    const row = this.#consistentRow(thread, revision);
    const at = (index: number) => row[index] as number;
    total.requests += at(REQUESTS);
    total.concurrencyMs += at(START_SUM) + at(ACTIVE) * now;
    total.queued += at(QUEUED);
    total.inFlight += at(ACTIVE) - at(QUEUED);
    total.lastRequestAt = Math.max(total.lastRequestAt, at(LAST));
    total.latencySumMs += at(LATENCY_SUM);
    const addTo = (sums: number[], first: number): void => {
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + at(first + i);
    };
    addTo(total.classes, CLASSES);
    addTo(total.latency, BUCKETS);
    addTo(total.parts, PARTS);
    addTo(total.errors, ERRORS);
  }

  /** A copy of a row that no write overlapped; a write takes nanoseconds, so a few attempts are always enough. */
  #consistentRow(thread: number, revision: number): Float64Array {
    const cell = thread * MAX_REVISIONS + revision;
    for (let attempt = 0; ; attempt++) {
      const before = Atomics.load(this.#sequence, cell);
      const copy = this.#rows.slice(cell * ROW, (cell + 1) * ROW);
      const consistent = (before & 1) === 0 && Atomics.load(this.#sequence, cell) === before;
      if (consistent || attempt === 10_000) return copy;
    }
  }

  /** Ends the open requests of a thread that ended. Their time up to now stays counted. */
  forget(thread: number, now: number): void {
    for (let revision = 0; revision < MAX_REVISIONS; revision++) {
      const row = (thread * MAX_REVISIONS + revision) * ROW;
      const active = this.#rows[row + ACTIVE] as number;
      // An odd number is a write that the thread did not finish. Zeros are not written: a page that is only read costs nothing.
      if (this.#sequence[thread * MAX_REVISIONS + revision] !== 0) {
        this.#sequence[thread * MAX_REVISIONS + revision] = 0;
      }
      if (active === 0) continue;
      this.#rows[row + START_SUM] = (this.#rows[row + START_SUM] as number) + active * now;
      this.#rows[row + ACTIVE] = 0;
      this.#rows[row + QUEUED] = 0;
    }
  }

  /** Zeroes a revision's rows before its index goes to another. */
  clear(revision: number): void {
    for (let thread = 0; thread < this.threads; thread++) {
      const row = (thread * MAX_REVISIONS + revision) * ROW;
      this.#rows.fill(0, row, row + ROW);
    }
  }
}

export class StatsWriter {
  readonly histograms: HistogramWriter;
  readonly #rows: Float64Array;
  readonly #sequence: Int32Array;

  constructor(rows: Float64Array, sequence: Int32Array, histograms: HistogramWriter) {
    this.#rows = rows;
    this.#sequence = sequence;
    this.histograms = histograms;
  }

  /** Counts a request's arrival. `now` is `clock()`, in ms. */
  begin(revision: number, now: number): void {
    const rows = this.#rows;
    const row = revision * ROW;
    Atomics.add(this.#sequence, revision, 1);
    rows[row + REQUESTS] = (rows[row + REQUESTS] as number) + 1;
    rows[row + ACTIVE] = (rows[row + ACTIVE] as number) + 1;
    rows[row + START_SUM] = (rows[row + START_SUM] as number) - now;
    rows[row + LAST] = now;
    Atomics.add(this.#sequence, revision, 1);
  }

  /** Counts its end with this status; 0 when the client left before a response. */
  end(revision: number, stages: Stages, now: number, status: number): void {
    const rows = this.#rows;
    const row = revision * ROW;
    const elapsed = now - stages.arrivedAt;
    Atomics.add(this.#sequence, revision, 1);
    rows[row + ACTIVE] = (rows[row + ACTIVE] as number) - 1;
    rows[row + START_SUM] = (rows[row + START_SUM] as number) + now;
    if (status >= 100) {
      const kind = row + CLASSES + Math.min(4, Math.floor(status / 100) - 1);
      const bucket = row + BUCKETS + bucketOf(LATENCY_BOUNDS_MS, elapsed);
      rows[kind] = (rows[kind] as number) + 1;
      rows[bucket] = (rows[bucket] as number) + 1;
      rows[row + LATENCY_SUM] = (rows[row + LATENCY_SUM] as number) + elapsed;
      this.#addParts(row + PARTS, stages, now);
    }
    Atomics.add(this.#sequence, revision, 1);
  }

  /** The gateway that owns the revision counts a request from now on, until it comes back ({@link begin}). */
  forwarded(revision: number, now: number): void {
    const rows = this.#rows;
    const row = revision * ROW;
    Atomics.add(this.#sequence, revision, 1);
    rows[row + ACTIVE] = (rows[row + ACTIVE] as number) - 1;
    rows[row + START_SUM] = (rows[row + START_SUM] as number) + now;
    Atomics.add(this.#sequence, revision, 1);
  }

  failed(revision: number, cause: ErrorCause): void {
    const cell = revision * ROW + ERRORS + (CAUSE_INDEX.get(cause) as number);
    Atomics.add(this.#sequence, revision, 1);
    this.#rows[cell] = (this.#rows[cell] as number) + 1;
    Atomics.add(this.#sequence, revision, 1);
  }

  queued(revision: number, delta: number): void {
    const cell = revision * ROW + QUEUED;
    Atomics.add(this.#sequence, revision, 1);
    this.#rows[cell] = (this.#rows[cell] as number) + delta;
    Atomics.add(this.#sequence, revision, 1);
  }

  /** Divides a request's time by {@link LATENCY_PARTS}. */
  #addParts(first: number, { arrivedAt, queuedMs, sentAt, answeredAt }: Stages, now: number): void {
    const rows = this.#rows;
    const sent = sentAt || now;
    const answered = answeredAt || now;
    rows[first] = (rows[first] as number) + queuedMs;
    rows[first + 1] = (rows[first + 1] as number) + sent - arrivedAt - queuedMs;
    rows[first + 2] = (rows[first + 2] as number) + answered - sent;
    rows[first + 3] = (rows[first + 3] as number) + now - answered;
  }
}
