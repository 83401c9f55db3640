import { percentile } from '../lib/load.ts';

/** One line of e2e/bench/results.json. */
export interface Result {
  name: string;
  unit: string;
  value: number;
  /** The same measured without Homerun, in the same run. */
  baseline: number;
  ratio: number;
  /** What the ratio, or for a difference the value, may be at most. */
  goal: number;
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

/** A figure that stands alone: its limit takes the place of a baseline. */
export function limitResult(name: string, unit: string, value: number, goal: number): Result {
  const ratio = round(value / goal, 3);
  return { name, unit, value: round(value), baseline: goal, ratio, goal, holds: value <= goal };
}

/** A line for people: median and 95th percentile of both sides. */
export function table(name: string, unit: string, { ours, bare }: Samples): string {
  const line = (label: string, samples: number[]) =>
    `  ${label.padEnd(10)} n=${String(samples.length).padEnd(4)} p50 ${round(percentile(samples, 0.5))} ${unit}  p95 ${round(percentile(samples, 0.95))} ${unit}`;
  return [name, line('homerun', ours), line('bare', bare)].join('\n');
}

export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
