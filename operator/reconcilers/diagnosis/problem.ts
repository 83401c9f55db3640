import type { Config } from '../../config.ts';
import type { FailureRule } from './failureRules.ts';

/** Why instances or tasks are not ready, as conditions say it. */
export interface Problem {
  reason: string;
  message: string;
  /** Whether it has been waited out. What is not final may pass by itself, and leaves conditions Unknown. */
  final: boolean;
  /** In how many milliseconds to look again though nothing changes; undefined where only a change can help. */
  recheckAfter?: number;
}

/** Whether one thing keeps something from being ready: a pure function of what was observed. */
export type Check<Evidence, Found extends Problem = Problem> = (evidence: Evidence) => Found | undefined;

/** What the first check finds that finds anything. */
export function firstProblem<Evidence, Found extends Problem>(
  checks: readonly Check<Evidence, Found>[],
  evidence: Evidence,
): Found | undefined {
  for (const check of checks) {
    const problem = check(evidence);
    if (problem) return problem;
  }
  return undefined;
}

/** The shortest time between two looks, in milliseconds. */
export const SHORTEST_RECHECK_MS = 1000;

/**
 * A problem that is reported at once, and final when its limit is over: a registry or a secret may be late.
 * @param since when the limit began, in milliseconds since 1970.
 */
export function waitedOut(
  { reason, message }: Pick<Problem, 'reason' | 'message'>,
  { limit }: Pick<FailureRule, 'limit'>,
  since: number,
  { config, now }: { config: Pick<Config, 'startup'>; now: number },
): Problem {
  const left = since + config.startup[limit] * 1000 - now;
  if (left <= 0) return { reason, message, final: true };
  return { reason, message, final: false, recheckAfter: Math.max(left, SHORTEST_RECHECK_MS) };
}
