import { Counter, Gauge } from '../prometheus.ts';
import { registers } from './registry.ts';

// The process itself.

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

/** Rejected promises that nobody handled, in a role that goes on: each is a defect. */
export const unhandledRejections = new Counter({
  name: 'homerun_unhandled_rejections_total',
  help: 'Promises whose rejection nobody handled; each is a defect, and is logged with its stack',
  registers,
});
