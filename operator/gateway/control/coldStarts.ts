/**
 * What a cold start consists of: from the first request that waits to the API server's consent to an instance (decide); until
 * its container runs, the pull of its image included (schedule); until its startup probe passes (start); and until the
 * first byte of its first response (first_byte).
 */
export const COLD_START_PARTS = ['decide', 'schedule', 'start', 'first_byte'] as const;
export type ColdStartPart = (typeof COLD_START_PARTS)[number];

interface ColdStart {
  wantedAt: number;
  decidedAt?: number;
  startedAt?: number;
  /** When each pod was last seen to get ahead: it got its address, or its container ran. */
  placedAt: Map<string, number>;
}

/**
 * Measures the starts of revisions from zero, in the gateway whose request raised them. What does not happen in order, such as
 * an instance that another gateway or the autoscaler asked for, is not measured. All times are in ms on one clock.
 */
export class ColdStarts {
  readonly #starts = new Map<string, ColdStart>();
  readonly #observe: (part: ColdStartPart, ms: number) => void;
  readonly #limitMs: number;

  /** @param limitMs after this time a start is given up. */
  constructor(limitMs: number, observe: (part: ColdStartPart, ms: number) => void) {
    this.#limitMs = limitMs;
    this.#observe = observe;
  }

  /** Starts that are under way. */
  get size(): number {
    return this.#starts.size;
  }

  /** A request waits and its revision has no instance; repeated while that is so. */
  wanted(revision: string, now: number): void {
    if (!this.#starts.has(revision)) this.#starts.set(revision, { wantedAt: now, placedAt: new Map() });
  }

  /** No request waits for an instance any more; a start that was decided on goes on. */
  unwanted(revision: string): void {
    if (this.#starts.get(revision)?.decidedAt === undefined) this.#starts.delete(revision);
  }

  /** The API server accepted the number of instances. */
  decided(revision: string, now: number): void {
    const start = this.#starts.get(revision);
    if (!start || start.decidedAt !== undefined) return;
    start.decidedAt = now;
    this.#observe('decide', now - start.wantedAt);
  }

  /** A pod got its address, or its container runs. The later of the two that comes before its start counts. */
  placed(revision: string, uid: string, now: number): void {
    const start = this.#starts.get(revision);
    if (start && start.startedAt === undefined) start.placedAt.set(uid, now);
  }

  /** An instance passed its startup probe. @param isAwaited whether a request waits for it. */
  started(revision: string, uid: string, isAwaited: boolean, now: number): void {
    const start = this.#starts.get(revision);
    if (!start || start.startedAt !== undefined) return;
    const { decidedAt } = start;
    const seenAt = start.placedAt.get(uid);
    if (decidedAt === undefined || seenAt === undefined) {
      this.#starts.delete(revision);
      return;
    }
    // The watch may be faster than the answer of the API server.
    const placedAt = Math.max(seenAt, decidedAt);
    start.startedAt = now;
    this.#observe('schedule', placedAt - decidedAt);
    this.#observe('start', now - placedAt);
    if (!isAwaited) this.#starts.delete(revision);
  }

  /** The first byte of an instance's first response has arrived. */
  answered(revision: string, now: number): void {
    const startedAt = this.#starts.get(revision)?.startedAt;
    if (startedAt === undefined) return;
    this.#starts.delete(revision);
    this.#observe('first_byte', now - startedAt);
  }

  /** Gives up those that take too long, because their instance cannot start or their revision was deleted. */
  tick(now: number): void {
    for (const [revision, { wantedAt }] of this.#starts) {
      if (now - wantedAt > this.#limitMs) this.#starts.delete(revision);
    }
  }
}
