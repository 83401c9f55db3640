import type { Histogram } from '../prometheus.ts';
import { registry } from './registry.ts';

/** One labelled histogram as it was counted elsewhere. */
export interface CountedHistogram {
  labels: Readonly<Record<string, string>>;
  /** Amounts by bucket, not cumulative; the last bucket has no bound. */
  counts: readonly number[];
  /** Of all observed values, in the metric's unit. */
  sum: number;
}

/**
 * Registers a histogram whose buckets are counted in shared memory, which prom-client's own cannot take over.
 * @param bounds upper bounds of the buckets in the metric's unit, read with the histograms.
 */
export function countedHistogram(
  name: string,
  help: string,
  labelNames: readonly string[],
  bounds: () => readonly number[],
  read: () => readonly CountedHistogram[],
): void {
  const values = () => read().flatMap((series) => valuesOf(name, bounds(), series));
  const metric = {
    name,
    help,
    labelNames,
    type: 'histogram',
    aggregator: 'sum',
    get: () => ({ name, help, type: 'histogram', aggregator: 'sum', values: values() }),
    reset: () => {},
  };
  registry.registerMetric(metric as unknown as Histogram);
}

function valuesOf(name: string, bounds: readonly number[], { labels, counts, sum }: CountedHistogram) {
  let count = 0;
  const buckets = counts.map((inBucket, i) => {
    count += inBucket;
    return { labels: { ...labels, le: bounds[i] ?? '+Inf' }, value: count, metricName: `${name}_bucket` };
  });
  return [
    ...buckets,
    { labels, value: sum, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  ];
}
