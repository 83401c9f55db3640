import type { ScalingSpec } from '../apis/serving/revision/scaling.ts';
import { type CpuLoad, type Decision, decide, floorOf, initialState, type ScaleState } from './decide.ts';
import type { RequestLoad } from './load.ts';
import { Window } from './window.ts';

/** What one tick sees of a revision. */
export interface Observation {
  readonly spec: ScalingSpec;
  readonly replicas: number;
  readonly ready: number;
  /** Undefined when no gateway has anything to tell of it. */
  readonly requests: RequestLoad | undefined;
  readonly busy: number;
  /** Every gateway has answered. */
  readonly complete: boolean;
  /** CPU use now; see {@link CpuLoad}. */
  readonly cpu: CpuLoad | undefined;
}

/** What is remembered of a revision that has instances or requests. */
interface Memory {
  state: ScaleState;
  readonly requests: Window;
  readonly cpu: Window;
}

/**
 * The memory of one revision from tick to tick. It has none while there is nothing to scale, which makes the
 * idle ones cost nothing: at zero instances, without a request, the past is zero.
 */
export class Track {
  #memory?: Memory;
  /** Its load before is unknown: the controller has just started. */
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
        concurrency: memory.requests.mean(now),
        busy: seen.busy,
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

  /** Nobody has watched for so long: no instance was seen to be idle, or to be needed. */
  pause(ms: number): void {
    if (!this.#memory) return;
    const { state } = this.#memory;
    const needs = state.needs.map(({ count, at }) => ({ count, at: at + ms }));
    this.#memory.state = { ...state, lastActivityAt: state.lastActivityAt + ms, needs };
  }

  /** The Deployment has taken this number from us, so seeing it is no sign that someone else set it. */
  wrote(replicas: number): void {
    if (this.#memory) this.#memory.state = { ...this.#memory.state, replicas };
  }

  #begin({ spec, replicas }: Observation, now: number): Memory {
    // Half of the last instance's part: in the middle of the loads for which there would be so many.
    const parts = this.#unknownPast ? Math.max(0, replicas - 0.5) : 0;
    this.#unknownPast = false;
    return {
      state: initialState(replicas, now),
      requests: new Window(spec.windowMs, parts * spec.targetConcurrency, now),
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
  // A part of the gateways gives a lower bound: it may raise the mean, never lower it.
  if (complete || mean > (memory.requests.mean(now) ?? 0)) memory.requests.add(mean, now);
  if (cpu?.cores !== undefined) memory.cpu.add(cpu.cores, now);
}
