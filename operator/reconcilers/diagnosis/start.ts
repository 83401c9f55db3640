import { constants } from 'node:os';
import { ingressContainer, ingressPort } from '../../apis/serving/container/ingress.ts';
import { podContainerName } from '../../apis/serving/container/names.ts';
import type { Container, Probe } from '../../apis/serving/container/types.ts';
import { exitCodeReason, REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Config } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { ageMs } from '../../kube/pod.ts';
import { probeBudgetSeconds } from '../pod/probes.ts';
import { FAILURE_RULES, type FailureRule, ruleOf } from './failureRules.ts';
import { memoryMessage } from './memory.ts';
import { isBeingPrepared, PREPARING_MS } from './mounts.ts';

/** How far the instances of a revision have come. */
export type Start =
  | { state: 'none' }
  | { state: 'started' }
  | { state: 'starting'; reason: string; message: string; recheckMs?: number }
  | { state: 'failed'; reason: string; message: string; recheckMs?: number };

export interface StartInput {
  containers: Container[];
  pods: Pod[];
  /** UIDs of the pods whose startup probe the controller saw pass. */
  passed: ReadonlySet<string>;
  now: number;
  config: Pick<Config, 'startup'>;
  /** Whether one container takes requests; a worker pool's do not. */
  ingress?: boolean;
  /** Whether an instance has been at work before: one that ended has not, for certain, failed to start. */
  proven?: boolean;
  /** How long all containers of an instance must have run, without an end between, before it has started. */
  settleMs?: number;
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];
type Waiting = NonNullable<NonNullable<ContainerStatus['state']>['waiting']>;
export type Problem = { reason: string; message: string };
/** A trouble with the time for which it is waited out. */
export type Waited = Problem & Pick<FailureRule, 'limit'>;
type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

const MISSING_SECRET = /secret "([^"]+)" not found/;

/**
 * Judges a revision by its pods: one started pod proves it; otherwise the gravest trouble of any pod is told.
 * Container contract, Startup: an instance must listen within four minutes and all its containers be healthy.
 */
export function diagnoseStart(input: StartInput): Start {
  const pods = input.pods.filter((pod) => !pod.metadata.deletionTimestamp);
  if (pods.length === 0) return { state: 'none' };
  if (pods.some((pod) => hasStarted(pod, input))) return { state: 'started' };
  const judged = pods.map((pod) => judgePod(pod, input));
  const gravest = judged.find((start) => start.state === 'failed') ?? judged[0] ?? { state: 'none' };
  const rechecks = judged.flatMap((start) => ('recheckMs' in start && start.recheckMs) || []);
  const isOpen = gravest.state === 'starting' || gravest.state === 'failed';
  return isOpen && rechecks.length > 0 ? { ...gravest, recheckMs: Math.min(...rechecks) } : gravest;
}

function hasStarted(pod: Pod, input: StartInput): boolean {
  const { passed, containers } = input;
  const statuses = statusesOf(pod);
  if (statuses.length < containers.length || !statuses.every((status) => status.state?.running)) return false;
  if (unsettledMs(pod, input) > 0) return false;
  if (statuses.every(({ ready }) => ready)) return true;
  return passed.has(pod.metadata.uid ?? '') && !heldBy(pod, containers);
}

/** How long the instance still has to run until it counts as started. */
function unsettledMs(pod: Pod, { settleMs = 0, now }: StartInput): number {
  if (settleMs === 0) return 0;
  const since = statusesOf(pod).map(({ state }) => Date.parse(state?.running?.startedAt ?? '') || now);
  return Math.max(...since) + settleMs - now;
}

/** Of all containers, also of those that others wait for: Kubernetes keeps those as init containers. */
export function statusesOf(pod: Pod): ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
}

/** The container whose own readiness probe does not pass; the kubelet asks it, and it may be of any kind. */
function heldBy(pod: Pod, containers: Container[]): Container | undefined {
  const ready = new Set(statusesOf(pod).flatMap(({ name, ready }) => (ready ? [name] : [])));
  return containers.find(({ name, readinessProbe }) => readinessProbe && !ready.has(podContainerName(name)));
}

function judgePod(pod: Pod, input: StartInput): Start {
  for (const container of input.containers) {
    const called = podContainerName(container.name);
    const status = statusesOf(pod).find(({ name }) => name === called);
    const start = status && judgeContainer(container, status, pod, input);
    if (start) return start;
  }
  const unschedulable = pod.status?.conditions?.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  if (unschedulable) {
    const message = `No node has room for an instance: ${unschedulable.message}`;
    return { state: 'starting', reason: unschedulable.reason ?? 'Unschedulable', message };
  }
  return judgeTime(pod, input);
}

