import type { Budget } from './budget.ts';

/** An answer that its client takes too slowly; the links of the list live in it. */
export interface Stalled {
  readonly revision: number;
  /** Bytes of it that wait in this process now. */
  readonly unsent: number;
  /** Bytes that are counted for it; 0 when it is not in the list. */
  stalledBytes: number;
  stalledEarlier: Stalled | undefined;
  stalledLater: Stalled | undefined;
  /** Breaks it off. It may be removed from the list already. */
  breakOff(): void;
}

/**
 * Answers whose clients are slow, those that stall longest first. What they hold is counted as it is; when it is more
 * than the budget, the one that has stalled longest is broken off.
 */
export class StalledAnswers {
  readonly #budget: Budget;
  readonly #cut: () => void;
  #first: Stalled | undefined;
  #last: Stalled | undefined;
  #going = 0;

  /** @param cut called for each answer that is broken off. */
  constructor(budget: Budget, cut: () => void) {
    this.#budget = budget;
    this.#cut = cut;
  }

  /**
   * Whether as much as the budget was broken off in this turn of the event loop. What was written to a client is only
   * freed after the turn, and a turn takes whatever many instances have sent, so that nothing more should be written of
   * which much may have to wait.
   */
  get saturated(): boolean {
    return this.#going > this.#budget.limit;
  }

  /** The client did not take all that was written. */
  add(item: Stalled): void {
    const bytes = Math.max(1, item.unsent);
    this.#budget.force(item.revision, bytes - item.stalledBytes);
    if (item.stalledBytes === 0) this.#append(item);
    item.stalledBytes = bytes;
    this.#enforce(item.revision);
  }

  /** The client took it, or left. */
  remove(item: Stalled): void {
    if (item.stalledBytes === 0) return;
    this.#budget.give(item.revision, item.stalledBytes);
    item.stalledBytes = 0;
    if (item.stalledEarlier) item.stalledEarlier.stalledLater = item.stalledLater;
    else this.#first = item.stalledLater;
    if (item.stalledLater) item.stalledLater.stalledEarlier = item.stalledEarlier;
    else this.#last = item.stalledEarlier;
    item.stalledEarlier = undefined;
    item.stalledLater = undefined;
  }

  /** Breaks an answer off, whether it is in the list or not. */
  breakOff(item: Stalled): void {
    if (this.#going === 0) setImmediate(this.#freed);
    this.#going += item.stalledBytes;
    this.remove(item);
    this.#cut();
    item.breakOff();
  }

  #append(item: Stalled): void {
    item.stalledEarlier = this.#last;
    if (this.#last) this.#last.stalledLater = item;
    else this.#first = item;
    this.#last = item;
  }

  #enforce(revision: number): void {
    while (this.#budget.sumExceeded && this.#first) this.breakOff(this.#first);
    while (this.#budget.exceededBy(revision)) {
      let item = this.#first;
      while (item && item.revision !== revision) item = item.stalledLater;
      if (!item) return;
      this.breakOff(item);
    }
  }

  readonly #freed = (): void => {
    this.#going = 0;
  };
}
