import type { DrainState, DrainStep } from '../gateway/shared/drainProtocol.ts';

/** An instance that is there and not being deleted. */
export interface Candidate {
  readonly uid: string;
  /** Kubernetes calls its pod ready. */
  readonly ready: boolean;
  /** Requests inside, over all gateways. */
  readonly inFlight: number;
}

/** What gateways are asked for an instance, and since when its removal is under way (ms). */
export interface Drain {
  readonly step: DrainStep;
  readonly since: number;
}

/** The instances of a revision that are to go, by UID of the pod. */
export type Drains = ReadonlyMap<string, Drain>;

export const NO_DRAINS: Drains = new Map();

export interface DrainInput {
  /** Instances that the Deployment asks for. */
  readonly replicas: number;
  /** Instances that there should be; no fewer than `replicas` calls a scale-in off. */
  readonly target: number;
  readonly instances: readonly Candidate[];
  /** UIDs of the pods that are being deleted. */
  readonly ending: ReadonlySet<string>;
  /** What the gateways answered to the last word, the least of all of them; undefined while one is missing. */
  readonly answer: (uid: string) => DrainState | undefined;
  /** The Deployment's controller has seen its present number, and all pods that it has made are seen here. */
  readonly observed: boolean;
  /** Instances that are to go although their number stays, by UID: their node is being emptied. */
  readonly evicting: ReadonlySet<string>;
  /** So many ready instances stay whatever nodes are emptied: others must have started in their place first. */
  readonly keep: number;
}

export interface DrainResult {
  /** What gateways are asked next. */
  readonly drains: Drains;
  /** The number to write now, and the instances that go with it. */
  readonly write?: { readonly replicas: number; readonly remove: ReadonlySet<string> };
  /** Instances to delete now, by UID; Kubernetes makes others for them. */
  readonly evict: readonly string[];
}

/** So long after a number was lowered Kubernetes may still be choosing the pods that go. */
const SETTLE_MS = 1000;

/**
 * The next step of a scale-in. An instance goes through `drain`, `release` and `remove`, and each step is taken when all
 * gateways have answered to the one before it, within one round (the argument why no request is lost is at `Drains` of
 * the gateway). Only `remove` cannot be called off: the number is being lowered.
 *
 * Fewest requests go first, but Kubernetes deletes pods that are not ready before all others, whatever they cost, so
 * these are chosen first and no ready one is removed while one that is not still has requests. One with a long
 * request just stays drained until that has ended.
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
    // Instances that do not exist can be given up at once, but one that is about to be seen may have requests.
    const write = input.observed ? { replicas: target, remove: new Set<string>() } : undefined;
    return { drains: next, write, evict };
  }
  const remove = removable(alive, victims.filter(isReleased));
  // Instances that are counted and not seen may be about to come: only the chosen ones are taken off.
  const lowered = Math.max(alive.length, replicas) - remove.length;
  if (remove.length === 0 || lowered >= replicas) return { drains: next, evict };
  for (const { uid } of remove) next.set(uid, { step: 'remove', since: now });
  return { drains: next, write: { replicas: lowered, remove: new Set(remove.map(({ uid }) => uid)) }, evict };
}

/**
 * After a number was not written: what was to go with it stays. A write whose answer is unknown may still take effect,
 * so its instances are kept from requests until it is clear what Kubernetes does.
 */
export function afterFailure(
  before: Drains,
  remove: ReadonlySet<string>,
  unknown: boolean,
  now: number,
): Drains {
  const next = new Map(before);
  for (const uid of remove) {
    if (unknown) next.set(uid, { step: 'remove', since: now + 2 * SETTLE_MS });
    else next.delete(uid);
  }
  return next;
}

/**
 * When the autoscaler leads again: nothing that gateways answered before counts. A number that was being lowered may
 * still take effect, so the instances that were to go with it are kept from requests until that is clear.
 */
export function afterPause(before: Drains, now: number): Drains {
  const removals = [...before].filter(([, { step }]) => step === 'remove');
  return new Map(removals.map(([uid, drain]) => [uid, { ...drain, since: now }]));
}

/** Removals that are still under way: neither done, nor has Kubernetes kept the instance because it is wanted again. */
function* removals(before: Drains, input: DrainInput, now: number): Iterable<[string, Drain]> {
  const { instances, ending, replicas, observed } = input;
  const there = new Set(instances.map(({ uid }) => uid));
  const none = observed && instances.length <= replicas;
  for (const [uid, drain] of before) {
    if (drain.step !== 'remove' || !(there.has(uid) || ending.has(uid))) continue;
    // A gateway may hear of the deletion later than this process, so one that ends is named until it has gone.
    if (there.has(uid) && none && now - drain.since >= SETTLE_MS) continue;
    yield [uid, drain];
  }
}

/** Those whose nodes are being emptied, in their order: of the ready ones no more than can be spared. */
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

/** In the order in which Kubernetes deletes pods; of equal ones those that must go anyway, and that are drained already. */
function byOrderOf(before: Drains, evicting: ReadonlySet<string>): (a: Candidate, b: Candidate) => number {
  const last = (uids: { has(uid: string): boolean }, { uid }: Candidate) => (uids.has(uid) ? 0 : 1);
  return (a, b) =>
    Number(a.ready) - Number(b.ready) ||
    last(evicting, a) - last(evicting, b) ||
    a.inFlight - b.inFlight ||
    last(before, a) - last(before, b);
}

function stepAfter(drain: Drain | undefined, answer: DrainState | undefined): DrainStep {
  // After a removal that Kubernetes gave up it begins anew: a request may wait for the instance.
  if (!drain || drain.step === 'remove') return 'drain';
  if (drain.step === 'drain' && answer === 'drained') return 'release';
  return drain.step;
}

/** Those of the released ones that Kubernetes would choose. */
function removable(alive: readonly Candidate[], released: readonly Candidate[]): readonly Candidate[] {
  const chosen = new Set(released);
  const unready = alive.some((instance) => !instance.ready && !chosen.has(instance));
  return unready ? released.filter(({ ready }) => !ready) : released;
}
