import { ingressContainer, ingressPort } from '../apis/serving/container/ingress.ts';
import type { Container, Probe } from '../apis/serving/container/types.ts';

/** One attempt of a startup or readiness probe. */
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

/** How an instance is probed that has started: while it fails, it gets no new request. Durations in milliseconds. */
export interface ReadinessCheck {
  attempt: Attempt;
  /** From its start to the first attempt (`initialDelaySeconds`). */
  delayMs: number;
  periodMs: number;
  /** So many attempts in a row must pass until it is ready, or fail until it is not. */
  successThreshold: number;
  failureThreshold: number;
}

/** A lost packet is sent again after one second; shorter attempts would fail on slow networks. */
const LEAST_TIMEOUT_MS = 1000;

/**
 * The check after which a revision's instance has started: its startup probe, else a connection to the port of the
 * ingress container (container contract, Startup). `exec` cannot run from outside; the port is probed instead.
 */
export function startCheck(containers: readonly Container[]): StartCheck {
  const container = ingressContainer(containers);
  const port = container ? ingressPort(container) : 8080;
  const probe = container?.startupProbe;
  if (!container || !probe)
    return { attempt: { kind: 'tcp', port, timeoutMs: LEAST_TIMEOUT_MS }, delayMs: 0 };
  return { attempt: attemptOf(probe, container, port), delayMs: delayMsOf(probe) };
}

/**
 * The readiness probe of a revision's ingress container (Cloud Run, Configure container health checks); undefined where it
 * has none, or one that only the kubelet can run.
 */
export function readinessCheck(containers: readonly Container[]): ReadinessCheck | undefined {
  const container = ingressContainer(containers);
  const probe = container?.readinessProbe;
  if (!container || !probe || !isProbedFromOutside(probe)) return undefined;
  return {
    attempt: attemptOf(probe, container, ingressPort(container)),
    delayMs: delayMsOf(probe),
    periodMs: (probe.periodSeconds || 10) * 1000,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
}

/**
 * Whether an attempt needs no kubelet: `exec` runs inside the container. HTTPS and a `host` of its own, which Cloud Run
 * does not have either, are left to the kubelet too.
 */
export function isProbedFromOutside({ exec, httpGet, tcpSocket }: Probe): boolean {
  return !exec && !httpGet?.host && httpGet?.scheme !== 'HTTPS' && !tcpSocket?.host;
}

function attemptOf(probe: Probe, container: Container, port: number): Attempt {
  const timeoutMs = Math.max(LEAST_TIMEOUT_MS, (probe.timeoutSeconds || 1) * 1000);
  return { ...handlerOf(probe, container, port), timeoutMs };
}

function delayMsOf({ initialDelaySeconds = 0 }: Probe): number {
  return initialDelaySeconds * 1000;
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
