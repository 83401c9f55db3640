import { ingressContainer, ingressPort } from '../apis/serving/container/ingress.ts';
import type { Container, Probe } from '../apis/serving/container/types.ts';

/** One look at whether an instance has started. */
export type Attempt =
  | { kind: 'tcp'; port: number; timeoutMs: number }
  | { kind: 'http'; port: number; timeoutMs: number; path: string; headers: Record<string, string> }
  | { kind: 'grpc'; port: number; timeoutMs: number; service: string };

/** How to find out that an instance has started. */
export interface StartCheck {
  attempt: Attempt;
  /** No attempt before the instance has been there for so long (`initialDelaySeconds`). */
  delayMs: number;
}

/** A lost packet is sent again after one second; shorter attempts fail on slow networks for no reason. */
const LEAST_TIMEOUT_MS = 1000;

/**
 * How to find out that a revision's instance may get requests: its startup probe, else Knative's readiness probe, else
 * whether the port of the ingress container accepts connections (container contract, Startup). `exec` cannot be asked
 * from outside; the port is looked at instead.
 */
export function startCheck(containers: readonly Container[]): StartCheck {
  const container = ingressContainer(containers);
  const port = container ? ingressPort(container) : 8080;
  const probe: Probe | undefined = container?.startupProbe ?? container?.readinessProbe;
  if (!container || !probe)
    return { attempt: { kind: 'tcp', port, timeoutMs: LEAST_TIMEOUT_MS }, delayMs: 0 };
  const timeoutMs = Math.max(LEAST_TIMEOUT_MS, (probe.timeoutSeconds || 1) * 1000);
  const delayMs = (probe.initialDelaySeconds ?? 0) * 1000;
  return { attempt: { ...handlerOf(probe, container, port), timeoutMs }, delayMs };
}

type Handler = Attempt extends infer A ? (A extends Attempt ? Omit<A, 'timeoutMs'> : never) : never;

function handlerOf(probe: Probe, container: Container, port: number): Handler {
  const { httpGet, grpc, tcpSocket } = probe;
  if (httpGet) {
    const path = httpGet.path || '/';
    const headers: Record<string, string> = {};
    for (const { name, value } of httpGet.httpHeaders ?? []) headers[name] = value ?? '';
    return {
      kind: 'http',
      port: portOf(httpGet.port, container, port),
      path: path.startsWith('/') ? path : `/${path}`,
      headers,
    };
  }
  if (grpc) return { kind: 'grpc', port: grpc.port || port, service: grpc.service ?? '' };
  return { kind: 'tcp', port: portOf(tcpSocket?.port, container, port) };
}

/** A number, a number as text, or the name of a port of the container. */
function portOf(given: number | string | undefined, container: Container, fallback: number): number {
  if (given === undefined || given === '') return fallback;
  const number = Number(given);
  if (Number.isInteger(number)) return number || fallback;
  return container.ports?.find(({ name }) => name === given)?.containerPort ?? fallback;
}
