import { setTimeout as sleep } from 'node:timers/promises';

export class WaitError extends Error {
  readonly code = 'WAIT_TIMED_OUT';
}

/**
 * Asks `probe` again and again until it gives something true, and returns that.
 * @throws {WaitError} after `timeoutMs`, with what was awaited and the last error that `probe` threw.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 120_000, everyMs = 100 } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      throw new WaitError(`${what}: not within ${timeoutMs / 1000} s${why}`, { cause });
    }
    await sleep(everyMs);
  }
}
