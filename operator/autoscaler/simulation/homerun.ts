import type { ScalingSpec } from '../../apis/serving/revision/scaling.ts';
import { Track } from '../track.ts';
import type { Rules, Terms } from './rules.ts';

/** Homerun's own rules: the code that the controller runs. */
export function homerun({ concurrency, utilization, retentionMs, windowMs, max }: Terms): Rules {
  const track = new Track();
  const spec: ScalingSpec = {
    min: 0,
    max,
    initial: 1,
    pending: false,
    failed: false,
    concurrency,
    targetConcurrency: concurrency * utilization,
    cpu: 1,
    targetCpu: 1,
    idleMs: retentionMs,
    spareMs: retentionMs,
    activation: 0,
    windowMs,
  };
  return {
    drains: true,
    next({ now, ...seen }) {
      const decision = track.next({ ...seen, spec, complete: true, cpu: undefined }, now);
      return decision?.replicas ?? seen.replicas;
    },
    wrote: (replicas) => track.wrote(replicas),
  };
}
