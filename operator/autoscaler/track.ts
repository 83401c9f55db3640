import type { ScalingSpec } from '../apis/serving/revision/scaling.ts';
import { type CpuLoad, type Decision, decide, floorOf, initialState, type ScaleState } from './decide.ts';
import type { RequestLoad } from './load.ts';
import { Window } from './window.ts';

/** What one tick observes of a revision. */
export interface Observation {
  readonly spec: ScalingSpec;
  readonly replicas: number;
  readonly ready: number;
  /** Undefined when no gateway reports any. */
  readonly requests: RequestLoad | undefined;
  /** Every gateway has answered. */
  readonly complete: boolean;
  /** CPU use now; see {@link CpuLoad}. */
  readonly cpu: CpuLoad | undefined;
}

/** The state of a revision that has instances or requests. */
interface Memory {
  state: ScaleState;
  /** Until then a part of the windows was not observed, in ms. */
  readonly assumedUntil: number;
  readonly requests: Window;
  readonly cpu: Window;
}

/**
 * The state of one revision from tick to tick. It has none while there is nothing to scale, so that idle revisions cost
 * nothing: at zero instances, without a request, the past is zero.
 */
export class Track {
  #memory?: Memory;
  /** Its earlier load is unknown: the controller has just started. */
  #unknownPast = true;

  /** The decision of this tick; undefined when there is nothing to decide. */
  next(seen: Observation, now: number): Decision | undefined {
    if (isAsleep(seen)) {
      this.#memory = undefined;
      this.#unknownPast = false;
      return undefined;
    }
    this.#memory ??= this.#begin(seen, now);
    const memory = this.#memory;
    sample(memory, seen, now);
    const decision = decide(
      {
        replicas: seen.replicas,
        ready: seen.ready,
        present: seen.requests?.present ?? 0,
        recent: seen.requests?.mean ?? 0,
        concurrency: memory.requests.mean(now),
        assumed: now < memory.assumedUntil,
        lastRequestAt: seen.requests?.lastRequestAt,
        complete: seen.complete,
        cpu: seen.cpu && {
          cores: seen.cpu.cores === undefined ? undefined : memory.cpu.mean(now),
          unmeasured: seen.cpu.unmeasured,
        },
      },
      seen.spec,
      memory.state,
      now,
    );
    memory.state = decision.state;
    return decision;
  }

  /** Skips a time without observation, in which no instance was idle or needed. */
  pause(ms: number): void {
    if (!this.#memory) return;
    const { state } = this.#memory;
    const needs = state.needs.map(({ count, at }) => ({ count, at: at + ms }));
    this.#memory.state = { ...state, lastActivityAt: state.lastActivityAt + ms, needs };
  }

  /** The autoscaler itself wrote this number, so observing it does not mean that another client set it. */
  wrote(replicas: number): void {
    if (this.#memory) this.#memory.state = { ...this.#memory.state, replicas };
  }

  #begin({ spec, replicas }: Observation, now: number): Memory {
    // Half of the last instance's part: the middle of the loads for which this number would be right.
    const parts = this.#unknownPast ? Math.max(0, replicas - 0.5) : 0;
    // A revision that was asleep had none, whoever has woken it.
    const earlier = this.#unknownPast ? replicas : 0;
    const assumedUntil = earlier > 0 ? now + spec.windowMs : now;
    this.#unknownPast = false;
    // Without a target, any number of instances is right for any load.
    const part = spec.targetConcurrency === Number.POSITIVE_INFINITY ? 0 : spec.targetConcurrency;
    return {
      state: initialState(earlier, now),
      assumedUntil,
      requests: new Window(spec.windowMs, parts * part, now),
      cpu: new Window(spec.windowMs, 0, now),
    };
  }
}

function isAsleep({ spec, replicas, requests }: Observation): boolean {
  if (replicas > 0 || requests?.present) return false;
  return spec.failed || (spec.manual ?? floorOf(spec)) === 0;
}

function sample(memory: Memory, { requests, complete, cpu }: Observation, now: number): void {
  const mean = requests?.mean ?? 0;
  // A part of the gateways reports a lower bound: it may raise the mean, never lower it.
  if (complete || mean > (memory.requests.mean(now) ?? 0)) memory.requests.add(mean, now);
  if (cpu?.cores !== undefined) memory.cpu.add(cpu.cores, now);
}
