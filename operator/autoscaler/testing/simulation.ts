import type { ScalingSpec } from '../../apis/serving/revision/scaling.ts';
import type { CpuLoad, Load, Reason } from '../decide.ts';
import { Track } from '../track.ts';

export const SECOND = 1000;
export const MINUTE = 60_000;

/** The scaling of a revision with Cloud Run's defaults. */
export function specWith(changes: Partial<ScalingSpec> = {}): ScalingSpec {
  const { concurrency = 80, windowMs = MINUTE, idleMs = 15 * MINUTE } = changes;
  return {
    min: 0,
    max: 100,
    initial: 1,
    pending: false,
    failed: false,
    concurrency,
    targetConcurrency: concurrency * 0.6,
    cpu: 1,
    targetCpu: 0.6,
    idleMs,
    spareMs: idleMs,
    activation: 0,
    windowMs,
    ...changes,
  };
}

/** A load with as many ready instances as replicas, by what differs from one idle instance. */
export function loadWith(changes: Partial<Load> = {}): Load {
  const { replicas = 1, present = 0 } = changes;
  return {
    replicas,
    ready: replicas,
    present,
    recent: present,
    concurrency: 0,
    lastRequestAt: undefined,
    complete: true,
    ...changes,
  };
}

export interface Moment {
  readonly second: number;
  readonly replicas: number;
  readonly reason: Reason | 'asleep';
}

export interface Trace {
  readonly spec: ScalingSpec;
  readonly seconds: number;
  readonly replicas?: number;
  /** Requests that people have open, in flight or queued, as a mean over this second. */
  readonly load: (second: number) => number;
  /** Whether all gateways answer; always when left out. */
  readonly complete?: (second: number) => boolean;
  /** CPU use of so many instances; not measured on this cluster when left out. */
  readonly cpu?: (second: number, replicas: number) => CpuLoad;
  /** Whether a new controller takes over before this second; never when left out. */
  readonly restarted?: (second: number) => boolean;
}

/**
 * Closes the loop around the decisions, one a second: what is decided is what runs in the second after, and a
 * gateway raises a revision from zero as soon as a request comes.
 */
export function simulate({ spec, seconds, replicas = 0, load, ...trace }: Trace): Moment[] {
  const { complete = () => true, cpu, restarted = () => false } = trace;
  let track = new Track();
  const start = 1_700_000_000_000;
  const moments: Moment[] = [];
  let current = replicas;
  let lastRequestAt = 0;
  for (let second = 0; second < seconds; second++) {
    const now = start + second * SECOND;
    const offered = load(second);
    const present = Math.round(offered);
    if (restarted(second)) track = new Track();
    if (offered > 0) lastRequestAt = now;
    if (present > 0 && current === 0 && spec.manual !== 0) current = 1;
    const known = complete(second);
    const decision = track.next(
      {
        spec,
        replicas: current,
        ready: current,
        requests: known ? { present, mean: offered, lastRequestAt, instances: new Map() } : undefined,
        complete: known,
        cpu: current > 0 ? cpu?.(second, current) : undefined,
      },
      now,
    );
    if (decision?.replicas !== undefined) {
      current = decision.replicas;
      track.wrote(current);
    }
    moments.push({ second, replicas: current, reason: decision?.reason ?? 'asleep' });
  }
  return moments;
}

/** How often the number changed its direction. */
export function turns(moments: readonly Moment[]): number {
  let count = 0;
  let direction = 0;
  let previous = moments[0]?.replicas ?? 0;
  for (const { replicas } of moments) {
    const step = Math.sign(replicas - previous);
    if (step !== 0 && direction !== 0 && step !== direction) count++;
    if (step !== 0) direction = step;
    previous = replicas;
  }
  return count;
}
