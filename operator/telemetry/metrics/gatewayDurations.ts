import { countedHistogram } from './countedHistogram.ts';

// Where the time of requests goes, over all revisions: the averages of each are in homerun_gateway_time_seconds_total.

/** Durations as they were counted in shared memory, in seconds. */
export interface DurationCounts {
  /** Upper bounds of the buckets. */
  bounds: readonly number[];
  /** By bucket, not cumulative; the last has no bound. */
  counts: readonly number[];
  sum: number;
}

type DurationName = 'wait' | 'upstream' | 'overhead';

let source: ((name: DurationName) => DurationCounts) | undefined;

/** Where the series come from when /metrics is asked. */
export function setDurationSource(read: (name: DurationName) => DurationCounts): void {
  source = read;
}

function series(name: string, help: string, durations: DurationName): void {
  countedHistogram(
    name,
    help,
    [],
    () => source?.(durations).bounds ?? [],
    () => (source ? [{ labels: {}, ...source(durations) }] : []),
  );
}

series(
  'homerun_gateway_queue_wait_seconds',
  'Time that requests waited for an instance, of those that waited',
  'wait',
);
series(
  'homerun_gateway_upstream_seconds',
  'Time from a request on its way to an instance to the first byte of the response',
  'upstream',
);
series(
  'homerun_gateway_overhead_seconds',
  'Time of the gateway itself until a request was sent, with the connection to the instance and without the queue',
  'overhead',
);