function judgeContainer(
  container: Container,
  status: ContainerStatus,
  pod: Pod,
  input: StartInput,
): Start | undefined {
  const waiting = status.state?.waiting;
  const trouble = waiting && problemOf(container, waiting, pod);
  if (trouble) return waitedOut(trouble, pod, input);
  const terminated = status.state?.terminated ?? status.lastState?.terminated;
  if (!terminated) return undefined;
  const exit = {
    reason: exitReason(container, terminated, input),
    message: exitMessage(container, terminated, input, input.proven ? '' : undefined),
  };
  const exitedAgain = (status.restartCount ?? 0) > 0 && (status.state?.terminated || waiting);
  if (exitedAgain) return waitedOut({ ...exit, limit: FAILURE_RULES.ends.limit }, pod, input);
  return { state: 'starting', ...exit, recheckMs: Math.max(leftMs(FAILURE_RULES.ends, pod, input), 1000) };
}

/** What keeps the kubelet from starting a container, in its own words; nothing if it is only slow. */
export function problemOf(
  { name, image }: Container,
  waiting: Waiting,
  { metadata }: Pick<Pod, 'metadata'>,
): Waited | undefined {
  const row = ruleOf(waiting);
  if (!row) return undefined;
  const { reason: said = '', message = said } = waiting;
  const { limit, conditionReason: reason = said } = row;
  if (reason === REASONS.containerMissing) {
    const told = `Image '${image}' of container '${name}' cannot be pulled: ${message}`;
    return { reason, message: told, limit };
  }
  const told = `Container '${name}' cannot be started: ${message}`;
  const [, secret] = MISSING_SECRET.exec(message) ?? [];
  if (!secret) return { reason, message: told, limit };
  const command = `kubectl create secret generic ${secret} --namespace ${metadata.namespace} --from-literal=latest=VALUE`;
  const advice = `Create it, with a key for each version that is asked for: ${command}`;
  return { reason, message: `${told}. ${advice}`, limit };
}

/** How long a trouble is still waited out. */
function leftMs({ limit }: Pick<FailureRule, 'limit'>, pod: Pod, { now, config }: StartInput): number {
  return config.startup[limit] * 1000 - ageMs(pod, now);
}

/** Trouble is told at once, and final once it has been waited out: a registry or a secret may be late. */
function waitedOut({ limit, ...trouble }: Waited, pod: Pod, input: StartInput): Start {
  const left = leftMs({ limit }, pod, input);
  if (left <= 0) return { state: 'failed', ...trouble };
  return { state: 'starting', ...trouble, recheckMs: Math.max(left, 1000) };
}

function judgeTime(pod: Pod, input: StartInput): Start {
  const limit = input.config.startup[FAILURE_RULES.silent.limit] * 1000;
  const age = ageMs(pod, input.now);
  const ingress = input.ingress === false ? undefined : ingressContainer(input.containers);
  const unsettled = unsettledMs(pod, input);
  if (unsettled > 0 && statusesOf(pod).every(({ ready }) => ready)) {
    const message = `Instances run; they must go on for ${(input.settleMs ?? 0) / 1000} s before others are stopped.`;
    return { state: 'starting', reason: REASONS.deploying, message, recheckMs: unsettled };
  }
  if (age < limit) {
    return {
      state: 'starting',
      reason: REASONS.deploying,
      message: 'Instances are starting.',
      recheckMs: isBeingPrepared(pod) ? Math.min(PREPARING_MS, limit - age) : limit - age,
    };
  }
  if (!hasBegun(pod)) {
    const message = `The node did not get as far as the first container within ${limit / 1000} s; kubectl describe pod ${pod.metadata.name} --namespace ${pod.metadata.namespace} says more.`;
    return { state: 'failed', reason: FAILURE_RULES.unprepared.conditionReason, message };
  }
  const held = input.passed.has(pod.metadata.uid ?? '') ? heldBy(pod, input.containers) : undefined;
  const message = held
    ? `Container '${held.name}' did not pass its readiness probe within ${limit / 1000} s.`
    : notListening(ingress ?? input.containers[0], limit / 1000, input);
  return { state: 'failed', reason: REASONS.healthCheckContainerError, message };
}

/** Whether any of a pod's containers has ever been started. */
function hasBegun(pod: Pod): boolean {
  return statusesOf(pod).some(({ state, lastState }) => !state?.waiting || lastState?.terminated);
}

