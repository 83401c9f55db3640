import type { Share } from '../../apis/serving/traffic/shares.ts';
import { deepEqual } from '../../kube/json.ts';

// A gradual roll-out: where a configuration's share of the traffic is at a time, as a function of that time.

/** A roll-out in progress: the state that a Route's status remembers. */
export interface Rollout {
  /** When the newest revision got its first percent, and when it has them all; milliseconds since the epoch. */
  startedAt: number;
  endsAt: number;
  /** When the shares below were in force: `startedAt`, or when something changed on the way. */
  since: number;
  /** From the oldest revision to the newest, the one that is rolled out. */
  shares: readonly Share[];
}

/** What is known of a configuration's traffic before this look at it. */
export interface RolloutState {
  rollout?: Rollout;
  /** The shares in force, oldest revision first; they count where no roll-out is remembered. */
  served: readonly Share[];
}

/** The revision that is to get a configuration's whole share, and in what time. */
export interface RolloutGoal {
  revision: string;
  percent: number;
  durationMs: number;
  /** Whether an older revision can still take requests; the share of one that cannot moves at once. */
  canServe: (revision: string) => boolean;
}

/** The traffic of a configuration now. */
export interface RolloutStep {
  /** They add up to the percentage of the goal; the newest revision is the last. */
  shares: Share[];
  /** What to remember; undefined when the newest revision has it all. */
  rollout?: Rollout;
  /** When the next step is due, in milliseconds since the epoch. */
  nextAt?: number;
}

/** Steps are at least this far apart, as on Knative: each is a write, and a new route table in all gateways. */
const MIN_STEP_MS = 1000;

/**
 * The shares of a configuration's revisions at a time. A new revision begins with 1 %, and gets the rest in equal steps
 * of at least 1 % and one second until the duration is over. What it gets is taken from the newest of the older
 * revisions first. One that comes in the middle of a roll-out begins its own from the shares as they are. Other changes
 * on the way (of the percentage, the duration, or an older revision that can no longer serve) keep the time of the start.
 * A share of 1 % moves at once. (Knative Serving, Configuring gradual rollout of traffic to Revisions, and its package
 * reconciler/route/traffic)
 */
export function stepRollout(state: RolloutState, goal: RolloutGoal, now: number): RolloutStep {
  const { revision, percent, durationMs, canServe } = goal;
  const before = state.rollout ? sharesAt(state.rollout, now) : state.served;
  const older = adjusted(before, percent).filter(
    (share) => share.revision !== revision && canServe(share.revision),
  );
  const remembered = state.rollout?.shares.at(-1)?.revision === revision ? state.rollout : undefined;
  const startedAt = Math.min(remembered?.startedAt ?? now, now);
  const endsAt = startedAt + durationMs;
  const newest = Math.max(1, percent - sumOf(older));
  const shares = [...oldestFirst(older, percent - newest), { revision, percent: newest }];
  if (now >= endsAt || shares.length === 1) return { shares: [{ revision, percent }] };
  const isAsBefore = remembered?.endsAt === endsAt && deepEqual(shares, before);
  const rollout = isAsBefore ? remembered : { startedAt, endsAt, since: now, shares };
  return { shares: sharesAt(rollout, now), rollout, nextAt: nextStepAt(rollout, now) };
}

/** The shares with another sum: the newest gets what is added, the oldest give what is taken. */
function adjusted(shares: readonly Share[], percent: number): Share[] {
  const kept = oldestFirst(shares.toReversed(), percent).reverse();
  const newest = kept.pop();
  return newest ? [...kept, { ...newest, percent: percent - sumOf(kept) }] : [];
}

/** The first shares that add up to a percentage at most, the last of them in part. */
function oldestFirst(shares: readonly Share[], percent: number): Share[] {
  let left = percent;
  return shares.flatMap((share) => {
    const taken = Math.min(share.percent, left);
    left -= taken;
    return taken > 0 ? [{ ...share, percent: taken }] : [];
  });
}

function sharesAt(rollout: Rollout, now: number): Share[] {
  const { first, rest, steps } = course(rollout);
  const newest = first.percent + Math.round((rest * stepsDone(rollout, now)) / steps);
  const older = oldestFirst(rollout.shares.slice(0, -1), first.percent + rest - newest);
  return [...older, { ...first, percent: newest }];
}

function nextStepAt(rollout: Rollout, now: number): number {
  const { since, endsAt } = rollout;
  const next = stepsDone(rollout, now) + 1;
  return since + Math.ceil((next * (endsAt - since)) / course(rollout).steps);
}

function stepsDone(rollout: Rollout, now: number): number {
  const { since, endsAt } = rollout;
  const { steps } = course(rollout);
  const passed = Math.min(Math.max(now, since), endsAt) - since;
  return Math.floor((passed * steps) / (endsAt - since));
}

/** The newest revision with its share at the beginning, what it gets after that, and in how many steps. */
function course({ since, endsAt, shares }: Rollout): { first: Share; rest: number; steps: number } {
  const first = shares.at(-1) as Share;
  const rest = sumOf(shares) - first.percent;
  return { first, rest, steps: Math.max(1, Math.min(rest, Math.floor((endsAt - since) / MIN_STEP_MS))) };
}

function sumOf(shares: readonly Share[]): number {
  return shares.reduce((sum, { percent }) => sum + percent, 0);
}
