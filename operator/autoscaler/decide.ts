import type { ScalingSpec } from '../apis/serving/revision/scaling.ts';

/** A revision's load at the time of a decision. */
export interface Load {
  /** Instances that its Deployment asks for now. */
  readonly replicas: number;
  /** Instances that are ready. */
  readonly ready: number;
  /** Requests in flight and queued now, over all gateways; a lower bound unless `complete`. */
  readonly present: number;
  /** Their mean since the previous decision. */
  readonly recent: number;
  /** Mean of requests in flight and queued over the window; undefined when it has no sample. */
  readonly concurrency: number | undefined;
  /** A part of the window was not observed: that mean is one for which the instances that ran would be right. */
  readonly assumed?: boolean;
  /** When a request last arrived or was in flight (by the autoscaler's clock, in ms), if any gateway reports one. */
  readonly lastRequestAt: number | undefined;
  /** Every gateway has answered. */
  readonly complete: boolean;
  /** CPU use; absent on a cluster without metrics.k8s.io. */
  readonly cpu?: CpuLoad;
}

export interface CpuLoad {
  /** Cores used by all measured instances, mean over the window; undefined while the metrics fail. */
  readonly cores: number | undefined;
  /** Ready instances without a measurement from after their start. */
  readonly unmeasured: number;
}

/** A number of instances, and the last time (ms) at which so many were needed. */
export interface Need {
  readonly count: number;
  readonly at: number;
}

/** The state between decisions. */
export interface ScaleState {
  /** Instances that the Deployment asked for after the decision, as far as known. */
  readonly replicas: number;
  readonly lastActivityAt: number;
  /** Needs within the idle time, oldest first, each smaller than the one before: the first is the maximum. */
  readonly needs: readonly Need[];
  /** When requests that waited raised the number while instances were starting: first and last (ms). */
  readonly raised?: Raised | undefined;
  /** It had no instances, and has not had its activation scale since. */
  readonly activating?: boolean;
}

export interface Raised {
  readonly first: number;
  readonly last: number;
}

/** The mean may exceed its target by so much before instances are added (as Kubernetes' HPA does). */
const TOLERANCE = 1.1;
/** The longest time between two raises for requests that wait while instances start. */
const RAISE_EVERY_MS = 15_000;

export type Reason =
  | 'steady'
  | 'manual'
  | 'failed'
  | 'starting'
  | 'activation'
  | 'min'
  | 'max'
  | 'burst'
  | 'concurrency'
  | 'cpu'
  | 'spare'
  | 'idle'
  | 'incomplete';

/** How many instances the load and the specification ask for now. */
export interface Asked {
  /** At most the maximum. */
  readonly count: number;
  /** The same without the maximum. */
  readonly unlimited: number;
  /** What asks for so many: what raises the number. */
  readonly reason: Reason;
  /** The same, but of several that ask for equally many the one that changes least. */
  readonly rule: Reason;
}

export interface Decision {
  /** The number to set; undefined keeps the present one. */
  readonly replicas: number | undefined;
  readonly reason: Reason;
  /** What it was decided by. */
  readonly load: Load;
  readonly asked: Asked;
  readonly state: ScaleState;
}

/** The state of a revision that is new to the autoscaler: all its instances count as just used. */
export function initialState(replicas: number, now: number): ScaleState {
  return { replicas, lastActivityAt: now, needs: [{ count: replicas, at: now }] };
}

/**
 * How many instances a revision should have (container contract, Service scaling and Idle). It scales out at once; it
 * scales in spare instances only after the idle time, the last one only when no request has arrived for that time, and
 * none while a measurement is missing. Only what users set (the manual number, a lower maximum) applies regardless of
 * measurements.
 */
export function decide(load: Load, spec: ScalingSpec, state: ScaleState, now: number): Decision {
  const need = needOf(load, spec, state, now);
  const next = remember(load, spec, state, need, now);
  const keep = (reason: Reason): Decision => ({
    replicas: undefined,
    reason,
    load,
    asked: need,
    state: next,
  });
  const set = (replicas: number, reason: Reason): Decision =>
    replicas === load.replicas ? keep('steady') : { ...keep(reason), replicas };

  if (spec.manual !== undefined) return set(spec.manual, 'manual');
  if (spec.failed && load.ready === 0) {
    return load.complete && load.present === 0 ? set(0, 'failed') : keep('failed');
  }
  const idle = load.present === 0 && now - next.lastActivityAt >= spec.idleMs;
  if (load.complete && idle) return set(floorOf(spec), floorOf(spec) > load.replicas ? 'min' : 'idle');
  if (need.count > load.replicas) return set(need.count, need.reason);
  if (need.count === load.replicas) return keep('steady');
  const unknown = isIncomplete(load, spec);
  const kept = unknown ? load.replicas : spareLimit(load, spec, next);
  if (kept > spec.max) return set(spec.max, 'max');
  return unknown ? keep('incomplete') : set(kept, 'spare');
}

/** Whether a measurement is missing that counts. */
export function isIncomplete({ complete, cpu }: Load, spec: ScalingSpec): boolean {
  return !complete || (countsCpu(spec) && cpu !== undefined && cpu.cores === undefined);
}

function countsCpu({ targetCpu }: ScalingSpec): boolean {
  return targetCpu !== Number.POSITIVE_INFINITY;
}

