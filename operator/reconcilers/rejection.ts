import { type Condition, conditionOf, isTrue, mergeConditions } from '../apis/condition.ts';
import type { Rejection } from '../kube/plan.ts';
import type { KubeObject } from '../kube/types.ts';

type Conditioned = KubeObject & { status?: { conditions?: Condition[] } };

/** What the cluster rejected, and for which object. */
export interface RejectionInput {
  /** The object as it is. */
  subject: Conditioned;
  /** The object as it would be if nothing had been rejected; the subject itself where that would promise too much. */
  planned: Conditioned;
  rejection: Rejection;
  now: number;
}

/**
 * The planned object with conditions that say that the cluster rejects something which it needs: a quota, a policy, a
 * missing right.
 * @param types the conditions that say so.
 * @param status Unknown where it may be granted any time and clients wait for the end.
 */
export function withRejection(
  { subject, planned, rejection, now }: RejectionInput,
  types: readonly string[],
  status: 'False' | 'Unknown' = 'False',
): KubeObject {
  const others = planned.status?.conditions?.filter(({ type }) => !types.includes(type)) ?? [];
  const rejected = types.map((type): Condition => ({ type, status, ...rejection }));
  // Against what is there, not what was planned: the same rejection must not change the time of a condition.
  const conditions = mergeConditions(subject.status?.conditions, [...others, ...rejected], now);
  const { generation } = subject.metadata;
  return {
    ...planned,
    status: { ...planned.status, observedGeneration: generation, conditions },
  } as KubeObject;
}

/** Those of the conditions that do not hold yet. */
export function pending({ status }: Conditioned, types: readonly string[]): string[] {
  return types.filter((type) => !isTrue(conditionOf(status?.conditions, type)));
}
