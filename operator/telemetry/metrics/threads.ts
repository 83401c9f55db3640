import { Counter, Gauge } from '../prometheus.ts';
import { registers } from './registry.ts';

// The threads of the gateway.

/** Why a data thread ended: an error, an event loop that stood still, or by itself. */
export type DeathReason = 'crash' | 'stuck' | 'exit';

/**
 * What went wrong in or with a data thread: an exception, a promise that was rejected, a full heap, a message that could
 * not be read, or a start that the system refused.
 */
export type ThreadErrorKind = 'exception' | 'rejection' | 'memory' | 'message' | 'spawn';

/** What the gateway's control thread knows of all threads, itself included. */
export interface ThreadSeries {
  listening: number;
  /** Since the start of the process, like restarts and errors. */
  deaths: ReadonlyMap<DeathReason, number>;
  restarts: ReadonlyMap<DeathReason, number>;
  errors: ReadonlyMap<ThreadErrorKind, number>;
  /** Longest lag of the event loop by thread (`control` or a number), in seconds. */
  lag: ReadonlyMap<string, number>;
}

let source: (() => ThreadSeries) | undefined;

/** Where the series come from when /metrics is asked. */
export function setThreadSource(read: () => ThreadSeries): void {
  source = read;
}

new Gauge({
  name: 'homerun_gateway_threads',
  help: 'Data threads that listen and whose event loop turns',
  registers,
  collect() {
    if (source) this.set(source().listening);
  },
});

new Gauge({
  name: 'homerun_gateway_event_loop_lag_seconds',
  help: 'Longest time that the event loop of a thread was late in the last 30 to 60 seconds',
  labelNames: ['thread'],
  registers,
  collect() {
    this.reset();
    for (const [thread, seconds] of source?.().lag ?? []) this.set({ thread }, seconds);
  },
});

/** Shows counts that are kept elsewhere. */
function counter<L extends string>(
  name: string,
  help: string,
  label: string,
  counts: (series: ThreadSeries) => ReadonlyMap<L, number>,
): void {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers,
    collect() {
      this.reset();
      if (!source) return;
      for (const [value, count] of counts(source())) this.inc({ [label]: value }, count);
    },
  });
}

counter(
  'homerun_gateway_thread_deaths_total',
  'Data threads that ended without having been asked to',
  'reason',
  ({ deaths }) => deaths,
);
counter(
  'homerun_gateway_thread_restarts_total',
  'Data threads that were started in place of one that had ended for this reason',
  'reason',
  ({ restarts }) => restarts,
);
counter(
  'homerun_gateway_thread_errors_total',
  'Errors in data threads that nothing caught, and errors of the threads themselves',
  'kind',
  ({ errors }) => errors,
);
