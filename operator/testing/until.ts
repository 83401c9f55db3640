import { setTimeout as sleep } from 'node:timers/promises';
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

/** What was awaited did not come in time. */
export class WaitError extends Error {
  readonly code = 'WAIT_TIMED_OUT';
}

/** How long `until` waits, and how. Times are in ms. */
export interface Waiting {
  timeoutMs?: number | undefined;
  /** How often it asks; the longer it has waited the more seldom when left out, for what is awaited needs the processor, too. */
  everyMs?: number | undefined;
  /** How often it asks at first, and how seldom it comes to ask. */
  paceMs?: readonly [number, number];
  /** Whether an error of `probe` means that it is not so yet; otherwise it ends the wait. */
  despiteErrors?: boolean;
}

/** What is something true. */
export type Found<R> = Exclude<R, false | null | undefined | '' | 0>;

/**
 * Waits until `probe` gives something true, and gives that.
 * @throws {WaitError} when it did not within `timeoutMs`, naming `what`, and the last error of `probe` where it went on despite it.
 */
export async function until<R>(
  what: string,
  probe: () => R | Promise<R>,
  { timeoutMs = 60_000, everyMs, paceMs: [least, most] = [5, 200], despiteErrors = false }: Waiting = {},
): Promise<Found<R>> {
  const begun = performance.now();
  for (;;) {
    let cause: unknown;
    try {
      const found = await probe();
      if (found) return found as Found<R>;
    } catch (error) {
      if (!despiteErrors) throw error;
      cause = error;
    }
    const waited = performance.now() - begun;
    if (waited > timeoutMs) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      throw new WaitError(`${what}: not within ${timeoutMs / 1000} s${why}`, { cause });
    }
    await sleep(everyMs ?? Math.min(Math.max(least, waited / 20), most));
  }
}
