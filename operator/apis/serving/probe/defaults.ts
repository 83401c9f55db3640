import type { Probe } from '../container/types.ts';

/** Seconds that a container has for listening on its port (container contract, Startup: 4 minutes). */
export const STARTUP_SECONDS = 240;

/** The startup probe of an ingress container that declares none (API reference, Container: startupProbe). */
export function defaultStartupProbe(port: number): Probe {
  return {
    tcpSocket: { port },
    timeoutSeconds: STARTUP_SECONDS,
    periodSeconds: STARTUP_SECONDS,
    failureThreshold: 1,
    successThreshold: 1,
  };
}

/** Where a probe goes when it does not say so: known for the ingress container only. */
export interface ProbePort {
  number: number;
  name: string;
}

/**
 * A probe with its defaults filled in (API reference, Probe). 0 counts as unset, which is how Go clients write it.
 * The port's name becomes its number. Without a handler, a startup or readiness probe of the ingress container checks
 * the port by TCP (`orTcp`).
 */
export function defaultProbe(probe: Probe, port: ProbePort | undefined, orTcp: boolean): Probe {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  const implied = port && orTcp && !exec && !httpGet && !tcpSocket && !grpc;
  return {
    ...probe,
    ...(httpGet ? { httpGet: { ...httpGet, path: httpGet.path || '/', ...portOf(httpGet.port, port) } } : {}),
    ...(tcpSocket ? { tcpSocket: { ...tcpSocket, ...portOf(tcpSocket.port, port) } } : {}),
    ...(grpc && !grpc.port && port ? { grpc: { ...grpc, port: port.number } } : {}),
    ...(implied ? { tcpSocket: { port: port.number } } : {}),
    timeoutSeconds: probe.timeoutSeconds || 1,
    periodSeconds: probe.periodSeconds || 10,
    failureThreshold: probe.failureThreshold || 3,
    successThreshold: probe.successThreshold || 1,
  };
}

function portOf(
  declared: number | string | undefined,
  port: ProbePort | undefined,
): { port?: number | string } {
  if (port && (!declared || declared === port.name)) return { port: port.number };
  return {};
}
