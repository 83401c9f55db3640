import { Counter, Gauge, Histogram } from '../prometheus.ts';
import { registers } from './registry.ts';

// Admission.

export const admissionDuration = new Histogram({
  name: 'homerun_admission_duration_seconds',
  help: 'Time from the arrival of an admission review to the end of its answer, by path: default, validate',
  labelNames: ['path'],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  registers,
});

export const admissionReviews = new Counter({
  name: 'homerun_admission_reviews_total',
  help: 'Admission reviews by path, kind and result: allowed, warned, rejected, error',
  labelNames: ['path', 'kind', 'result'],
  registers,
});

export const certificateExpiry = new Gauge({
  name: 'homerun_webhook_certificate_expiry_timestamp_seconds',
  help: 'When the certificate that the webhook serves expires, in seconds since 1970',
  registers,
});
