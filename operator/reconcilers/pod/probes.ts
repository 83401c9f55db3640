import type { Container, Probe } from '../../apis/serving/container/types.ts';
import { isProbedFromOutside } from '../../probe/attempt.ts';

/** Seconds a container has to start where no probe says otherwise (container contract, Startup: 4 minutes). */
const START_LIMIT_SECONDS = 240;

/**
 * The startup probe that the kubelet runs. It only decides when to give a container up and when liveness
 * probing begins: requests are let in by the gateway's own probe, which does not wait for the kubelet.
 *
 * Cloud Run's default, one attempt of 240 seconds, would hold the pod unready until the attempt after the
 * first one, so the same time is spent in attempts of one second.
 */
export function startupProbe(container: Container, port: number | undefined): Probe | undefined {
  const declared = container.startupProbe;
  if (declared && !isDefault(declared)) return withPort(declared, port);
  if (port === undefined) return undefined;
  return { tcpSocket: { port }, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: START_LIMIT_SECONDS };
}

/**
 * The readiness probe that the kubelet runs. Gateways run that of the ingress container themselves wherever it can be run
 * from outside: they do not wait until the kubelet has reported it and the API has passed it on.
 */
export function readinessProbe(
  { readinessProbe: declared }: Container,
  port: number | undefined,
): Probe | undefined {
  if (!declared || (port !== undefined && isProbedFromOutside(declared))) return undefined;
  return withPort(declared, port);
}

/** A liveness or readiness probe as the kubelet needs it: with a port, which Cloud Run may leave out. */
export function withPort(probe: Probe, port: number | undefined): Probe {
  const { httpGet, tcpSocket, grpc, ...timing } = probe;
  const target = port ?? 8080;
  if (httpGet) return { ...timing, httpGet: { path: '/', ...httpGet, port: httpGet.port || target } };
  if (grpc) return { ...timing, grpc: { ...grpc, port: grpc.port || target } };
  if (tcpSocket) return { ...timing, tcpSocket: { ...tcpSocket, port: tcpSocket.port || target } };
  if (probe.exec) return probe;
  return { ...timing, tcpSocket: { port: target } };
}

/** How long a probe lets a container fail before the kubelet stops it, in seconds. */
export function probeBudgetSeconds(probe: Probe | undefined): number {
  if (!probe) return START_LIMIT_SECONDS;
  return (probe.initialDelaySeconds ?? 0) + (probe.periodSeconds ?? 10) * (probe.failureThreshold ?? 3);
}

function isDefault(probe: Probe): boolean {
  const { tcpSocket, periodSeconds, failureThreshold, initialDelaySeconds } = probe;
  return (
    tcpSocket !== undefined &&
    periodSeconds === START_LIMIT_SECONDS &&
    failureThreshold === 1 &&
    !initialDelaySeconds
  );
}
