import { containerInPod } from '../../apis/serving/container/names.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Pod } from '../../kube/core.ts';
import { takenAt } from '../../kube/pod.ts';
import {
  type ContainerStatus,
  type Evidence,
  type PodEvidence,
  statusesOf,
  type Waiting,
} from './evidence.ts';
import { exitMessage, exitReason } from './exit.ts';
import { FAILED_MOUNT, FAILURE_RULES, ruleOf } from './failureRules.ts';
import { type Problem, SHORTEST_RECHECK_MS, waitedOut } from './problem.ts';

const MISSING_SECRET = /secret "([^"]+)" not found/;

/** Volumes that the kubelet cannot mount, as its Events say; its containers wait meanwhile without a reason. */
export function volumes({ pod, evidence }: PodEvidence): Problem | undefined {
  const { mount } = evidence;
  if (!mount?.failure || mount.uid !== pod.metadata.uid) return undefined;
  const waiting = { reason: FAILED_MOUNT, message: mount.failure };
  const [first] = containersOf(pod, evidence);
  return first && waitingProblem(first[0], waiting, pod, evidence);
}

/** The first container that the kubelet cannot start, or that has exited instead of getting ready. */
export function container({ pod, evidence }: PodEvidence): Problem | undefined {
  for (const [container, status] of containersOf(pod, evidence)) {
    const waiting = status.state?.waiting;
    const problem =
      (waiting && waitingProblem(container, waiting, pod, evidence)) ??
      exitProblem(container, status, pod, evidence);
    if (problem) return problem;
  }
  return undefined;
}

/** Containers with their statuses: as they are declared, those of a task as the kubelet starts them. */
function containersOf(pod: Pod, { containers, runs }: Evidence): [Container, ContainerStatus][] {
  const pairs: [Container, ContainerStatus][] = [];
  for (const status of statusesOf(pod)) {
    const container = containerInPod(containers, status.name);
    if (container) pairs.push([container, status]);
  }
  if (runs === 'job') return pairs;
  return pairs.sort(([a], [b]) => containers.indexOf(a) - containers.indexOf(b));
}

/** What keeps the kubelet from starting a container, in its own words; nothing if it is only slow. */
function waitingProblem(
  container: Container,
  waiting: Waiting,
  pod: Pod,
  evidence: Evidence,
): Problem | undefined {
  const rule = ruleOf(waiting);
  if (!rule) return undefined;
  const { reason = '', message = reason } = waiting;
  const { conditionReason = reason } = rule;
  const why = {
    reason: conditionReason,
    message: waitingMessage(container, conditionReason, message, pod),
  };
  return waitedOut(why, rule, takenAt(pod), evidence);
}

function waitingMessage(
  { name, image }: Container,
  reason: string,
  message: string,
  { metadata }: Pod,
): string {
  if (reason === REASONS.containerMissing)
    return `Image '${image}' of container '${name}' cannot be pulled: ${message}`;
  const cause = `Container '${name}' cannot be started: ${message}`;
  const [, secret] = MISSING_SECRET.exec(message) ?? [];
  if (!secret) return cause;
  const command = `kubectl create secret generic ${secret} --namespace ${metadata.namespace} --from-literal=latest=VALUE`;
  return `${cause}. Create it with a key for each requested version: ${command}`;
}

/** One exit may be a passing problem; of one that exits again nothing better is expected. That of a task ends its pod. */
function exitProblem(
  container: Container,
  status: ContainerStatus,
  pod: Pod,
  evidence: Evidence,
): Problem | undefined {
  const { runs, proven } = evidence;
  const { state, lastState, restartCount = 0 } = status;
  const terminated = state?.terminated ?? lastState?.terminated;
  if (!terminated || runs === 'job') return undefined;
  const why = {
    reason: exitReason(container, terminated, evidence),
    message: exitMessage(container, terminated, evidence, proven ? '' : undefined),
  };
  const problem = waitedOut(why, FAILURE_RULES.ends, takenAt(pod), evidence);
  const exitedAgain = restartCount > 0 && (state?.terminated || state?.waiting);
  return exitedAgain || !problem.final
    ? problem
    : { ...problem, final: false, recheckAfter: SHORTEST_RECHECK_MS };
}
