import { BOOKKEEPING } from '../../apis/annotations/bookkeeping.ts';
import { SERVING as ANNOTATION } from '../../apis/annotations/serving.ts';
import { MAX_ROLLOUT_MS } from '../../apis/annotations/values.ts';
import { parseDuration } from '../../apis/duration.ts';
import { SERVING } from '../../apis/labels.ts';
import { whyNoneStarts } from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import type { RouteTarget } from '../../apis/serving/traffic/types.ts';
import type { RoleConfig } from '../../roles.ts';
import { earliest } from '../duration.ts';
import { type Rollout, type RolloutStep, stepRollout } from './rollout.ts';

/** A target with the revision that is to have its share. */
export interface Resolved {
  target: RouteTarget;
  revisionName: string;
}

/** The revisions that a route sends requests to now. */
export interface Traffic {
  /** Entries without the addresses of tags; a tag is on the entry of the revision that is to have the share. */
  entries: RouteTarget[];
  /** What the status remembers of roll-outs; undefined when none is in progress. */
  annotations?: Record<string, string>;
  rollouts: Rollout[];
  /** When the next step of a roll-out is due, in milliseconds since the epoch. */
  nextAt?: number;
}

/**
 * The traffic of a route whose targets can all be served. What a configuration's targets have of it moves to the latest
 * revision gradually where that is asked for; all else, and the address of a tag, changes at once.
 */
export function trafficOf(
  resolved: readonly Resolved[],
  { route, revisions }: { route: Route; revisions: ReadonlyMap<string, Revision> },
  config: Pick<RoleConfig<'controller'>, 'traffic'>,
  now: number,
): Traffic {
  const remembered = parseRollouts(route.status?.annotations?.[BOOKKEEPING.rollout]);
  const durationMs = rolloutDurationMs(route, config);
  const canServe = (name: string) => {
    const revision = revisions.get(name);
    return revision !== undefined && whyNoneStarts(revision.status?.conditions) === undefined;
  };
  const steps = new Map<string, RolloutStep>();
  for (const [name, goal] of goalsOf(resolved)) {
    const state = { rollout: remembered.get(name), served: servedBy(name, route, revisions) };
    steps.set(name, stepRollout(state, { ...goal, durationMs, canServe }, now));
  }
  const rollouts = [...steps].flatMap(([name, { rollout }]) => (rollout ? [[name, rollout] as const] : []));
  return {
    entries: entriesOf(resolved, steps),
    annotations: rollouts.length > 0 ? { [BOOKKEEPING.rollout]: formatRollouts(rollouts) } : undefined,
    rollouts: rollouts.map(([, rollout]) => rollout),
    nextAt: earliest(...[...steps.values()].map(({ nextAt }) => nextAt)),
  };
}

/** How long a roll-out takes: what the route says, else what the chart says. (Knative API, Route annotations) */
function rolloutDurationMs(
  { metadata }: Route,
  { traffic }: Pick<RoleConfig<'controller'>, 'traffic'>,
): number {
  const given = parseDuration(metadata.annotations?.[ANNOTATION.rolloutDuration] ?? '');
  return Math.min(given ?? traffic.rolloutDurationSeconds * 1000, MAX_ROLLOUT_MS);
}

/** Each configuration's latest revision and the percentage of all targets that follow it. */
function goalsOf(resolved: readonly Resolved[]): Map<string, { revision: string; percent: number }> {
  const goals = new Map<string, { revision: string; percent: number }>();
  for (const { target, revisionName } of resolved) {
    const name = followed(target);
    if (name === undefined) continue;
    const percent = (goals.get(name)?.percent ?? 0) + (target.percent ?? 0);
    goals.set(name, { revision: revisionName, percent });
  }
  return goals;
}

function followed({ configurationName, revisionName }: RouteTarget): string | undefined {
  return revisionName ? undefined : configurationName;
}

/** The shares that revisions of a configuration have by way of it, in the order of the status: oldest first. */
function servedBy(configuration: string, { status }: Route, revisions: ReadonlyMap<string, Revision>) {
  const shares = new Map<string, number>();
  for (const { revisionName = '', percent = 0, latestRevision } of status?.traffic ?? []) {
    const owner = revisions.get(revisionName)?.metadata.labels?.[SERVING.configuration];
    if (!latestRevision || percent === 0 || owner !== configuration) continue;
    shares.set(revisionName, (shares.get(revisionName) ?? 0) + percent);
  }
  return [...shares].map(([revision, percent]) => ({ revision, percent }));
}

/** One entry for each target, and before the first one of a configuration those of its older revisions. */
function entriesOf(resolved: readonly Resolved[], steps: Map<string, RolloutStep>): RouteTarget[] {
  const left = new Map<string, number>();
  return resolved.flatMap(({ target, revisionName }) => {
    const { tag } = target;
    const entry = (percent: number): RouteTarget => ({
      revisionName,
      percent,
      latestRevision: !target.revisionName,
      ...(tag ? { tag } : {}),
    });
    const name = followed(target);
    const shares = name === undefined ? undefined : steps.get(name)?.shares;
    if (name === undefined || !shares) return [entry(target.percent ?? 0)];
    const older = left.has(name) ? [] : shares.slice(0, -1);
    const newest = left.get(name) ?? shares.at(-1)?.percent ?? 0;
    const percent = Math.min(target.percent ?? 0, newest);
    left.set(name, newest - percent);
    return [
      ...older.map((share) => ({
        revisionName: share.revision,
        percent: share.percent,
        latestRevision: true,
      })),
      entry(percent),
    ];
  });
}

function formatRollouts(rollouts: (readonly [string, Rollout])[]): string {
  return JSON.stringify(Object.fromEntries(rollouts));
}

/** Nothing for a text that no controller wrote: the shares in force are known from the status all the same. */
function parseRollouts(text: string | undefined): Map<string, Rollout> {
  try {
    const entries = Object.entries<Rollout>(JSON.parse(text ?? '{}'));
    return new Map(entries.filter(([, rollout]) => isRollout(rollout)));
  } catch {
    return new Map();
  }
}

function isRollout({ startedAt, endsAt, since, shares }: Rollout): boolean {
  const isShare = ({ revision, percent }: Rollout['shares'][number]) =>
    typeof revision === 'string' && Number.isInteger(percent) && percent > 0;
  return (
    [startedAt, endsAt, since].every(Number.isSafeInteger) &&
    endsAt > since &&
    shares.length > 1 &&
    shares.every(isShare)
  );
}
