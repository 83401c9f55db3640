import { Gauge } from '../prometheus.ts';
import { registers } from './registry.ts';

// The certificates that the gateway serves.

/** Read when /metrics is asked. */
export interface CertificateSource {
  /** When the certificate of each Secret (`namespace/name`) expires, in ms since 1970. */
  readonly expiries: ReadonlyMap<string, number>;
  /** What is wrong, by Secret. */
  readonly faults: ReadonlyMap<string, string>;
}

let source: CertificateSource | undefined;

/** Where the series come from. */
export function setCertificateSource(certificates: CertificateSource): void {
  source = certificates;
}

new Gauge({
  name: 'homerun_gateway_certificate_expiry_timestamp_seconds',
  help: 'When the certificate of a Secret that the gateway serves expires, in seconds since 1970',
  labelNames: ['secret'],
  registers,
  collect() {
    this.reset();
    for (const [secret, expiresAt] of source?.expiries ?? []) this.set({ secret }, expiresAt / 1000);
  },
});

new Gauge({
  name: 'homerun_gateway_certificate_faults',
  help: 'Secrets whose certificate the gateway does not serve, or not for all of its hosts; the log says why',
  registers,
  collect() {
    this.set(source?.faults.size ?? 0);
  },
});
