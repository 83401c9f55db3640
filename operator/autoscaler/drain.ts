import type { DrainState, DrainStep } from '../gateway/shared/drainProtocol.ts';

/** An instance that exists and is not being deleted. */
export interface Candidate {
  readonly uid: string;
  /** Its pod is Ready. */
  readonly ready: boolean;
  /** Requests in flight, over all gateways. */
  readonly inFlight: number;
}

/** The order for an instance, and since when (by the autoscaler's clock, in ms) it is being removed. */
export interface Drain {
  readonly step: DrainStep;
  readonly since: number;
}

/** The instances of a revision that are being scaled in, by UID of the pod. */
export type Drains = ReadonlyMap<string, Drain>;

export const NO_DRAINS: Drains = new Map();

export interface DrainInput {
  /** Instances that the Deployment asks for. */
  readonly replicas: number;
  /** The wanted number; `replicas` or more cancels a scale-in. */
  readonly target: number;
  readonly instances: readonly Candidate[];
  /** UIDs of the pods that are being deleted. */
  readonly ending: ReadonlySet<string>;
  /** What the gateways reported in the last round, the least advanced of all; undefined while one is missing. */
  readonly answer: (uid: string) => DrainState | undefined;
  /** The Deployment's controller has observed the present number, and the cache has all pods that it created. */
  readonly observed: boolean;
  /** Instances that go although their number stays, by UID: their eviction was requested. */
  readonly evicting: ReadonlySet<string>;
  /** So many ready instances stay whatever is evicted: replacements must have started first. */
  readonly keep: number;
}

export interface DrainResult {
  /** The next orders for the gateways. */
  readonly drains: Drains;
  /** The number to write now, and the instances that are removed with it. */
  readonly write?: { readonly replicas: number; readonly remove: ReadonlySet<string> };
  /** Instances to delete now, by UID; the ReplicaSet replaces them. */
  readonly evict: readonly string[];
}

/** How long after a number was lowered the ReplicaSet may still be selecting the pods to delete. */
const SELECTION_MS = 1000;

/**
 * The next step of a scale-in. An instance goes through `drain`, `release` and `remove`, and each step is taken when all
 * gateways have completed the one before it, within one round (why no request is lost is documented at `Drains` of the
 * gateway). Only `remove` cannot be cancelled: the number is being lowered.
 *
 * Instances with the fewest requests go first, but Kubernetes deletes pods that are not ready before all others, whatever
 * their deletion cost, so these are selected first and no ready one is removed while one that is not still has requests.
 * One with a long request stays drained until that has ended.
 */
export function nextDrains(before: Drains, input: DrainInput, now: number): DrainResult {
  const { replicas, target, instances, answer, evicting, keep } = input;
  const next = new Map(removals(before, input, now));
  const alive = instances.filter(({ uid }) => !next.has(uid));
  const excess = target < replicas ? alive.length - target : 0;
  const free = alive.filter(({ uid }) => answer(uid) !== 'refused').sort(byOrderOf(before, evicting));
  const victims = free.slice(0, Math.max(0, excess));
  const others = evictable(
    free.slice(victims.length),
    readyCount(alive) - readyCount(victims) - keep,
    evicting,
  );
  for (const { uid } of [...victims, ...others]) {
    next.set(uid, { step: stepAfter(before.get(uid), answer(uid)), since: now });
  }
  const isReleased = ({ uid }: Candidate) =>
    before.get(uid)?.step === 'release' && answer(uid) === 'released';
  const evict = others.filter(isReleased).map(({ uid }) => uid);
  for (const uid of evict) next.set(uid, { step: 'remove', since: now });
  if (target >= replicas) return { drains: next, evict };
  if (excess <= 0) {
    // Instances that do not exist can be removed at once, but one that the cache lacks may have requests.
    const write = input.observed ? { replicas: target, remove: new Set<string>() } : undefined;
    return { drains: next, write, evict };
  }
  const remove = removable(alive, victims.filter(isReleased));
  // Instances that are counted and not in the cache may be starting: only the selected ones are subtracted.
  const lowered = Math.max(alive.length, replicas) - remove.length;
  if (remove.length === 0 || lowered >= replicas) return { drains: next, evict };
  for (const { uid } of remove) next.set(uid, { step: 'remove', since: now });
  return { drains: next, write: { replicas: lowered, remove: new Set(remove.map(({ uid }) => uid)) }, evict };
}

/**
 * After a failed write of the number: its instances stay. A write without an answer may still take effect, so its
 * instances get no requests until it is clear what Kubernetes does.
 */
export function afterFailure(
  before: Drains,
  remove: ReadonlySet<string>,
  unknown: boolean,
  now: number,
): Drains {
  const next = new Map(before);
  for (const uid of remove) {
    if (unknown) next.set(uid, { step: 'remove', since: now + 2 * SELECTION_MS });
    else next.delete(uid);
  }
  return next;
}

/**
 * When the autoscaler leads again: earlier reports of gateways do not count. A number that was being lowered may still
 * take effect, so its instances get no requests until that is clear.
 */
export function afterPause(before: Drains, now: number): Drains {
  const removals = [...before].filter(([, { step }]) => step === 'remove');
  return new Map(removals.map(([uid, drain]) => [uid, { ...drain, since: now }]));
}

/** Removals in progress: neither done, nor dropped because Kubernetes kept the instance. */
function* removals(before: Drains, input: DrainInput, now: number): Iterable<[string, Drain]> {
  const { instances, ending, replicas, observed } = input;
  const there = new Set(instances.map(({ uid }) => uid));
  const none = observed && instances.length <= replicas;
  for (const [uid, drain] of before) {
    if (drain.step !== 'remove' || !(there.has(uid) || ending.has(uid))) continue;
    // A gateway may see the deletion later than this process, so a terminating one is named until it is gone.
    if (there.has(uid) && none && now - drain.since >= SELECTION_MS) continue;
    yield [uid, drain];
  }
}

/** Those whose eviction was requested, in their order: of the ready ones no more than can be spared. */
function evictable(
  instances: readonly Candidate[],
  spare: number,
  evicting: ReadonlySet<string>,
): readonly Candidate[] {
  let left = spare;
  return instances.filter(({ uid, ready }) => evicting.has(uid) && (!ready || left-- > 0));
}

function readyCount(instances: readonly Candidate[]): number {
  return instances.filter(({ ready }) => ready).length;
}

/** The order in which Kubernetes deletes pods; of equal ones first those to evict, then those already drained. */
function byOrderOf(before: Drains, evicting: ReadonlySet<string>): (a: Candidate, b: Candidate) => number {
  const last = (uids: { has(uid: string): boolean }, { uid }: Candidate) => (uids.has(uid) ? 0 : 1);
  return (a, b) =>
    Number(a.ready) - Number(b.ready) ||
    last(evicting, a) - last(evicting, b) ||
    a.inFlight - b.inFlight ||
    last(before, a) - last(before, b);
}

function stepAfter(drain: Drain | undefined, answer: DrainState | undefined): DrainStep {
  // After a removal that Kubernetes did not carry out it starts over: a request may wait for the instance.
  if (!drain || drain.step === 'remove') return 'drain';
  if (drain.step === 'drain' && answer === 'drained') return 'release';
  return drain.step;
}

/** The released ones that Kubernetes would select. */
function removable(alive: readonly Candidate[], released: readonly Candidate[]): readonly Candidate[] {
  const selected = new Set(released);
  const unready = alive.some((instance) => !instance.ready && !selected.has(instance));
  return unready ? released.filter(({ ready }) => !ready) : released;
}
