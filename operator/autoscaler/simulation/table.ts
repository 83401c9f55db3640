import { homerun } from './homerun.ts';
import { hpa } from './hpa.ts';
import { kpa } from './kpa.ts';
import type { Rules, Terms } from './rules.ts';
import { type Outcome, simulate } from './simulate.ts';
import type { Traffic } from './traffic.ts';

const RULES = { Homerun: homerun, KPA: kpa, HPA: hpa } satisfies Record<string, (terms: Terms) => Rules>;

export type RulesName = keyof typeof RULES;

/** One traffic under all rules. */
export interface Comparison {
  readonly traffic: Traffic;
  readonly outcomes: Readonly<Record<RulesName, Outcome>>;
}

/** Cloud Run's target of 60 % over a minute, and how long an instance stays unused: for all rules. */
export function compare(traffic: Traffic, retentionMs: number): Comparison {
  const { concurrency } = traffic;
  const terms = { concurrency, utilization: 0.6, retentionMs, windowMs: 60_000, max: 100 };
  const outcome = (name: RulesName) => simulate(traffic, RULES[name](terms));
  return { traffic, outcomes: { Homerun: outcome('Homerun'), KPA: outcome('KPA'), HPA: outcome('HPA') } };
}

/** Homerun's instance seconds as a part of KPA's, as a mean over all traffic. */
export function costRatio(comparisons: readonly Comparison[]): number {
  const ratios = comparisons.map(
    ({ outcomes }) => outcomes.Homerun.instanceSeconds / outcomes.KPA.instanceSeconds,
  );
  return ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
}

const HEAD = [
  'traffic',
  'rules',
  'instance seconds',
  'waited over 1 s',
  'p99 wait',
  'instances started',
  'changes',
];

/** The comparison as Markdown. */
export function table(comparisons: readonly Comparison[]): string {
  const rows = comparisons.flatMap(({ traffic, outcomes }) =>
    Object.entries(outcomes).map(([name, outcome], index) => [
      index === 0 ? traffic.name : '',
      name,
      grouped(outcome.instanceSeconds),
      grouped(outcome.late),
      `${(outcome.p99WaitMs / 1000).toFixed(1)} s`,
      grouped(outcome.starts),
      grouped(outcome.changes),
    ]),
  );
  const cells = [HEAD, HEAD.map((_, column) => (column < 2 ? '---' : '--:')), ...rows];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const percent = (costRatio(comparisons) * 100).toFixed(1);
  return `${cells.map(line).join('\n')}\n\nInstance seconds of Homerun as a part of KPA's, mean over the traffic: ${percent} %\n`;
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
