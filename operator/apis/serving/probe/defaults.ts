import type { Probe } from '../container/types.ts';

/** Seconds within which a container must listen on its port (container contract, Startup: 4 minutes). */
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

/** Default port of a probe, which only the ingress container has. */
export interface ProbePort {
  number: number;
  name: string;
}

/**
 * A probe with its defaults set (API reference, Probe). 0 counts as unset, since Go clients write it for unset fields. A
 * port name is resolved to its number. Without a handler, a startup or readiness probe of the ingress container is a TCP
 * check of the port (`orTcp`).
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
