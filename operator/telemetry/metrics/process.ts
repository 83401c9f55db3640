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
