import type { Budget } from './budget.ts';

/** A response that its client reads too slowly; it holds the links of its list. */
export interface Stalled {
  readonly revision: number;
  /** Bytes of it that wait in this process now. */
  readonly unsent: number;
  /** Bytes that are counted for it; 0 when it is not in the list. */
  stalledBytes: number;
  stalledEarlier: Stalled | undefined;
  stalledLater: Stalled | undefined;
  /** Aborts it. It may be removed from the list already. */
  abort(): void;
}

/**
 * Responses whose clients are slow, longest stalled first. The bytes that they hold are counted; when these exceed the
 * budget, the response that has stalled longest is aborted.
 */
export class StalledAnswers {
  readonly #budget: Budget;
  readonly #cut: () => void;
  #first: Stalled | undefined;
  #last: Stalled | undefined;
  #abortedBytes = 0;

  /** @param cut called for each response that is aborted. */
  constructor(budget: Budget, cut: () => void) {
    this.#budget = budget;
    this.#cut = cut;
  }

  /**
   * Whether as much as the budget was aborted in this turn of the event loop. What was written to a client is only freed
   * after the turn, and one turn may read from many instances, so no large chunk should be written any more in it.
   */
  get saturated(): boolean {
    return this.#abortedBytes > this.#budget.limit;
  }

  /** The client has not read all that was written. */
  add(item: Stalled): void {
    const bytes = Math.max(1, item.unsent);
    this.#budget.force(item.revision, bytes - item.stalledBytes);
    if (item.stalledBytes === 0) this.#append(item);
    item.stalledBytes = bytes;
    this.#enforce(item.revision);
  }

  /** The client has read it, or left. */
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

  /** Aborts a response, whether it is in the list or not. */
  abort(item: Stalled): void {
    if (this.#abortedBytes === 0) setImmediate(this.#freed);
    this.#abortedBytes += item.stalledBytes;
    this.remove(item);
    this.#cut();
    item.abort();
  }

  #append(item: Stalled): void {
    item.stalledEarlier = this.#last;
    if (this.#last) this.#last.stalledLater = item;
    else this.#first = item;
    this.#last = item;
  }

  #enforce(revision: number): void {
    while (this.#budget.sumExceeded && this.#first) this.abort(this.#first);
    while (this.#budget.exceededBy(revision)) {
      let item = this.#first;
      while (item && item.revision !== revision) item = item.stalledLater;
      if (!item) return;
      this.abort(item);
    }
  }

  readonly #freed = (): void => {
    this.#abortedBytes = 0;
  };
}
