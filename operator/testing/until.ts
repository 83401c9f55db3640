import { pino } from 'pino';

/** A logger for tests that says nothing. */
export const silent = pino({ level: 'silent' });

/**
 * Whether `promise` resolves before a timer of `ms` that starts now, where a shorter timer ends what it waits for. Timers go
 * off in their order, so a busy machine changes nothing.
 */
export async function isBeforeTimer(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer));
}

/**
 * Waits until `probe` gives something true, and gives that. The longer it has waited, the more seldom it asks, unless `everyMs`
 * says how often: what is awaited needs the processor, too.
 * @throws when it did not within `timeoutMs`, naming `what`.
 */
export async function until<R>(
  what: string,
  probe: () => R | Promise<R>,
  { timeoutMs = 60_000, everyMs }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Exclude<R, false | null | undefined | '' | 0>> {
  const begun = performance.now();
  for (;;) {
    const found = await probe();
    if (found) return found as Exclude<R, false | null | undefined | '' | 0>;
    const waited = performance.now() - begun;
    if (waited > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs ?? Math.min(Math.max(5, waited / 20), 200)));
  }
}
