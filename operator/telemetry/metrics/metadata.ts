import { Counter, Histogram } from '../prometheus.ts';
import { DURATIONS, registers } from './registry.ts';

// The metadata server.

export const metadataRequests = new Counter({
  name: 'homerun_metadata_requests_total',
  help: 'Requests of instances by what they ask for (root, directory, value, identity, token, unknown) and status',
  labelNames: ['path', 'code'],
  registers,
});

export const metadataTokenDuration = new Histogram({
  name: 'homerun_metadata_token_duration_seconds',
  help: 'Time to get a new token, by source (cluster, exchange) and result (ok, error); kept ones do not count',
  labelNames: ['source', 'result'],
  buckets: DURATIONS,
  registers,
});
