import type { Pod } from '../../kube/core.ts';
import { earliest } from '../duration.ts';
import { container, volumes } from './container.ts';
import { creation, lastFailure, noPods, recheckOfJob, startingInstances, startingTasks } from './creation.ts';
import type { Evidence, PodEvidence } from './evidence.ts';
import { isTransient, RETRIED } from './failureRules.ts';
import { image } from './image.ts';
import { isBeingPrepared } from './mounts.ts';
import { type Check, firstProblem, type Problem } from './problem.ts';
import { restart } from './restart.ts';
import { sidecar } from './sidecars.ts';
import { source } from './source.ts';
import {
  hasStarted,
  runningTooShort,
  silent,
  starting,
  unprepared,
  unschedulable,
  unstarted,
} from './start.ts';

/** What keeps one instance from starting; the first that applies counts. The last one always does. */
export const INSTANCE_CHECKS = [
  volumes,
  source,
  container,
  unschedulable,
  runningTooShort,
  starting,
  unprepared,
  silent,
] as const satisfies Check<PodEvidence>[];

/** What keeps one task from starting; the task's own deadline ends what none of them sees. */
export const TASK_CHECKS = [volumes, container, sidecar] as const satisfies Check<PodEvidence>[];

/**
 * Why the instances of a revision or the tasks of an execution are not ready: the first check that finds something
 * counts. Services, worker pools and executions use the same chain; a check whose evidence is missing finds nothing.
 */
export const CHAIN = {
  image,
  creation,
  lastFailure,
  noPods,
  restart,
  instances,
  tasks,
  scheduling,
  starting: tasksStarting,
} as const satisfies Record<string, Check<Evidence>>;

/** What was found, and by which check of the chain. */
export interface Diagnosis extends Problem {
  check: keyof typeof CHAIN;
}

/** What keeps instances or tasks from being ready; undefined where nothing does. */
export function diagnose(evidence: Evidence): Diagnosis | undefined {
  for (const check of Object.keys(CHAIN) as (keyof typeof CHAIN)[]) {
    const problem = CHAIN[check](evidence);
    if (problem) return { ...problem, check };
  }
  return undefined;
}

/** Nothing once enough instances have started; otherwise a final problem of any counts, or that of the first. */
function instances(evidence: Evidence): Problem | undefined {
  if (evidence.runs === 'job' || hasStarted(evidence)) return undefined;
  const problems = unstarted(evidence).flatMap(
    (pod) => firstProblem<PodEvidence, Problem>(INSTANCE_CHECKS, { pod, evidence }) ?? [],
  );
  const gravest = problems.find(({ final }) => final) ?? problems[0];
  if (!gravest) return startingInstances();
  const again = gravest.final && evidence.retried && isTransient(gravest) ? RETRIED : '';
  return {
    ...gravest,
    message: `${gravest.message}${again}`,
    recheckAfter: earliest(...problems.map(({ recheckAfter }) => recheckAfter)),
  };
}

/** The first task that something keeps from starting. */
function tasks(evidence: Evidence): Problem | undefined {
  return ofPendingTasks(evidence, (pod) =>
    pod.metadata.deletionTimestamp
      ? undefined
      : firstProblem<PodEvidence, Problem>(TASK_CHECKS, { pod, evidence }),
  );
}

/** The first task that no node has room for. */
function scheduling(evidence: Evidence): Problem | undefined {
  return ofPendingTasks(evidence, (pod) => unschedulable({ pod, evidence }));
}

function ofPendingTasks(
  { runs, pods }: Evidence,
  find: (pod: Pod) => Problem | undefined,
): Problem | undefined {
  if (runs !== 'job') return undefined;
  for (const pod of pods) {
    const problem = pod.status?.phase === 'Pending' ? find(pod) : undefined;
    if (problem) return problem;
  }
  return undefined;
}

/** Kubernetes reports by Events alone that it cannot mount the volumes of tasks, which are asked for again. */
function tasksStarting(evidence: Evidence): Problem | undefined {
  if (evidence.runs !== 'job') return undefined;
  return startingTasks(evidence.pods.some(isBeingPrepared) ? recheckOfJob(evidence) : undefined);
}
