import { Gauge, Histogram } from '../prometheus.ts';
import { registers } from './registry.ts';

// The Admin API.

export const apiDuration = new Histogram({
  name: 'homerun_api_request_duration_seconds',
  help: 'Time from the arrival of a request to the Admin API to the end of its answer, by HTTP method and status',
  labelNames: ['method', 'code'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  registers,
});

export const apiCertificateExpiry = new Gauge({
  name: 'homerun_api_certificate_expiry_timestamp_seconds',
  help: 'When the certificate that the Admin API serves expires, in seconds since 1970',
  registers,
});
