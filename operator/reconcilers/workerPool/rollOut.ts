import type { Steps } from '../../apis/run/workerPool/scaling.ts';
import { partsOf, type Share } from '../../apis/serving/traffic/shares.ts';
import { compareTexts } from '../../kube/json.ts';

/** One revision's instances now. */
export interface Member {
  revision: string;
  /** What its Deployment asks for. */
  replicas: number;
  /** How many of them have started and are healthy. */
  ready: number;
  /** Whether the revision has shown that its instances start; a failed one has shown that they do not. */
  state: 'proven' | 'trying' | 'failed';
  /** Whether it failed because its image cannot be had. */
  lacksImage?: boolean;
}

export interface RollOut {
  /** Instances that the pool shall have. */
  count: number;
  /** The split that counts now: of proven revisions, unless the pool has none yet. */
  inForce: readonly Share[];
  /** The split that counts once all of its revisions are proven. */
  target: readonly Share[];
  steps: Steps;
  members: readonly Member[];
}

/**
 * The next number of instances of each revision: one step of the way to the split, from wherever things stand. Pure
 * and without memory, so that it goes on where it was after a restart. For every step:
 *
 * - no more instances are asked for than the wanted number and the surge;
 * - no healthy instance of a proven revision is stopped unless as many as must be there remain;
 * - a revision of the target that is not proven yet is tried within the surge; without a surge, instead of those
 *   that may be missing. A revision that failed gets none;
 * - where the pool has no other, one that failed keeps its instances, which are started again; but none of those whose
 *   image cannot be had: a registry is not asked for ever.
 */
export function rollOut({ count, inForce, target, steps, members }: RollOut): Map<string, number> {
  const current = new Set(inForce.filter(({ percent }) => percent > 0).map(({ revision }) => revision));
  const tried = new Set(
    members.filter(({ revision, state }) => state === 'trying' && !current.has(revision)).map(revisionOf),
  );
  const wanted = new Map([...partsOf(count, target)].filter(([revision]) => tried.has(revision)));
  const isTrying = [...wanted.values()].some((part) => part > 0);
  const least = count - steps.unavailable;
  const goal = partsOf(isTrying && steps.surge === 0 ? Math.max(0, least) : count, inForce);
  for (const { revision, lacksImage } of members) if (lacksImage) goal.delete(revision);
  const next = new Map(members.map((member) => [member.revision, member.replicas]));
  lower(next, goal, members, { least, kept: wanted });
  let room = count + steps.surge - members.reduce((sum, member) => sum + occupied(member, next), 0);
  for (const parts of [goal, wanted]) {
    for (const [revision, part] of [...parts].toSorted(([a], [b]) => compareTexts(a, b))) {
      const present = next.get(revision) ?? 0;
      const added = Math.max(0, Math.min(part - present, room));
      next.set(revision, present + added);
      room -= added;
    }
  }
  return next;
}

/** Takes away what is beyond the goal, as far as enough healthy instances remain. */
function lower(
  next: Map<string, number>,
  goal: ReadonlyMap<string, number>,
  members: readonly Member[],
  { least, kept }: { least: number; kept: ReadonlyMap<string, number> },
): void {
  const available = members.reduce(
    (sum, member) => sum + (member.state === 'proven' ? healthy(member) : 0),
    0,
  );
  let spare = Math.max(0, available - least);
  for (const member of members.toSorted((a, b) => compareTexts(a.revision, b.revision))) {
    const { revision, replicas, state } = member;
    const excess = replicas - Math.max(goal.get(revision) ?? 0, kept.get(revision) ?? 0);
    if (excess <= 0) continue;
    // A ReplicaSet stops those first that are not ready.
    const unready = state === 'proven' ? replicas - healthy(member) : replicas;
    const taken = Math.min(excess, unready + spare);
    spare -= Math.max(0, taken - unready);
    next.set(revision, replicas - taken);
  }
}

/** What was lowered just now is still there. */
function occupied({ revision, replicas }: Member, next: ReadonlyMap<string, number>): number {
  return Math.max(replicas, next.get(revision) ?? 0);
}

/** The status may still count instances that are no longer asked for. */
function healthy({ ready, replicas }: Member): number {
  return Math.min(ready, replicas);
}

function revisionOf({ revision }: Member): string {
  return revision;
}
