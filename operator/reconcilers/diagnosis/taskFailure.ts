import { EXECUTION_REASONS as REASONS } from '../../apis/run/execution/conditions.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import type { Pod } from '../../kube/core.ts';
import type { Terminated } from './evidence.ts';
import { lastLogLine, signalOf, startError } from './exit.ts';
import { LIMIT_EXCEEDED } from './memory.ts';
import { type Check, firstProblem, type Problem } from './problem.ts';
import { sidecar } from './sidecars.ts';

/** Why an attempt of a task failed. */
export interface Failure extends Problem {
  attempt: number;
  /** Missing where no container of the task ever ran. */
  exitCode?: number;
  /** The code that goes into the message of the execution: 0 where the platform stopped the container. */
  reportedCode?: number;
}

/** As it follows `failed with exit code: N and message: ` in Cloud Run's words. */
type AttemptFailure = Omit<Failure, 'attempt'>;

interface AttemptEvidence {
  pod: Pod;
  containers: readonly Container[];
  /** How the container ended that failed the pod. */
  terminated?: Terminated;
}

/** Why an attempt failed, in the order in which it counts. The last check always finds something. */
export const ATTEMPT_CHECKS = [deadline, memory, neverRan, notStarted, exited] as const satisfies Check<
  AttemptEvidence,
  AttemptFailure
>[];

/** Reads from a failed pod why it failed, in the words of Cloud Run's API where it has words for it. */
export function attemptFailure(pod: Pod, containers: readonly Container[]): AttemptFailure {
  const terminated = pod.status?.containerStatuses
    ?.map(({ state }) => state?.terminated)
    .find((each) => each && each.exitCode !== 0);
  const evidence = { pod, containers, terminated };
  return firstProblem<AttemptEvidence, AttemptFailure>(ATTEMPT_CHECKS, evidence) ?? exited(evidence);
}

/** A pod over its deadline is killed, whatever its program does. */
function deadline({ pod, containers, terminated }: AttemptEvidence): AttemptFailure | undefined {
  if (pod.status?.reason !== 'DeadlineExceeded') return undefined;
  const why = sidecar({ pod, evidence: { containers } });
  const message = `The configured timeout was reached.${why ? ` ${why.message}` : ''}`;
  return { reason: REASONS.timeout, exitCode: terminated?.exitCode, reportedCode: 0, message, final: true };
}

/** What a task writes counts as its memory (container contract, File system access). */
function memory({ pod: { status }, terminated }: AttemptEvidence): AttemptFailure | undefined {
  const wroteTooMuch = status?.reason === 'Evicted' && LIMIT_EXCEEDED.test(status.message ?? '');
  if (terminated?.reason !== 'OOMKilled' && !wroteTooMuch) return undefined;
  const message = `The configured memory limit was reached.${lastLogLine(terminated?.message)}`;
  return {
    reason: REASONS.outOfMemory,
    exitCode: terminated?.exitCode,
    reportedCode: 0,
    message,
    final: true,
  };
}

/** Without a container that ran, the pod itself says why. */
function neverRan({ pod: { status }, terminated }: AttemptEvidence): AttemptFailure | undefined {
  if (terminated) return undefined;
  const message = status?.message ?? 'The pod failed before a container ran.';
  return { reason: status?.reason ?? REASONS.taskFailed, message, final: true };
}

function notStarted({ terminated }: AttemptEvidence): AttemptFailure | undefined {
  const cause = terminated && startError(terminated);
  if (!cause) return undefined;
  const message = `The container cannot be started: ${cause}.`;
  return { reason: REASONS.startError, exitCode: terminated.exitCode, message, final: true };
}

/** An exit code above 128 stands for a signal (container contract, Exit codes): 137 is signal 9, SIGKILL. */
function exited({ terminated }: AttemptEvidence): AttemptFailure {
  const { exitCode = 0, message: log } = terminated ?? {};
  const signal = signalOf(exitCode);
  const how = signal ? `The container terminated on ${signal}.` : 'The container exited with an error.';
  const message = `${how}${lastLogLine(log)}`;
  return { reason: REASONS.nonZeroExitCode, exitCode, reportedCode: exitCode, message, final: true };
}

/**
 * What an execution says of the task that failed it (as the API does: `Task NAME-task0 failed with exit code: 1 and
 * message: The container exited with an error.`).
 */
export function failureMessage(
  execution: string,
  index: number,
  { reportedCode, message }: Pick<Failure, 'reportedCode' | 'message'>,
): string {
  const code = reportedCode === undefined ? '' : `exit code: ${reportedCode} and `;
  return `Task ${execution}-task${index} failed with ${code}message: ${message}`;
}