/** Why a container stopped, in one word. */
export function exitReason(
  container: Container,
  terminated: Terminated,
  input: Pick<StartInput, 'ingress' | 'proven'>,
): string {
  if (terminated.reason === 'OOMKilled') return REASONS.outOfMemory;
  if (startError(terminated)) return REASONS.startError;
  if (killedByProbe(container, terminated, input)) return REASONS.healthCheckContainerError;
  return exitCodeReason(terminated.exitCode);
}

/** What a person reads when a container stopped: why, and the last thing that it wrote. */
export function exitMessage(
  container: Container,
  terminated: Terminated,
  input: Pick<StartInput, 'config' | 'ingress' | 'proven'>,
  when = ' before it was ready',
): string {
  const said = lastLine(terminated.message);
  const quote = said ? ` Its last log line: ${said}` : '';
  if (terminated.reason === 'OOMKilled') {
    return `${memoryMessage({ what: 'memory', container: podContainerName(container.name) }, [container])}${quote}`;
  }
  if (killedByProbe(container, terminated, input)) {
    const budget = Math.min(probeBudgetSeconds(container.startupProbe), input.config.startup.limitSeconds);
    return `${notListening(container, budget, input)}${quote}`;
  }
  const unstarted = startError(terminated);
  if (unstarted) return `Container '${container.name}' cannot be started: ${unstarted}.`;
  const signal = signalOf(terminated.exitCode);
  const how = `${terminated.exitCode}${signal ? `, which stands for ${signal}${when && ','}` : ''}`;
  return `Container '${container.name}' exited with code ${how}${when}.${quote}`;
}

/**
 * The signal that an exit code stands for, such as `signal 11 (SIGSEGV)` for 139 (container contract, Exit codes).
 * Codes above 128 that no signal makes, such as 255, are the program's own.
 */
export function signalOf(exitCode: number): string | undefined {
  const number = exitCode - 128;
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name && `signal ${number} (${name})`;
}

/** What the container runtime says of a program that it could not even start: a command that is not there, say. */
export function startError({ reason, message = '' }: Terminated): string | undefined {
  if (reason !== 'StartError') return undefined;
  const [, cause = message] = /unable to start container process: (.*)$/s.exec(message) ?? [];
  return cause.trim().replace(/: unknown$/, '');
}

/** The kubelet stops a container whose startup probe has failed for good by signals alone. */
function killedByProbe(
  container: Container,
  { exitCode, startedAt, finishedAt }: Terminated,
  { ingress, proven }: Pick<StartInput, 'ingress' | 'proven'>,
): boolean {
  // It may have been at work for as long as that.
  if (proven) return false;
  // Without a port and a probe of its own nobody asks the container.
  if (ingress === false && !container.startupProbe) return false;
  if (exitCode !== 137 && exitCode !== 143 && exitCode !== 2 && exitCode !== 0) return false;
  const ranSeconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
  return ranSeconds >= probeBudgetSeconds(container.startupProbe) - 2;
}

function notListening(
  container: Container | undefined,
  seconds: number,
  { ingress }: Pick<StartInput, 'ingress'>,
): string {
  const name = container?.name ?? '';
  const probe = container?.startupProbe;
  if (ingress === false && !probe) return `Container '${name}' did not start within ${seconds} s.`;
  const port = container ? ingressPort(container) : undefined;
  // Other containers have no PORT; they name the one that they are asked at.
  const isElsewhere = probe?.tcpSocket?.port !== undefined && probe.tcpSocket.port !== port;
  if (probe && (probe.httpGet || probe.grpc || probe.exec || ingress === false || isElsewhere)) {
    return `Container '${name}' did not pass its startup probe within ${seconds} s: ${asked(probe)}.`;
  }
  return (
    `Container '${name}' did not listen on the port given by PORT=${port} within ${seconds} s. ` +
    'It must listen on 0.0.0.0, not on 127.0.0.1.'
  );
}

/** What a probe asks for. */
function asked({ httpGet, tcpSocket, grpc, exec }: Probe): string {
  if (httpGet)
    return `GET ${httpGet.path || '/'} on port ${httpGet.port} must answer with a status from 200 to 399`;
  if (grpc) return `the gRPC health service on port ${grpc.port} must answer SERVING`;
  if (exec) return `the command ${JSON.stringify(exec.command ?? [])} must exit with code 0`;
  return `it must accept connections on port ${tcpSocket?.port}`;
}

/** The last thing that a container wrote. */
export function lastLine(log: string | undefined): string | undefined {
  return log?.trimEnd().split('\n').at(-1)?.trim() || undefined;
}
