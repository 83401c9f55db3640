/** Lets callers wait for a condition on a state whose owner calls `notify` after each change. */
export class Changes {
  readonly #waiters = new Set<() => void>();

  notify(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /** Resolves once the condition is true. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#waiters.delete(check);
        resolve();
      };
      this.#waiters.add(check);
      check();
    });
  }

  /** Resolves once the condition is true, after `limitMs` at the latest. @returns whether it is. */
  async within(limitMs: number, condition: () => boolean): Promise<boolean> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    await Promise.race([this.until(condition), over]);
    clearTimeout(timer);
    return condition();
  }
}
