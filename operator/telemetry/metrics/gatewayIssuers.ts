import { Counter, Gauge } from '../prometheus.ts';
import { registers } from './registry.ts';

// Whose identity tokens the gateway accepts.

/** Read when /metrics is asked. */
export interface IssuerSource {
  /** How many keys each issuer has; none while no service needs them. */
  readonly keys: ReadonlyMap<string, number>;
  /** Failed attempts to fetch them. */
  readonly failures: ReadonlyMap<string, number>;
}

let source: IssuerSource | undefined;

/** Where the series come from. */
export function setIssuerSource(issuers: IssuerSource): void {
  source = issuers;
}

new Gauge({
  name: 'homerun_gateway_issuer_keys',
  help: 'Keys of each issuer of identity tokens that the gateway verifies tokens with; 0 until they were fetched for the first time',
  labelNames: ['issuer'],
  registers,
  collect() {
    this.reset();
    for (const [issuer, count] of source?.keys ?? []) this.set({ issuer }, count);
  },
});

new Counter({
  name: 'homerun_gateway_issuer_failures_total',
  help: 'Attempts to fetch the keys of an issuer of identity tokens that failed; the last keys are used on',
  labelNames: ['issuer'],
  registers,
  collect() {
    this.reset();
    for (const [issuer, count] of source?.failures ?? []) this.inc({ issuer }, count);
  },
});
