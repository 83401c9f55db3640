import { type Found, until as untilTrue, type Waiting } from '../../operator/testing/until.ts';

/**
 * Waits as {@link untilTrue} does for what happens on the cluster: two minutes if nothing else is said, more seldom, as the cluster
 * has two processors for all tests, and despite errors of `probe`, as much of it may be away for a moment.
 * @throws {WaitError}
 */
export function until<R>(
  what: string,
  probe: () => R | Promise<R>,
  { timeoutMs = 120_000, everyMs }: Pick<Waiting, 'timeoutMs' | 'everyMs'> = {},
): Promise<Found<R>> {
  return untilTrue(what, probe, { timeoutMs, everyMs, paceMs: [50, 500], despiteErrors: true });
}
