import type { ScalingSpec } from '../apis/serving/revision/scaling.ts';

/** A revision's load at the time of a decision. */
export interface Load {
  /** Instances that its Deployment asks for now. */
  readonly replicas: number;
  /** Instances that are ready. */
  readonly ready: number;
  /** Requests in flight and queued now, over all gateways; a lower bound unless `complete`. */
  readonly present: number;
  /** Mean of requests in flight and queued over the window; undefined when it has no sample. */
  readonly concurrency: number | undefined;
  /** Instances that have a request now. */
  readonly busy: number;
  /** When a request last arrived or was in flight (Unix time in ms), if any gateway reports one. */
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
}

export type Reason =
  | 'steady'
  | 'manual'
  | 'failed'
  | 'starting'
  | 'min'
  | 'max'
  | 'burst'
  | 'concurrency'
  | 'cpu'
  | 'spare'
  | 'idle'
  | 'incomplete';

export interface Decision {
  /** The number to set; undefined keeps the present one. */
  readonly replicas: number | undefined;
  readonly reason: Reason;
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
  const need = needOf(load, spec);
  const next = remember(load, spec, state, need.count, now);
  const set = (replicas: number, reason: Reason): Decision =>
    replicas === load.replicas
      ? { replicas: undefined, reason: 'steady', state: next }
      : { replicas, reason, state: next };
  const keep = (reason: Reason): Decision => ({ replicas: undefined, reason, state: next });

  if (spec.manual !== undefined) return set(spec.manual, 'manual');
  if (spec.failed && load.ready === 0) {
    return load.complete && load.present === 0 ? set(0, 'failed') : keep('failed');
  }
  const idle = load.present === 0 && now - next.lastActivityAt >= spec.idleMs;
  if (load.complete && idle) return set(floorOf(spec), floorOf(spec) > load.replicas ? 'min' : 'idle');
  if (need.count > load.replicas) return set(need.count, need.reason);
  if (need.count === load.replicas) return keep('steady');
  const unknown = !load.complete || (load.cpu && load.cpu.cores === undefined);
  const kept = unknown ? load.replicas : spareLimit(load, spec, next);
  if (kept > spec.max) return set(spec.max, 'max');
  return unknown ? keep('incomplete') : set(kept, 'spare');
}

/** The number down to which spare instances may be removed now: those needed within the idle time or with requests. */
function spareLimit(load: Load, spec: ScalingSpec, state: ScaleState): number {
  const held = state.needs[0]?.count ?? load.replicas;
  // An instance whose CPU use is not measured yet counts as used at the target.
  const forCpu = cpuNeed(load, spec) + (load.cpu?.unmeasured ?? 0);
  return Math.min(Math.max(1, held, load.busy, forCpu), load.replicas);
}

/** How long a spare instance stays since it was last needed: never less than the window of the need. */
function holdMs(spec: ScalingSpec): number {
  return Math.max(spec.idleMs, spec.windowMs);
}

/** The minimum that the specification asks for now, whatever the load. */
export function floorOf(spec: ScalingSpec): number {
  return spec.pending ? Math.max(spec.min, spec.initial) : spec.min;
}

function needOf(load: Load, spec: ScalingSpec): { count: number; reason: Reason } {
  const causes: [count: number, reason: Reason][] = [
    [ceil(load.present / spec.concurrency), 'burst'],
    [ceil((load.concurrency ?? 0) / spec.targetConcurrency), 'concurrency'],
    [cpuNeed(load, spec), 'cpu'],
    [floorOf(spec), spec.pending ? 'starting' : 'min'],
  ];
  let [count, reason] = causes[0] as [number, Reason];
  for (const cause of causes) if (cause[0] > count) [count, reason] = cause;
  return { count: Math.min(count, spec.max), reason };
}

/**
 * Instances that the CPU use asks for. Without requests it asks for none: the background use of instances grows with
 * their number, so it would raise that number without end.
 */
function cpuNeed(load: Load, spec: ScalingSpec): number {
  if (!load.concurrency) return 0;
  return ceil((load.cpu?.cores ?? 0) / spec.targetCpu);
}

/** Rounds up, but 3.0000000001, a sum's rounding error, to 3. */
function ceil(instances: number): number {
  return Math.ceil(instances - 1e-9);
}

function remember(load: Load, spec: ScalingSpec, state: ScaleState, count: number, now: number): ScaleState {
  // Another client raised it: the gateway for a waiting request, or a user.
  const raised = load.replicas > state.replicas;
  const active = raised || spec.pending || load.present > 0;
  const lastRequestAt = Math.min(load.lastRequestAt ?? 0, now);
  const known = !raised && load.concurrency !== undefined;
  return {
    replicas: load.replicas,
    lastActivityAt: active ? now : Math.max(state.lastActivityAt, lastRequestAt),
    needs: pushNeed(
      state.needs,
      { count: known ? count : Math.max(count, load.replicas), at: now },
      holdMs(spec),
    ),
  };
}

function pushNeed(needs: readonly Need[], need: Need, holdMs: number): Need[] {
  const kept = needs.filter((other) => other.count > need.count && need.at - other.at < holdMs);
  kept.push(need);
  return kept;
}
