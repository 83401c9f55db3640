import { ingressContainer } from '../../apis/serving/container/ingress.ts';
import { podContainerName } from '../../apis/serving/container/names.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Pod } from '../../kube/core.ts';
import { ageMs } from '../../kube/pod.ts';
import { type Evidence, livePods, type PodEvidence, statusesOf } from './evidence.ts';
import { notListening } from './exit.ts';
import { FAILURE_RULES } from './failureRules.ts';
import { isBeingPrepared, PREPARING_MS } from './mounts.ts';
import type { Problem } from './problem.ts';

/**
 * Whether some instance has started, which proves a revision (container contract, Startup: an instance must listen
 * within four minutes and all its containers be healthy).
 */
export function hasStarted(evidence: Evidence): boolean {
  return livePods(evidence).some((pod) => isStarted(pod, evidence));
}

function isStarted(pod: Pod, evidence: Evidence): boolean {
  const { passed, containers } = evidence;
  const statuses = statusesOf(pod);
  if (statuses.length < containers.length || !statuses.every((status) => status.state?.running)) return false;
  if (untilStartedMs(pod, evidence) > 0) return false;
  if (statuses.every(({ ready }) => ready)) return true;
  return Boolean(passed?.has(pod.metadata.uid ?? '')) && !notReady(pod, containers);
}

/** How long the instance still has to run until it counts as started. */
function untilStartedMs(pod: Pod, { minReadyMs = 0, now }: Evidence): number {
  if (minReadyMs === 0) return 0;
  const since = statusesOf(pod).map(({ state }) => Date.parse(state?.running?.startedAt ?? '') || now);
  return Math.max(...since) + minReadyMs - now;
}

/** The container whose own readiness probe does not pass; the kubelet asks it, and it may be of any kind. */
function notReady(pod: Pod, containers: readonly Container[]): Container | undefined {
  const ready = new Set(statusesOf(pod).flatMap(({ name, ready }) => (ready ? [name] : [])));
  return containers.find(({ name, readinessProbe }) => readinessProbe && !ready.has(podContainerName(name)));
}

/** No node has room for the pod. */
export function unschedulable({ pod, evidence }: PodEvidence): Problem | undefined {
  const scheduled = pod.status?.conditions?.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  if (!scheduled) return undefined;
  const what = evidence.runs === 'job' ? 'a task' : 'an instance';
  const message = `No node has room for ${what}: ${scheduled.message}`;
  return { reason: scheduled.reason ?? 'Unschedulable', message, final: false };
}

/** All containers run, and have not run for long enough. */
export function runningTooShort({ pod, evidence }: PodEvidence): Problem | undefined {
  const { minReadyMs = 0 } = evidence;
  const left = untilStartedMs(pod, evidence);
  if (left <= 0 || !statusesOf(pod).every(({ ready }) => ready)) return undefined;
  const message = `Instances are running; they must stay up for ${minReadyMs / 1000} s before others are stopped.`;
  return { reason: REASONS.deploying, message, final: false, recheckAfter: left };
}

function limitMs({ config }: Evidence): number {
  return config.startup[FAILURE_RULES.silent.limit] * 1000;
}

/** The instance is still within the time that it has to start. */
export function starting({ pod, evidence }: PodEvidence): Problem | undefined {
  const left = limitMs(evidence) - ageMs(pod, evidence.now);
  if (left <= 0) return undefined;
  return {
    reason: REASONS.deploying,
    message: 'Instances are starting.',
    final: false,
    recheckAfter: isBeingPrepared(pod) ? Math.min(PREPARING_MS, left) : left,
  };
}

/** No container has ever been started in that time. */
export function unprepared({ pod, evidence }: PodEvidence): Problem | undefined {
  const { metadata } = pod;
  const hasBegun = statusesOf(pod).some(({ state, lastState }) => !state?.waiting || lastState?.terminated);
  if (hasBegun) return undefined;
  const message = `The node did not start the first container within ${limitMs(evidence) / 1000} s; kubectl describe pod ${metadata.name} --namespace ${metadata.namespace} says more.`;
  return { reason: FAILURE_RULES.unprepared.conditionReason, message, final: true };
}

/** No container listens, or a probe does not pass. */
export function silent({ pod, evidence }: PodEvidence): Problem {
  const { passed, containers, runs } = evidence;
  const seconds = limitMs(evidence) / 1000;
  const held = passed?.has(pod.metadata.uid ?? '') ? notReady(pod, containers) : undefined;
  const ingress = runs === 'service' ? ingressContainer(containers) : undefined;
  const message = held
    ? `Container '${held.name}' did not pass its readiness probe within ${seconds} s.`
    : notListening(ingress ?? containers[0], seconds, evidence);
  return { reason: REASONS.healthCheckContainerError, message, final: true };
}
