import { Gauge } from '../prometheus.ts';
import { oncePerTurn } from './oncePerTurn.ts';
import { registers } from './registry.ts';

// Why revisions have as many instances as they have; of those that have instances, requests or a minimum.

/** What a revision's number of instances goes by, read when /metrics is asked. */
export interface RevisionScaling {
  namespace: string;
  revision: string;
  rule: string;
  requests: number | undefined;
  requestsWanted: number | undefined;
  cpu: number | undefined;
  min: number;
  max: number;
}

let source: () => readonly RevisionScaling[] = () => [];

/** Where the series come from. */
export function setScalingSource(read: () => readonly RevisionScaling[]): void {
  source = oncePerTurn(read);
}

function series(name: string, help: string, read: (scaling: RevisionScaling) => number | undefined): void {
  new Gauge({
    name,
    help,
    labelNames: ['namespace', 'revision'],
    registers,
    collect() {
      this.reset();
      for (const scaling of source()) {
        const value = read(scaling);
        if (value !== undefined)
          this.set({ namespace: scaling.namespace, revision: scaling.revision }, value);
      }
    },
  });
}

new Gauge({
  name: 'homerun_revision_scaling_rule',
  help: 'Always 1; its label says what the number of instances goes by: concurrency, burst, cpu, min, max, starting, activation, kept, incomplete, idle, manual, failed',
  labelNames: ['namespace', 'revision', 'rule'],
  registers,
  collect() {
    this.reset();
    for (const { namespace, revision, rule } of source()) this.set({ namespace, revision, rule }, 1);
  },
});

series(
  'homerun_revision_requests',
  'Requests in flight and queued, mean over the window',
  (of) => of.requests,
);
series(
  'homerun_revision_requests_wanted_each',
  'Requests that one instance should have, as a mean over the window; absent while that target is disabled',
  (of) => of.requestsWanted,
);
series(
  'homerun_revision_cpu_utilization',
  'Part of their CPU that ready instances use, mean over the window; absent while it is not known',
  (of) => of.cpu,
);
series('homerun_revision_min_instances', 'Minimum that applies to a revision now', (of) => of.min);
series('homerun_revision_max_instances', 'Maximum that applies to a revision now', (of) => of.max);
