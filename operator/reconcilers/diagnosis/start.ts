import { ingressContainer } from '../../apis/serving/container/ingress.ts';
import { podContainerName } from '../../apis/serving/container/names.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Pod } from '../../kube/core.ts';
import { ageMs } from '../../kube/pod.ts';
import { readinessCheck } from '../../probe/attempt.ts';
import { earliest } from '../duration.ts';
import { type Evidence, livePods, type PodEvidence, statusesOf } from './evidence.ts';
import { notListening } from './exit.ts';
import { FAILURE_RULES } from './failureRules.ts';
import { isBeingPrepared, PREPARING_MS } from './mounts.ts';
import type { Problem } from './problem.ts';

/**
 * Whether so many instances have started as are needed, which proves a revision (container contract, Startup: an instance
 * must listen within four minutes and all its containers be healthy).
 */
export function hasStarted(evidence: Evidence): boolean {
  const { needed = 1 } = evidence;
  return livePods(evidence).length - unstarted(evidence).length >= needed;
}

/** The instances that have not started. */
export function unstarted(evidence: Evidence): Pod[] {
  return livePods(evidence).filter((pod) => !isStarted(pod, evidence));
}

function isStarted(pod: Pod, evidence: Evidence): boolean {
  const { containers } = evidence;
  const statuses = statusesOf(pod);
  if (statuses.length < containers.length || !statuses.every((status) => status.state?.running)) return false;
  if (untilStartedMs(pod, evidence) > 0) return false;
  if (notReady(pod, evidence)) return false;
  return statuses.every(({ ready }) => ready) || hasPassed(pod, evidence);
}

/** Whether the controller saw its startup probe pass, and the readiness probe that it runs. */
function hasPassed({ metadata }: Pod, { passed }: Evidence): boolean {
  return passed?.has(metadata.uid ?? '') ?? false;
}

/** How long the instance still has to run until it counts as started. */
function untilStartedMs(pod: Pod, { minReadyMs = 0, now }: Evidence): number {
  if (minReadyMs === 0) return 0;
  const since = statusesOf(pod).map(({ state }) => Date.parse(state?.running?.startedAt ?? '') || now);
  return Math.max(...since) + minReadyMs - now;
}

/**
 * The container whose own readiness probe does not pass. The kubelet runs those of any kind, except for the ingress
 * container's, which the controller runs as the gateways do, until the revision has been ready.
 */
function notReady(pod: Pod, evidence: Evidence): Container | undefined {
  const { containers, runs, proven } = evidence;
  const own = runs === 'service' && readinessCheck(containers) ? ingressContainer(containers) : undefined;
  return containers.find((container) => {
    if (!container.readinessProbe) return false;
    if (container === own) return !proven && !hasPassed(pod, evidence);
    return !isReady(pod, container);
  });
}

/** Whether the kubelet calls a container ready. */
function isReady(pod: Pod, { name }: Container): boolean {
  return statusesOf(pod).some((status) => status.name === podContainerName(name) && status.ready);
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

function limitMs({ config }: Pick<Evidence, 'config'>): number {
  return config.startup[FAILURE_RULES.silent.limit] * 1000;
}

/** How long the Events of a pod that is stuck may take; they are asked for again then. */
const EVENTS_MS = 5000;

/**
 * Whether a node has prepared a pod for as long as an instance has to start, so that it may never be done: some troubles of
 * a node, such as a full disk, leave behind what the kubelet fails at for ever. Another pod may do better, there or elsewhere.
 */
export function isStuck(pod: Pod, evidence: Pick<Evidence, 'config' | 'now'>): boolean {
  return isBeingPrepared(pod) && ageMs(pod, evidence.now) >= limitMs(evidence);
}

/** When to look at pods again that may be stuck ({@link isStuck}), in ms from now; undefined where none will be. */
export function untilStuckMs(evidence: Evidence): number | undefined {
  const left = evidence.pods
    .filter(isBeingPrepared)
    .map((pod) => limitMs(evidence) - ageMs(pod, evidence.now));
  const isOpen = !evidence.mount && left.some((ms) => ms <= 0);
  return earliest(...left.filter((ms) => ms > 0), isOpen ? EVENTS_MS : undefined);
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
  const { containers, runs } = evidence;
  const seconds = limitMs(evidence) / 1000;
  const ingress = runs === 'service' ? ingressContainer(containers) : undefined;
  const listens = hasPassed(pod, evidence) || (ingress !== undefined && isReady(pod, ingress));
  const held = listens ? notReady(pod, evidence) : undefined;
  const message = held
    ? `Container '${held.name}' did not pass its readiness probe within ${seconds} s.`
    : notListening(ingress ?? containers[0], seconds, evidence);
  return { reason: REASONS.healthCheckContainerError, message, final: true };
}
