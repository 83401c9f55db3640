import { percentile } from '../lib/load.ts';

/** One line of e2e/bench/results.json. */
export interface Result {
  name: string;
  unit: string;
  value: number;
  /** The same measured without Homerun, in the same run. */
  baseline: number;
  ratio: number;
  /** What the ratio, or for a difference the value, may be at most; at least, where `atLeast` is set. */
  goal: number;
  atLeast?: true;
  /** How far the repetitions were from their median at most, in % of it. */
  noise?: number;
  holds: boolean;
}

export interface Samples {
  ours: number[];
  bare: number[];
}

/** Medians side by side; what is judged is their ratio, because the machine is noisy and both suffer alike. */
export function ratioResult(name: string, unit: string, { ours, bare }: Samples, goal: number): Result {
  const value = round(percentile(ours, 0.5));
  const baseline = round(percentile(bare, 0.5));
  const ratio = round(value / baseline, 3);
  return { name, unit, value, baseline, ratio, goal, holds: ratio <= goal };
}

/**
 * Of repetitions that took turns with their baseline the median of their ratios is judged: what else the machine did
 * fell on both of a pair.
 * @param goal what the ratio may be at most; at least, where `atLeast` is set.
 */
export function pairedResult(
  name: string,
  unit: string,
  { ours, bare }: Samples,
  goal: number,
  atLeast?: true,
): Result {
  const ratios = ours.map((value, i) => value / (bare[i] as number));
  const ratio = round(percentile(ratios, 0.5), 3);
  return {
    name,
    unit,
    value: round(percentile(ours, 0.5), 3),
    baseline: round(percentile(bare, 0.5), 3),
    ratio,
    goal,
    ...(atLeast && { atLeast }),
    noise: noiseOf(ratios),
    holds: atLeast ? ratio >= goal : ratio <= goal,
  };
}

/** What is judged of a difference is itself, not its ratio: the median of the pairs' differences. */
export function differenceResult(name: string, unit: string, { ours, bare }: Samples, goal: number): Result {
  const baseline = percentile(bare, 0.5);
  const differences = ours.map((value, i) => value - (bare[i] as number));
  const value = percentile(differences, 0.5);
  return {
    name,
    unit,
    value: round(value, 3),
    baseline: round(baseline, 3),
    ratio: round(percentile(ours, 0.5) / baseline, 3),
    goal,
    noise: noiseOf(differences),
    holds: value <= goal,
  };
}

/** What is judged is the value itself; the baseline beside it says how much of it is the machine's. */
export function besideResult(name: string, unit: string, samples: Samples, goal: number): Result {
  return { ...ratioResult(name, unit, samples, goal), holds: percentile(samples.ours, 0.5) <= goal };
}

/** A figure that stands alone: its limit takes the place of a baseline. */
export function limitResult(name: string, unit: string, value: number, goal: number): Result {
  const ratio = round(value / goal, 3);
  return { name, unit, value: round(value), baseline: goal, ratio, goal, holds: value <= goal };
}

/** Something that must not happen, and how often it did. */
export function countResult(name: string, unit: string, count: number): Result {
  return { name, unit, value: count, baseline: 0, ratio: count, goal: 0, holds: count === 0 };
}

/** What a bench measures; a row that says so when it fails, so that the others are measured all the same. */
export async function attempt(name: string, measure: () => Promise<Result | Result[]>): Promise<Result[]> {
  try {
    return [await measure()].flat();
  } catch (error) {
    console.error(error);
    return [countResult(name, 'benches failed', 1)];
  }
}

/** A line for people: median and 95th percentile of both sides. */
export function table(name: string, unit: string, { ours, bare }: Samples): string {
  const line = (label: string, samples: number[]) =>
    `  ${label.padEnd(10)} n=${String(samples.length).padEnd(4)} p50 ${round(percentile(samples, 0.5))} ${unit}  p95 ${round(percentile(samples, 0.95))} ${unit}`;
  return [name, line('homerun', ours), line('bare', bare)].join('\n');
}

/** A line for people: whether the goal is reached. */
export function verdict({ name, unit, value, baseline, ratio, goal, atLeast, noise, holds }: Result): string {
  const limit = `goal ${atLeast ? 'at least ' : ''}${goal}`;
  const spread = noise === undefined ? '' : `, noise ${noise} %`;
  return `${holds ? 'holds' : 'FAILS'}  ${name}: ${value} ${unit}, baseline ${baseline}, ratio ${ratio} (${limit}${spread})`;
}

function noiseOf(repetitions: readonly number[]): number {
  const median = percentile(repetitions, 0.5);
  const farthest = Math.max(...repetitions.map((value) => Math.abs(value - median)));
  return round((farthest / Math.abs(median)) * 100);
}

export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
