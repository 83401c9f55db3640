import type { Amounts } from '../shared/usage.ts';

/** No revision: only the sum is counted. */
export const NO_REVISION = -1;

/**
 * Memory that requests or responses may use. A holder takes it and gives it back; no revision gets more than half, so
 * that one service's clients leave room for the others.
 */
export class Budget {
  readonly #amounts: Amounts;
  readonly #sum: number;
  readonly #cellOf: (revision: number) => number;
  /** In bytes. */
  readonly limit: number;

  /**
   * @param sum the cell of the sum over all revisions.
   * @param cellOf the cell of one revision.
   * @param limit in bytes.
   */
  constructor(amounts: Amounts, sum: number, cellOf: (revision: number) => number, limit: number) {
    this.#amounts = amounts;
    this.#sum = sum;
    this.#cellOf = cellOf;
    this.limit = limit;
  }

  /** False when there is not that much left, and then nothing is taken. */
  take(revision: number, bytes: number): boolean {
    this.force(revision, bytes);
    if (!this.sumExceeded && !this.exceededBy(revision)) return true;
    this.give(revision, bytes);
    return false;
  }

  /** Takes what is held already, whether it fits or not. */
  force(revision: number, bytes: number): void {
    this.#amounts.add(this.#sum, bytes);
    if (revision !== NO_REVISION) this.#amounts.add(this.#cellOf(revision), bytes);
  }

  give(revision: number, bytes: number): void {
    this.force(revision, -bytes);
  }

  get sumExceeded(): boolean {
    return this.#amounts.get(this.#sum) > this.limit;
  }

  exceededBy(revision: number): boolean {
    return revision !== NO_REVISION && this.#amounts.get(this.#cellOf(revision)) > this.limit / 2;
  }
}
