import { Counter, Gauge } from '../prometheus.ts';
import { registers } from './registry.ts';

// What clients take of a gateway, and what becomes of their requests.

/** Read from the gateway's shared memory when /metrics is asked; counts are since the start of the process. */
export interface GatewayUsage {
  connections: ReadonlyMap<string, number>;
  websockets: number;
  /** Bytes by what they are held for. */
  bytes: ReadonlyMap<string, number>;
  refusals: ReadonlyMap<string, number>;
  limitActions: ReadonlyMap<string, number>;
  clientsLeft: number;
  faults: number;
  repeated: number;
  forwarded: number;
  ejected: number;
  accessLogDropped: number;
  spansExported: number;
  /** By why they were dropped. */
  spansDropped: ReadonlyMap<string, number>;
  failedHandshakes: number;
}

let source: (() => GatewayUsage) | undefined;

/** Where the series come from. */
export function setUsageSource(read: () => GatewayUsage): void {
  source = read;
}

export const gatewayWakeFailures = new Counter({
  name: 'homerun_gateway_wake_failures_total',
  help: 'Attempts to raise a revision from zero instances that the API server did not accept',
  registers,
});

export const gatewayFences = new Counter({
  name: 'homerun_gateway_fences_total',
  help: 'Times that the gateway stopped sending requests of revisions with a limit because it could not reach the API server',
  registers,
});

/** Shows amounts by one label, or one amount without any. */
function series(
  type: typeof Counter | typeof Gauge,
  name: string,
  help: string,
  read: (usage: GatewayUsage) => number | ReadonlyMap<string, number>,
  label?: string,
): void {
  new type({
    name,
    help,
    labelNames: label ? [label] : [],
    registers,
    collect(this: Counter | Gauge) {
      this.reset();
      const found = source && read(source());
      if (found === undefined) return;
      if (typeof found === 'number') this.inc(found);
      else for (const [value, amount] of found) this.inc({ [label as string]: value }, amount);
    },
  } as never);
}

series(Gauge, 'homerun_gateway_connections', 'Open connections of clients', (u) => u.connections, 'protocol');
series(Gauge, 'homerun_gateway_websockets', 'WebSockets and other upgraded connections', (u) => u.websockets);
series(
  Gauge,
  'homerun_gateway_buffered_bytes',
  'Memory that is counted for clients: requests that wait, answers that they do not take, incomplete headers',
  (u) => u.bytes,
  'kind',
);
series(
  Counter,
  'homerun_gateway_refusals_total',
  'Requests that the gateway answered itself',
  (u) => u.refusals,
  'reason',
);
series(
  Counter,
  'homerun_gateway_limit_actions_total',
  'Connections and answers that were ended by a limit (gateway.limits)',
  (u) => u.limitActions,
  'action',
);
series(
  Counter,
  'homerun_gateway_clients_left_total',
  'Requests whose client left before the answer was whole',
  (u) => u.clientsLeft,
);
series(
  Counter,
  'homerun_gateway_faults_total',
  'Requests that ended by an unexpected error of the gateway',
  (u) => u.faults,
);
series(
  Counter,
  'homerun_gateway_repeated_total',
  'Requests that were sent again because an idle connection had been closed',
  (u) => u.repeated,
);
series(
  Counter,
  'homerun_gateway_forwarded_total',
  'Requests that were forwarded to the gateway that owns their revision',
  (u) => u.forwarded,
);
series(
  Counter,
  'homerun_gateway_ejections_total',
  'Times that an instance was left alone because it broke its requests off',
  (u) => u.ejected,
);
series(
  Counter,
  'homerun_gateway_access_log_dropped_total',
  'Lines of the access log that were dropped because the standard output was slow',
  (u) => u.accessLogDropped,
);
series(
  Counter,
  'homerun_gateway_spans_exported_total',
  'Spans of requests that the receiver took',
  (u) => u.spansExported,
);
series(
  Counter,
  'homerun_gateway_spans_dropped_total',
  'Spans of requests that were dropped: there was no room for them, or the receiver rejected them or was unavailable',
  (u) => u.spansDropped,
  'reason',
);
series(
  Counter,
  'homerun_gateway_failed_handshakes_total',
  'Handshakes of TLS that failed: no certificate for the host, no common version, or a client that left',
  (u) => u.failedHandshakes,
);
