import type { LostRequest, RoundRecord } from './record.ts';

/** Everything is as it should be so soon after what was hit works again. */
const SETTLE_MS = 10_000;
/** Another leads so soon after a leader was killed. */
const LEADER_MS = 5_000;
/** So long a request waits for an instance at least (Cloud Run, Maximum instances: requests queue for 10 seconds or more). */
const QUEUE_MS = 10_000;
/** So long after a gateway is gone a client may still send on a connection of which it has not yet read so. */
const UNAWARE_MS = 250;
/** The kernel ends the connections of a process at once; a busy machine may tell a client later. */
const CUT_MS = 2_000;

/** What a round shows to be wrong, a line each; none when every promise was kept. Pure. */
export function violations(round: RoundRecord): string[] {
  const { backAt, settledAt, unsettled, leaderlessMs, poolShortMs } = round;
  const found = round.lost
    .filter((lost) => !isInside(round, lost) && !isInVain(round, lost))
    .map(({ service, error, sentAt, failedAt }) => {
      const [sent, failed] = [sentAt - round.at, failedAt - round.at].map(seconds);
      return `a request to ${service} that was sent at ${sent} was lost at ${failed} of the round: ${error}`;
    });
  for (const { pod, what } of round.restarts)
    if (!round.mayRestart.includes(pod)) found.push(`${pod}: ${what}`);
  found.push(...round.tasks.wrong);
  if (poolShortMs > 0) found.push(`a worker pool had too few instances for ${seconds(poolShortMs)}`);
  if (backAt === undefined) found.push(`${round.target} did not come back`);
  else if (settledAt === undefined) found.push(...unsettled.map((what) => `never right again: ${what}`));
  else if (settledAt - backAt > SETTLE_MS)
    found.push(`all was right only ${seconds(settledAt - backAt)} after the return: ${unsettled.join('; ')}`);
  if (leaderlessMs !== undefined && leaderlessMs > LEADER_MS)
    found.push(`no leader for ${seconds(leaderlessMs)}`);
  return found;
}

/**
 * Whether a request was inside the gateway that was killed, or on its way there, and was cut off then. One that another
 * gateway had handed over to it, as the owner of the revision, that other one answers with 500.
 */
function isInside(
  { killsGateway, at, overAt }: RoundRecord,
  { status, sentAt, failedAt }: LostRequest,
): boolean {
  return (
    killsGateway &&
    (status === 'cut' || status === 500) &&
    sentAt - overAt <= UNAWARE_MS &&
    failedAt >= at &&
    failedAt - overAt <= CUT_MS
  );
}

/** Whether a request has waited for an instance as long as it may, and none could start because of the fault. */
function isInVain({ backAt }: RoundRecord, { status, sentAt, failedAt }: LostRequest): boolean {
  const isRejected = status === 429 && failedAt - sentAt >= QUEUE_MS;
  return isRejected && (backAt === undefined || sentAt < backAt);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
