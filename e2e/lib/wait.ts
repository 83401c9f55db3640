import { setTimeout as sleep } from 'node:timers/promises';

export class WaitError extends Error {
  readonly code = 'WAIT_TIMED_OUT';
}

/**
 * Asks `probe` again and again until it gives something true, and returns that. The longer it has waited, the more seldom it
 * asks, unless `everyMs` says how often: the cluster has two processors for all tests.
 * @throws {WaitError} after `timeoutMs`, with what was awaited and the last error that `probe` threw.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 120_000, everyMs }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const begun = performance.now();
  let cause: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    const waited = performance.now() - begun;
    if (waited > timeoutMs) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      throw new WaitError(`${what}: not within ${timeoutMs / 1000} s${why}`, { cause });
    }
    await sleep(everyMs ?? Math.min(Math.max(50, waited / 20), 500));
  }
}
