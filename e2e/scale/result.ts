import { round } from '../bench/result.ts';

/** One line of e2e/scale/results.json. */
export interface Measure {
  name: string;
  unit: string;
  value: number;
  /** What it must be less than, where there is a bar. */
  bar?: number;
  holds: boolean;
}

/** @param bar what the value must be less than; without one it is only told. */
export function measure(name: string, unit: string, value: number, bar?: number): Measure {
  const holds = bar === undefined || value < bar;
  return { name, unit, value: round(value, 2), ...(bar === undefined ? {} : { bar }), holds };
}

/** The measures as a table for people. */
export function tableOf(measures: readonly Measure[]): string {
  const rows = measures.map(({ name, unit, value, bar, holds }) => [
    bar === undefined ? '' : holds ? 'holds' : 'FAILS',
    name,
    String(value),
    bar === undefined ? '' : `under ${bar}`,
    unit,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}
