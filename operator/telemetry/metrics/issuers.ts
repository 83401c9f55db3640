import { Counter, Gauge } from '../prometheus.ts';
import { registers } from './registry.ts';

// Whose identity tokens the gateway and the Admin API accept.

/** Read when /metrics is asked. */
export interface IssuerSource {
  /** How many keys each issuer has; none while none are needed. */
  readonly keys: ReadonlyMap<string, number>;
  /** Failed attempts to fetch them. */
  readonly failures: ReadonlyMap<string, number>;
}

/** Where the series of the gateway come from. */
export const setGatewayIssuers = seriesOf('gateway', 'the gateway');

/** Where the series of the Admin API come from. */
export const setApiIssuers = seriesOf('api', 'the Admin API');

function seriesOf(role: string, who: string): (issuers: IssuerSource) => void {
  let source: IssuerSource | undefined;
  new Gauge({
    name: `homerun_${role}_issuer_keys`,
    help: `Keys of each issuer of identity tokens that ${who} verifies tokens with; 0 until they were fetched for the first time`,
    labelNames: ['issuer'],
    registers,
    collect() {
      this.reset();
      for (const [issuer, count] of source?.keys ?? []) this.set({ issuer }, count);
    },
  });
  new Counter({
    name: `homerun_${role}_issuer_failures_total`,
    help: `Attempts of ${who} to fetch the keys of an issuer of identity tokens that failed; the last keys are used on`,
    labelNames: ['issuer'],
    registers,
    collect() {
      this.reset();
      for (const [issuer, count] of source?.failures ?? []) this.inc({ issuer }, count);
    },
  });
  return (issuers) => {
    source = issuers;
  };
}
