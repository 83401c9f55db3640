import { EXECUTION_REASONS as REASONS } from '../../apis/run/execution/conditions.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import type { Pod } from '../../kube/core.ts';
import { OWN_LIMIT } from './memory.ts';
import { sidecarProblem } from './sidecars.ts';
import { lastLine, signalOf, startError } from './start.ts';

/** Why an attempt of a task failed. */
export interface Failure {
  attempt: number;
  reason: string;
  /** Missing where no container of the task ever ran. */
  exitCode?: number;
  /** As it follows `failed with exit code: N and message: ` in Cloud Run's words. */
  message: string;
  /** The code that goes into that text: 0 where the platform stopped the container. */
  toldCode?: number;
}

/** Reads from a failed pod why it failed, in the words of Cloud Run's API where it has words for it. */
export function attemptFailure(pod: Pod, containers: readonly Container[]): Omit<Failure, 'attempt'> {
  const { status } = pod;
  const terminated = status?.containerStatuses
    ?.map(({ state }) => state?.terminated)
    .find((each) => each && each.exitCode !== 0);
  const exitCode = terminated?.exitCode;
  if (status?.reason === 'DeadlineExceeded') {
    const why = sidecarProblem(pod, containers);
    const message = `The configured timeout was reached.${why ? ` ${why.message}` : ''}`;
    return { reason: REASONS.timeout, exitCode, toldCode: 0, message };
  }
  const quote = quoted(terminated?.message);
  // What a task writes counts as its memory (container contract, File system access).
  const wroteTooMuch = status?.reason === 'Evicted' && OWN_LIMIT.test(status.message ?? '');
  if (terminated?.reason === 'OOMKilled' || wroteTooMuch) {
    const message = `The configured memory limit was reached.${quote}`;
    return { reason: REASONS.outOfMemory, exitCode, toldCode: 0, message };
  }
  if (exitCode === undefined) {
    const message = status?.message ?? 'The pod failed before a container ran.';
    return { reason: status?.reason ?? REASONS.taskFailed, message };
  }
  const unstarted = terminated && startError(terminated);
  if (unstarted) {
    return {
      reason: REASONS.startError,
      exitCode,
      message: `The container cannot be started: ${unstarted}.`,
    };
  }
  const message = `${exitWords(exitCode)}${quote}`;
  return { reason: REASONS.nonZeroExitCode, exitCode, toldCode: exitCode, message };
}

/**
 * What an execution says of the task that failed it (as the API does: `Task NAME-task0 failed with exit code: 1 and
 * message: The container exited with an error.`).
 */
export function failureMessage(execution: string, index: number, failure: Failure): string {
  const code = failure.toldCode === undefined ? '' : `exit code: ${failure.toldCode} and `;
  return `Task ${execution}-task${index} failed with ${code}message: ${failure.message}`;
}

/** An exit code above 128 stands for a signal (container contract, Exit codes): 137 is signal 9, SIGKILL. */
function exitWords(exitCode: number): string {
  const signal = signalOf(exitCode);
  return signal ? `The container terminated on ${signal}.` : 'The container exited with an error.';
}

function quoted(log: string | undefined): string {
  const said = lastLine(log);
  return said ? ` Its last log line: ${said}` : '';
}
