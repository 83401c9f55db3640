import { clock } from '../shared/clock.ts';
import type { Throttler } from './throttler.ts';

/** How often queues are checked for requests that have waited too long. */
const QUEUE_TICK_MS = 100;

/** The throttlers with waiting requests, and a timer that runs only while there are any. */
export class QueueTicker {
  readonly #throttlers = new Set<Throttler>();
  #ticker: NodeJS.Timeout | undefined;

  add(throttler: Throttler): void {
    this.#throttlers.add(throttler);
    this.#ticker ??= setInterval(() => this.#tick(), QUEUE_TICK_MS).unref();
  }

  delete(throttler: Throttler): void {
    this.#throttlers.delete(throttler);
  }

  #tick(): void {
    const now = clock();
    for (const throttler of this.#throttlers) throttler.tick(now);
    if (this.#throttlers.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}
