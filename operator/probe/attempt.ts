import { ingressContainer, ingressPort } from '../apis/serving/container/ingress.ts';
import type { Container, Probe } from '../apis/serving/container/types.ts';

/** One attempt of a startup probe. */
export type Attempt =
  | { kind: 'tcp'; port: number; timeoutMs: number }
  | { kind: 'http'; port: number; timeoutMs: number; path: string; headers: Record<string, string> }
  | { kind: 'grpc'; port: number; timeoutMs: number; service: string };

/** How the gateway probes the start of an instance. */
export interface StartCheck {
  attempt: Attempt;
  /** How long after the instance's start the first attempt is made (`initialDelaySeconds`). */
  delayMs: number;
}

/** A lost packet is sent again after one second; shorter attempts would fail on slow networks. */
const LEAST_TIMEOUT_MS = 1000;

/**
 * The check after which a revision's instance may get requests: its startup probe, else Knative's readiness probe, else a
 * connection to the port of the ingress container (container contract, Startup). `exec` cannot run from outside; the
 * port is probed instead.
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

/** A port by number, number as text, or name. */
function portOf(given: number | string | undefined, container: Container, fallback: number): number {
  if (given === undefined || given === '') return fallback;
  const number = Number(given);
  if (Number.isInteger(number)) return number || fallback;
  return container.ports?.find(({ name }) => name === given)?.containerPort ?? fallback;
}
