import { ALERTS } from '../../operator/telemetry/alerts.ts';
import { parseExpression } from '../../operator/telemetry/testing/promql.ts';
import type { Input } from './cases.ts';

/** What a process says of itself at one moment. */
export interface Scrape {
  /** On any clock, in milliseconds. */
  at: number;
  /** In Prometheus' text format. */
  text: string;
}

/** Of which alerts read something; the others are not worth their lines. */
const READ = new Set(
  ALERTS.flatMap(({ expr }) => parseExpression(expr).selections.map(({ metric }) => metric)),
);
const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const MINUTES = 60;

/**
 * The series of a process to which something happened, for promtool: ten minutes as it was before, and then an hour in which
 * counters grow at the pace between two scrapes, and gauges are as they were at the second one.
 * @param pod the label that Prometheus adds.
 */
export function inputOf(before: Scrape, after: Scrape, pod: string): Input {
  const counters = countersOf(after.text);
  const old = samplesOf(before.text);
  const minutes = (after.at - before.at) / 60_000;
  const values = [...samplesOf(after.text)].map(([series, value]): [string, string] => {
    const was = old.get(series) ?? 0;
    const [name = '', labels = ''] = [series.split('{')[0], series.match(/\{(.*)\}/)?.[1]];
    const full = `${name}{${[...(labels ? [labels] : []), `pod="${pod}"`].join(',')}}`;
    if (!counters.has(name)) return [full, `${was}x10 ${value}x${MINUTES}`];
    const growth = Math.round((value - was) / minutes);
    return [full, `${was}x10 ${was + growth}+${growth}x${MINUTES}`];
  });
  return Object.fromEntries(values);
}

function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name = '', labels, value] = line.match(SAMPLE) ?? [];
    if (READ.has(name) && Number.isFinite(Number(value)))
      samples.set(labels ? `${name}{${labels}}` : name, Number(value));
  }
  return samples;
}

/** Names of series that only grow: counters, and all of a histogram. */
function countersOf(text: string): Set<string> {
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type = '']) => ({
    name,
    type,
  }));
  return new Set(
    types.flatMap(({ name, type }) => {
      if (type === 'counter') return [name];
      return type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [];
    }),
  );
}
