import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import manifest from '../../../package.json' with { type: 'json' };
import { Counter, Gauge } from '../prometheus.ts';
import { registers } from './registry.ts';

// The process itself.

new Gauge({
  name: 'homerun_build_info',
  help: 'Always 1; its labels say what runs: version of Homerun and of Node.js',
  labelNames: ['version', 'node'],
  registers,
}).set({ version: manifest.version, node: process.versions.node }, 1);

new Gauge({
  name: 'process_resident_memory_bytes',
  help: 'Resident memory of the process with all its threads',
  registers,
  collect() {
    this.set(process.memoryUsage.rss());
  },
});

new Counter({
  name: 'process_cpu_seconds_total',
  help: 'CPU time of the process with all its threads, user and system',
  registers,
  collect() {
    const { user, system } = process.cpuUsage();
    this.reset();
    this.inc((user + system) / 1e6);
  },
});

new Gauge({
  name: 'process_start_time_seconds',
  help: 'When the process started, in seconds since 1970',
  registers,
}).set(performance.timeOrigin / 1000);

new Gauge({
  name: 'homerun_heap_bytes',
  help: 'JavaScript heap of the main thread, by what: used, committed, and the limit at which V8 ends the process',
  labelNames: ['what'],
  registers,
  collect() {
    const { used_heap_size, total_heap_size, heap_size_limit } = getHeapStatistics();
    this.set({ what: 'used' }, used_heap_size);
    this.set({ what: 'committed' }, total_heap_size);
    this.set({ what: 'limit' }, heap_size_limit);
  },
});

/** How often the event loop is looked at: ten times a second costs an idle process nothing that can be measured. */
const LOOP_EVERY_MS = 100;
let loop: ReturnType<typeof monitorEventLoopDelay> | undefined;

/** Measures from now on how late the event loop is. The gateway has a series of its own for each of its threads. */
export function watchEventLoop(): void {
  loop = monitorEventLoopDelay({ resolution: LOOP_EVERY_MS });
  loop.enable();
}

new Gauge({
  name: 'homerun_event_loop_lag_seconds',
  help: 'Longest time that the event loop was late since this was last read; absent in gateways',
  labelNames: [],
  registers,
  collect() {
    this.remove();
    if (!loop) return;
    // What is measured is the time between two looks; NaN or 0 before the first.
    this.set(Math.max(0, loop.max / 1e9 - LOOP_EVERY_MS / 1000));
    loop.reset();
  },
});

/** Unhandled promise rejections in a role that goes on: each is a defect. */
export const unhandledRejections = new Counter({
  name: 'homerun_unhandled_rejections_total',
  help: 'Unhandled promise rejections; each is a defect, and is logged with its stack',
  registers,
});
