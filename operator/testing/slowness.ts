const YARDSTICK = JSON.stringify(
  Array.from({ length: 60_000 }, (_, index) => ({ name: `n${index}`, value: 'x' })),
);
/** Processor time (ms) to parse the yardstick where nothing else runs, on the machine whose limits tests state. */
const YARDSTICK_MS = 14;

/** Processor time (ms) that this process takes for something. */
export async function processorMs(work: () => unknown): Promise<number> {
  const begun = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

/**
 * How many times slower processors compute at the moment than where nothing else runs, 1 at least. Processor time is no
 * constant: neighbours share caches, and cores their threads. A limit in milliseconds is meant for an idle machine.
 */
export async function slowness(): Promise<number> {
  const ms = await processorMs(() => JSON.parse(YARDSTICK));
  return Math.max(1, ms / YARDSTICK_MS);
}

const TICK_MS = 10;

/**
 * A clock that goes on only while this process gets a processor: an event loop that comes late by more than a tick
 * has waited for one, not for what a test measures.
 */
export class ResponsiveClock {
  #nowMs = 0;
  #lastTick = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  /** Milliseconds since the clock was made. */
  now(): number {
    return this.#nowMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const tick = performance.now();
    this.#nowMs += Math.min(tick - this.#lastTick, 2 * TICK_MS);
    this.#lastTick = tick;
  }
}
