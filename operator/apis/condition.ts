import { timestamp } from '../kube/time.ts';

/** State of one aspect of an object (Kubernetes API conventions; Cloud Run API v1, GoogleCloudRunV1Condition). */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** Why, as a CamelCase identifier for programs. */
  reason?: string;
  /** Why, as a sentence for people that says what to do. */
  message?: string;
  /** Missing and empty mean Error; Warning and Info do not affect Ready. */
  severity?: '' | 'Error' | 'Warning' | 'Info';
  /** RFC 3339; when the status last changed. */
  lastTransitionTime?: string;
}

/** Type of the condition that summarizes the others. */
export const READY = 'Ready';

/** The condition of a type, if the object has it. */
export function conditionOf(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether a condition is present and True. */
export function isTrue(condition: Condition | undefined): boolean {
  return condition?.status === 'True';
}

/** Whether a condition is present and False. */
export function isFalse(condition: Condition | undefined): boolean {
  return condition?.status === 'False';
}

/**
 * Ready, from the conditions that it depends on: False if one is False, else Unknown if one is Unknown, else True.
 * Reason and message are those of the first such condition, in the order given. Conditions of severity Warning and Info
 * do not count (Knative API, Conditions).
 */
export function readyOf(conditions: readonly Condition[]): Condition {
  const counted = conditions.filter(({ severity }) => !severity || severity === 'Error');
  const decisive = counted.find(isFalse) ?? counted.find(({ status }) => status === 'Unknown');
  if (!decisive) return { type: READY, status: 'True' };
  const { status, reason, message } = decisive;
  return compact({ type: READY, status, reason, message });
}

/**
 * The conditions to write: `next`, Ready first and the others by type, each with the time at which its status
 * last changed. A status that stays keeps its time, so that writing the same state twice changes nothing.
 * @param now milliseconds since the epoch.
 */
export function mergeConditions(
  previous: readonly Condition[] | undefined,
  next: readonly Condition[],
  now: number,
): Condition[] {
  return next
    .map((condition) => {
      const before = conditionOf(previous, condition.type);
      const kept = before?.status === condition.status ? before.lastTransitionTime : undefined;
      return compact({ ...condition, lastTransitionTime: kept ?? timestamp(now) });
    })
    .sort(byType);
}

function byType(a: Condition, b: Condition): number {
  if (a.type === b.type) return 0;
  if (a.type === READY || b.type === READY) return a.type === READY ? -1 : 1;
  return a.type < b.type ? -1 : 1;
}

function compact(condition: Condition): Condition {
  const entries = Object.entries(condition).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(entries) as unknown as Condition;
}
