import { constants } from 'node:os';
import { ingressContainer, ingressPort } from '../../apis/serving/container/ingress.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import { exitCodeReason, REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Config } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { memoryMessage } from './memory.ts';
import { probeBudgetSeconds } from './probes.ts';

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
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];
type Waiting = NonNullable<NonNullable<ContainerStatus['state']>['waiting']>;
type Trouble = { reason: string; message: string };
type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

/** What the kubelet calls an image that it cannot get. */
const IMAGE_REASONS = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
/** What it calls a container that it cannot make, a missing secret for instance. */
const CONFIG_REASONS = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** The kubelet has not yet read a ConfigMap or Secret that exists; it tries again by itself. */
const PASSING = /^failed to sync \w+ cache: timed out/;

/**
 * Judges a revision by its pods: one started pod proves it; otherwise the gravest trouble of any pod is told.
 * Container contract, Startup: an instance must listen within four minutes and all its containers be healthy.
 */
export function judgeStart(input: StartInput): Start {
  const pods = input.pods.filter((pod) => !pod.metadata.deletionTimestamp);
  if (pods.length === 0) return { state: 'none' };
  if (pods.some((pod) => hasStarted(pod, input))) return { state: 'started' };
  const judged = pods.map((pod) => judgePod(pod, input));
  return judged.find((start) => start.state === 'failed') ?? judged[0] ?? { state: 'none' };
}

function hasStarted(pod: Pod, { passed, containers }: StartInput): boolean {
  const statuses = statusesOf(pod);
  if (statuses.length < containers.length || !statuses.every((status) => status.state?.running)) return false;
  if (statuses.every(({ ready }) => ready)) return true;
  return passed.has(pod.metadata.uid ?? '') && !heldBy(pod, containers);
}

/** Of all containers, also of those that others wait for: Kubernetes keeps those as init containers. */
function statusesOf(pod: Pod): ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
}

/** The container whose own readiness probe does not pass; the kubelet asks it, and it may be of any kind. */
function heldBy(pod: Pod, containers: Container[]): Container | undefined {
  const ready = new Set(statusesOf(pod).flatMap(({ name, ready }) => (ready ? [name] : [])));
  return containers.find(({ name, readinessProbe }) => readinessProbe && !ready.has(name));
}

function judgePod(pod: Pod, input: StartInput): Start {
  for (const container of input.containers) {
    const status = statusesOf(pod).find(({ name }) => name === container.name);
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
  const trouble = waiting && troubleOf(container, waiting);
  if (trouble) return afterGrace(trouble, !PASSING.test(waiting.message ?? ''), pod, input);
  const terminated = status.state?.terminated ?? status.lastState?.terminated;
  if (!terminated) return undefined;
  const exit = {
    reason: exitReason(container, terminated),
    message: exitMessage(container, terminated, input),
  };
  const exitedAgain = (status.restartCount ?? 0) > 0 && (status.state?.terminated || waiting);
  return afterGrace(exit, Boolean(exitedAgain), pod, input);
}

/** What keeps the kubelet from starting a container, in its own words. */
function troubleOf({ name, image }: Container, waiting: Waiting): Trouble | undefined {
  const { reason = '', message = reason } = waiting;
  if (IMAGE_REASONS.has(reason)) {
    const told = `Image '${image}' of container '${name}' cannot be pulled: ${message}`;
    return { reason: REASONS.containerMissing, message: told };
  }
  if (!CONFIG_REASONS.has(reason)) return undefined;
  return { reason, message: `Container '${name}' cannot be started: ${message}` };
}

/** Trouble is told at once, and is final only when it lasts: a registry or a database may be a few seconds late. */
function afterGrace(trouble: Trouble, isFinal: boolean, pod: Pod, { now, config }: StartInput): Start {
  const left = config.startup.crashSeconds * 1000 - ageMs(pod, now);
  if (isFinal && left <= 0) return { state: 'failed', ...trouble };
  return { state: 'starting', ...trouble, recheckMs: Math.max(left, 1000) };
}

function judgeTime(pod: Pod, input: StartInput): Start {
  const limit = input.config.startup.limitSeconds * 1000;
  const age = ageMs(pod, input.now);
  const ingress = ingressContainer(input.containers);
  if (age < limit) {
    return {
      state: 'starting',
      reason: REASONS.deploying,
      message: 'Instances are starting.',
      recheckMs: limit - age,
    };
  }
  const held = input.passed.has(pod.metadata.uid ?? '') ? heldBy(pod, input.containers) : undefined;
  const message = held
    ? `Container '${held.name}' did not pass its readiness probe within ${limit / 1000} s.`
    : notListening(ingress, limit / 1000);
  return { state: 'failed', reason: REASONS.healthCheckContainerError, message };
}

function exitReason(container: Container, terminated: Terminated): string {
  if (terminated.reason === 'OOMKilled') return REASONS.outOfMemory;
  if (killedByProbe(container, terminated)) return REASONS.healthCheckContainerError;
  return exitCodeReason(terminated.exitCode);
}

/** What a person reads when a container stopped: why, and the last thing that it wrote. */
export function exitMessage(
  container: Container,
  terminated: Terminated,
  input: Pick<StartInput, 'config'>,
): string {
  const said = lastLine(terminated.message);
  const quote = said ? ` Its last log line: ${said}` : '';
  if (terminated.reason === 'OOMKilled') {
    return `${memoryMessage({ what: 'memory', container: container.name }, [container])}${quote}`;
  }
  if (killedByProbe(container, terminated)) {
    const budget = Math.min(probeBudgetSeconds(container.startupProbe), input.config.startup.limitSeconds);
    return `${notListening(container, budget)}${quote}`;
  }
  const signal = signalOf(terminated.exitCode);
  return `Container '${container.name}' exited with code ${terminated.exitCode}${signal} before it was ready.${quote}`;
}

/** The signal that an exit code stands for (container contract, Exit codes): 139 is signal 11, SIGSEGV. */
function signalOf(exitCode: number): string {
  if (exitCode <= 128) return '';
  const number = exitCode - 128;
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return ` (signal ${number}${name ? `, ${name}` : ''})`;
}

/** The kubelet stops a container whose startup probe has failed for good by signals alone. */
function killedByProbe(container: Container, { exitCode, startedAt, finishedAt }: Terminated): boolean {
  if (exitCode !== 137 && exitCode !== 143 && exitCode !== 2 && exitCode !== 0) return false;
  const ranSeconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
  return ranSeconds >= probeBudgetSeconds(container.startupProbe) - 2;
}

function notListening(container: Container | undefined, seconds: number): string {
  const name = container?.name ?? '';
  const probe = container?.startupProbe;
  if (probe?.httpGet || probe?.grpc) {
    return `Container '${name}' did not pass its startup probe within ${seconds} s.`;
  }
  const port = container ? ingressPort(container) : undefined;
  return (
    `Container '${name}' did not listen on the port given by PORT=${port} within ${seconds} s. ` +
    'It must listen on 0.0.0.0, not on 127.0.0.1.'
  );
}

function lastLine(log: string | undefined): string | undefined {
  return log?.trimEnd().split('\n').at(-1)?.trim() || undefined;
}

function ageMs(pod: Pod, now: number): number {
  return now - Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '');
}
