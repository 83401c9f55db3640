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
  const { exec, httpGet, tcpSocket, grpc, ...rest } = probe;
  const timing = {
    ...rest,
    timeoutSeconds: rest.timeoutSeconds || 1,
    periodSeconds: rest.periodSeconds || 10,
    failureThreshold: rest.failureThreshold || 3,
    successThreshold: rest.successThreshold || 1,
  };
  if (exec) return { exec, ...timing };
  if (httpGet)
    return { httpGet: { ...httpGet, path: httpGet.path || '/', ...portOf(httpGet.port, port) }, ...timing };
  if (grpc) return { grpc: { ...grpc, ...(grpc.port || !port ? {} : { port: port.number }) }, ...timing };
  if (tcpSocket) return { tcpSocket: { ...tcpSocket, ...portOf(tcpSocket.port, port) }, ...timing };
  return port && orTcp ? { tcpSocket: { port: port.number }, ...timing } : timing;
}

function portOf(
  declared: number | string | undefined,
  port: ProbePort | undefined,
): { port?: number | string } {
  if (port && (!declared || declared === port.name)) return { port: port.number };
  return {};
}