/** The number down to which spare instances may be removed now: those needed within the idle time. */
function spareLimit(load: Load, spec: ScalingSpec, state: ScaleState): number {
  const held = state.needs[0]?.count ?? load.replicas;
  // An instance whose CPU use is not measured yet counts as used at the target.
  const forCpu = countsCpu(spec) ? ceil(cpuInstances(load, spec)) + (load.cpu?.unmeasured ?? 0) : 0;
  return Math.min(Math.max(1, held, forCpu), load.replicas);
}

/** How long a spare instance stays since it was last needed, in ms: never less than the window of the need. */
export function holdMs(spec: ScalingSpec): number {
  return Math.max(spec.spareMs, spec.windowMs);
}

/** The minimum that the specification asks for now, whatever the load. */
export function floorOf(spec: ScalingSpec): number {
  return spec.pending ? Math.max(spec.min, spec.initial) : spec.min;
}

function needOf(load: Load, spec: ScalingSpec, state: ScaleState, now: number): Asked {
  const causes: [count: number, reason: Reason][] = [
    [burstNeed(load, spec, state, now), 'burst'],
    [load.present > 0 && isActivating(load, spec, state) ? spec.activation : 0, 'activation'],
    [tolerant((load.concurrency ?? 0) / spec.targetConcurrency, load.replicas), 'concurrency'],
    [tolerant(cpuInstances(load, spec), load.replicas), 'cpu'],
    [floorOf(spec), spec.pending ? 'starting' : 'min'],
  ];
  let [count, reason] = causes[0] as [number, Reason];
  for (const cause of causes) if (cause[0] > count) [count, reason] = cause;
  const rule = causes.findLast(([asked, by]) => asked === count && by !== 'burst')?.[1] ?? reason;
  return { count: Math.min(count, spec.max), unlimited: count, reason, rule };
}

/**
 * A slot for every request, in flight or queued. A peak within a second is no need: it is over before an instance has
 * started. And while instances start, more are added at growing intervals.
 */
function burstNeed(load: Load, spec: ScalingSpec, state: ScaleState, now: number): number {
  const { replicas, ready, present, recent } = load;
  if (present === 0) return 0;
  const lasting = Math.max(1, ceil(Math.min(present, recent) / spec.concurrency));
  if (replicas > 0 && lasting <= replicas) return lasting;
  const isTooSoon = ready < replicas && state.raised !== undefined && now < nextRaise(state.raised);
  return isTooSoon ? replicas : ceil(present / spec.concurrency);
}

/** From zero until it has its activation scale once (Knative, Configuring scale bounds: Scale Up Minimum). */
function isActivating({ replicas }: Load, spec: ScalingSpec, state: ScaleState): boolean {
  if (spec.pending || replicas >= spec.activation) return false;
  return state.activating === true || replicas === 0 || state.replicas === 0;
}

/** After 1, 3, 9 s ...: the later an instance is added, the less it can help those that wait already. */
function nextRaise({ first, last }: Raised): number {
  return last + Math.min(2 * (last - first), RAISE_EVERY_MS);
}

/** Rounds up; but no more than there are, unless these have clearly more than their target. */
function tolerant(instances: number, replicas: number): number {
  const count = ceil(instances);
  return instances <= replicas * TOLERANCE ? Math.min(count, replicas) : count;
}

/**
 * Instances that the CPU use asks for. Without requests it asks for none: the background use of instances grows with
 * their number, so it would raise that number without end.
 */
function cpuInstances(load: Load, spec: ScalingSpec): number {
  if (!load.concurrency) return 0;
  return (load.cpu?.cores ?? 0) / spec.targetCpu;
}

/** Rounds up, but 3.0000000001, a sum's rounding error, to 3. */
function ceil(instances: number): number {
  return Math.ceil(instances - 1e-9);
}

function remember(
  load: Load,
  spec: ScalingSpec,
  state: ScaleState,
  { count, reason }: { count: number; reason: Reason },
  now: number,
): ScaleState {
  // Another client raised it: the gateway for a waiting request, or a user.
  const raised = load.replicas > state.replicas;
  const active = raised || spec.pending || load.present > 0;
  const lastRequestAt = Math.min(load.lastRequestAt ?? 0, now);
  const known = !raised && load.concurrency !== undefined;
  return {
    replicas: load.replicas,
    lastActivityAt: active ? now : Math.max(state.lastActivityAt, lastRequestAt),
    needs: needsAfter(load, spec, state, { count: known ? count : Math.max(count, load.replicas), at: now }),
    raised: reason === 'burst' && count > load.replicas ? raisedAgain(load, state.raised, now) : state.raised,
    activating: isActivating(load, spec, state),
  };
}

function raisedAgain({ ready, replicas }: Load, raised: Raised | undefined, now: number): Raised {
  const isSameBurst = raised && ready < replicas && now - raised.last < RAISE_EVERY_MS;
  return { first: isSameBurst ? raised.first : now, last: now };
}

/**
 * The needs within the idle time. When an instance has been spare for all of it, those that have been for two thirds go
 * with it, so that a load that falls slowly gives few changes.
 */
function needsAfter({ replicas }: Load, spec: ScalingSpec, { needs }: ScaleState, need: Need): Need[] {
  const newerThan = (ms: number) => (other: Need) => other.count > need.count && need.at - other.at < ms;
  const held = needs.filter(newerThan(holdMs(spec)));
  const isSpare = (held[0] ?? need).count < replicas;
  return [
    ...(isSpare ? held.filter(newerThan(Math.max((spec.spareMs * 2) / 3, spec.windowMs))) : held),
    need,
  ];
}
