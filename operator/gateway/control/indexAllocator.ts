/**
 * Allocates rows in shared memory. One that was given back is reused only when no thread can still use it: all threads
 * have applied its removal, and its last request has ended.
 */
export class IndexAllocator {
  readonly #free: number[] = [];
  readonly #leaving: { id: number; version: number }[] = [];
  readonly #max: number;
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** @returns undefined when all are taken. */
  take(): number | undefined {
    return this.#free.pop() ?? (this.#next < this.#max ? this.#next++ : undefined);
  }

  /** @param version of the table update that removes it. */
  retire(id: number, version: number): void {
    this.#leaving.push({ id, version });
  }

  get retired(): number {
    return this.#leaving.length;
  }

  /** @param known version that all threads have applied. @param unused whether an id has no request any more. */
  reclaim(known: number, unused: (id: number) => boolean): number[] {
    const reclaimed: number[] = [];
    for (let i = this.#leaving.length - 1; i >= 0; i--) {
      const { id, version } = this.#leaving[i] as { id: number; version: number };
      if (version > known || !unused(id)) continue;
      this.#leaving.splice(i, 1);
      this.#free.push(id);
      reclaimed.push(id);
    }
    return reclaimed;
  }
}
