import { isFalse } from '../../apis/condition.ts';
import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import { earliest } from '../duration.ts';
import type { Evidence } from './evidence.ts';
import { RETRIED, ruleOfRegistry } from './failureRules.ts';
import { type Problem, SHORTEST_RECHECK_MS, waitedOut } from './problem.ts';

/** An image whose digest is not known: nothing is made from a tag that may move. */
export function image(evidence: Evidence): Problem | undefined {
  const { digests, reported, retried, now, createdAt = now } = evidence;
  const [container, state] = [...(digests ?? [])].find(([, { state }]) => state !== 'resolved') ?? [];
  if (!state || state.state === 'resolved') return undefined;
  if (state.state === 'failed') {
    const { error, retryAt } = state;
    const message = `Container '${container}': ${error.message}${retried && retryAt !== undefined ? RETRIED : ''}`;
    const why = { reason: REASONS.containerMissing, message };
    const problem = waitedOut(why, ruleOfRegistry(error), createdAt, evidence);
    const retry = retryAt && Math.max(retryAt - now, SHORTEST_RECHECK_MS);
    return { ...problem, recheckAfter: earliest(problem.recheckAfter, retry) };
  }
  // While the registry is asked again, its last answer still counts.
  if (reported && (isFalse(reported) || reported.reason === REASONS.containerMissing)) {
    const { reason = REASONS.containerMissing, message = '' } = reported;
    return { reason, message, final: isFalse(reported) };
  }
  const message = `Asking the registry for the digest of the image of container '${container}'.`;
  return { reason: REASONS.resolvingDigests, message, final: false };
}
