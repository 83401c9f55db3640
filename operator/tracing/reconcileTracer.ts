import { randomBytes } from 'node:crypto';
import type { Identity } from '../config.ts';
import type { Reconciled } from '../kube/controller.ts';
import type { RoleConfig } from '../roles.ts';
import type { Logger } from '../telemetry/log.ts';
import { reconcileSpan } from './reconcileSpan.ts';
import { SpanExporter } from './spanExporter.ts';

/** How long the last spans may take to be sent, in ms. */
const END_MS = 1_000;

/** Where the spans of reconciles go. */
export interface ReconcileTracer {
  record(this: void, reconciled: Reconciled): void;
  /** Sends what waits; resolves within a second. */
  end(): Promise<void>;
}

/** A tracer that exports as gateways do; undefined without an endpoint, so that nothing is measured. */
export function tracerOf(
  { endpoint }: RoleConfig<'controller'>['gateway']['tracing'],
  { namespace, podName }: Identity,
  log: Logger,
): ReconcileTracer | undefined {
  if (!endpoint) return undefined;
  const exporter = new SpanExporter({
    endpoint,
    scope: 'homerun.controller',
    resource: {
      'service.name': 'homerun-controller',
      'k8s.namespace.name': namespace,
      'k8s.pod.name': podName,
    },
    log,
  });
  return {
    record(reconciled) {
      const ids = { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') };
      exporter.add([`${JSON.stringify(reconcileSpan(reconciled, ids))},`], 1);
    },
    end: () => exporter.end(END_MS),
  };
}
