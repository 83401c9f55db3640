import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import { type Evidence, livePods } from './evidence.ts';
import { FAILURE_RULES } from './failureRules.ts';
import { type Problem, SHORTEST_RECHECK_MS, waitedOut } from './problem.ts';

/** How often it is checked whether a missing service account is there, in milliseconds. */
const ACCOUNT_MS = 5000;

/** How soon it is checked again why no pods are made: the later the longer there are none. */
const RECHECK_MS = { shortest: 3000, longest: 30_000 };

/** When to look again for pods of a Job that has none, in milliseconds. */
export function recheckOfJob({ now, createdAt = now }: Pick<Evidence, 'createdAt' | 'now'>): number {
  return Math.min(Math.max((now - createdAt) / 10, RECHECK_MS.shortest), RECHECK_MS.longest);
}

/**
 * The cluster makes no pods: a quota, a policy, a service account that is missing. A quota may be free again any time; a
 * service account of tasks is waited for as long as a secret is.
 */
export function creation(evidence: Evidence): Problem | undefined {
  const { rejection, runs, pods, now, createdAt = now } = evidence;
  if (!rejection || (runs === 'job' && pods.length > 0)) return undefined;
  const { reason, message, retryAt } = rejection;
  const lacksAccount = reason === REASONS.serviceAccountMissing;
  if (runs === 'job') {
    if (lacksAccount) return waitedOut(rejection, FAILURE_RULES.account, createdAt, evidence);
    return { reason, message, final: false, recheckAfter: recheckOfJob(evidence) };
  }
  const retry = retryAt && Math.max(retryAt - now, SHORTEST_RECHECK_MS);
  return { reason, message, final: false, recheckAfter: lacksAccount ? ACCOUNT_MS : retry };
}

/** A revision that failed has its instances taken away; what made it fail counts until it is tried again. */
export function lastFailure(evidence: Evidence): Problem | undefined {
  const { lastFailure, retryAt, now } = evidence;
  if (!lastFailure || livePods(evidence).length > 0) return undefined;
  if (retryAt !== undefined && retryAt <= now) return undefined;
  const { reason = '', message = '' } = lastFailure;
  return { reason, message, final: true, recheckAfter: retryAt && retryAt - now };
}

/** No pods have been made yet. */
export function noPods(evidence: Evidence): Problem | undefined {
  const { runs, pods, idle, retryAt, now } = evidence;
  if (runs === 'job') return pods.length === 0 ? startingTasks(recheckOfJob(evidence)) : undefined;
  if (livePods(evidence).length > 0) return undefined;
  const recheckAfter = retryAt !== undefined && retryAt > now ? retryAt - now : undefined;
  if (!idle) return startingInstances(recheckAfter);
  const message = 'The worker pool assigns it no instances; it is verified when it gets some.';
  return { reason: REASONS.noInstances, message, final: false, recheckAfter };
}

/** Instances of which nothing is known but that they have not started. */
export function startingInstances(recheckAfter?: number): Problem {
  return { reason: REASONS.deploying, message: 'Instances are starting.', final: false, recheckAfter };
}

/** Tasks of which nothing is known but that they have not started. */
export function startingTasks(recheckAfter: number | undefined): Problem {
  return { reason: REASONS.deploying, message: 'Tasks are starting.', final: false, recheckAfter };
}
