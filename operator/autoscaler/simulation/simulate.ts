import { Random } from '../../testing/random.ts';
import { Cluster, STEP_MS } from './cluster.ts';
import type { Rules } from './rules.ts';
import { DAY_SECONDS, poisson, type Traffic } from './traffic.ts';

/** The day as a picture has it: one point for each so many seconds. */
const POINT_SECONDS = 60;
const STEPS_IN_SECOND = 1000 / STEP_MS;
const LONGEST_WAIT_STEPS = 36_000;
const START = 1_700_000_000_000;
const SEED = 13;

export interface Point {
  /** Requests that arrived in a second, as a mean over the point's time. */
  readonly rate: number;
  /** The most instances. */
  readonly instances: number;
  /** The longest wait, in seconds, of a request that got its instance in this time. */
  readonly wait: number;
}

export interface Outcome {
  readonly requests: number;
  readonly instanceSeconds: number;
  /** Requests that waited for longer than a second. */
  readonly late: number;
  readonly p99WaitMs: number;
  /** Instances that were started. */
  readonly starts: number;
  /** How often the number of instances was changed. */
  readonly changes: number;
  readonly points: readonly Point[];
}

/** One day of this traffic under these rules. The same traffic comes again each time, whatever the rules. */
export function simulate(traffic: Traffic, rules: Rules): Outcome {
  const rates = traffic.rates(new Random(SEED, 0));
  const arrivals = new Random(SEED, 1);
  const waits = new Uint32Array(LONGEST_WAIT_STEPS);
  const points: Point[] = [];
  let longest = 0;
  const cluster = new Cluster(traffic, rules, new Random(SEED, 2), (steps) => {
    const at = Math.min(steps, LONGEST_WAIT_STEPS - 1);
    waits[at] = (waits[at] ?? 0) + 1;
    longest = Math.max(longest, steps);
  });
  let instanceSteps = 0;
  let most = 0;
  let arrived = 0;
  for (let second = 0; second < DAY_SECONDS; second++) {
    const perStep = (rates[second] ?? 0) / STEPS_IN_SECOND;
    let present = 0;
    for (let step = 0; step < STEPS_IN_SECOND; step++) {
      const count = poisson(perStep, arrivals);
      cluster.step(second * STEPS_IN_SECOND + step, count);
      instanceSteps += cluster.instances.length;
      present += cluster.present;
      arrived += count;
    }
    const unix = START + (second + 1) * 1000;
    cluster.scale((second + 1) * STEPS_IN_SECOND, unix, present / STEPS_IN_SECOND);
    most = Math.max(most, cluster.instances.length);
    if ((second + 1) % POINT_SECONDS > 0) continue;
    points.push({ rate: arrived / POINT_SECONDS, instances: most, wait: longest / STEPS_IN_SECOND });
    [most, arrived, longest] = [0, 0, 0];
  }
  return {
    ...waitsOf(waits),
    instanceSeconds: Math.round(instanceSteps / STEPS_IN_SECOND),
    starts: cluster.starts,
    changes: cluster.changes,
    points,
  };
}

function waitsOf(waits: Uint32Array): Pick<Outcome, 'requests' | 'late' | 'p99WaitMs'> {
  const requests = waits.reduce((all, count) => all + count, 0);
  const late = waits.subarray(STEPS_IN_SECOND + 1).reduce((all, count) => all + count, 0);
  let left = requests / 100;
  let steps = LONGEST_WAIT_STEPS;
  while (steps > 0 && left > 0) left -= waits[--steps] ?? 0;
  return { requests, late, p99WaitMs: steps * STEP_MS };
}
