import type { Container } from '../../apis/serving/container/types.ts';
import { takenAt } from '../../kube/pod.ts';
import { EXIT } from '../../source/exit.ts';
import { SOURCE_CONTAINER } from '../pod/source.ts';
import type { PodEvidence, Terminated, Waiting } from './evidence.ts';
import { FAILURE_RULES, ruleOf } from './failureRules.ts';
import { type Problem, waitedOut } from './problem.ts';

/** What keeps the source of an instance from being unpacked; the containers of the program wait for that. */
export function source({ pod, evidence }: PodEvidence): Problem | undefined {
  const status = pod.status?.initContainerStatuses?.find(({ name }) => name === SOURCE_CONTAINER);
  const { state, lastState, image = '' } = status ?? {};
  const terminated = state?.terminated ?? lastState?.terminated;
  if (terminated && terminated.exitCode !== 0) {
    const rule =
      terminated.exitCode === EXIT.refused ? FAILURE_RULES.sourceRefused : FAILURE_RULES.sourceUnavailable;
    const why = { reason: rule.conditionReason, message: wordsOf(terminated) };
    return waitedOut(why, rule, takenAt(pod), evidence);
  }
  return state?.waiting && notStarted({ name: SOURCE_CONTAINER, image }, state.waiting, { pod, evidence });
}

function notStarted(
  { image }: Pick<Container, 'name' | 'image'>,
  waiting: Waiting,
  { pod, evidence }: PodEvidence,
): Problem | undefined {
  if (!ruleOf(waiting)) return undefined;
  const { reason = '', message = reason } = waiting;
  const why = {
    reason: FAILURE_RULES.sourceUnavailable.conditionReason,
    message: `The source cannot be unpacked, because Homerun's own image '${image}' does not start: ${message}`,
  };
  return waitedOut(why, FAILURE_RULES.sourceUnavailable, takenAt(pod), evidence);
}

function wordsOf({ message, exitCode, reason }: Terminated): string {
  const line = message?.trimEnd().split('\n').at(-1)?.trim();
  if (line) return line;
  const how = reason === 'OOMKilled' ? 'it ran out of memory' : `it exited with code ${exitCode}`;
  return `The source was not unpacked: ${how}.`;
}
