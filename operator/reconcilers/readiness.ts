import { type Condition, conditionOf, READY } from '../apis/condition.ts';
import { errorMessage, type FieldError } from '../apis/fieldError.ts';
import {
  SERVICE_REASONS as REASONS,
  SERVICE_CONDITIONS as TYPES,
} from '../apis/serving/service/conditions.ts';
import type { Plan } from '../kube/plan.ts';
import type { KubeObject } from '../kube/types.ts';

// What is said on an object that people write, of the faults that it has and of how it becomes ready.

/** So long at most a status waits that tells no more than what is waited for: one write for a step, not one for each. */
const PASSING_MS = 500;

type Status = { conditions?: Condition[] } | undefined;

/** How long a status may wait to be written: only while nothing is decided, before it and by it. */
export function passingMs(before: Status, next: Status): number | undefined {
  const open = [before, next].every((status) => {
    const ready = conditionOf(status?.conditions, READY);
    return ready === undefined || ready.status === 'Unknown';
  });
  return open ? PASSING_MS : undefined;
}

/** What only Cloud Run forbids, and what nobody takes. */
export function partition(faults: FieldError[]): [FieldError[], FieldError[]] {
  return [faults.filter(({ strict }) => strict), faults.filter(({ strict }) => !strict)];
}

/** What runs here and what Cloud Run would refuse says so, as a warning that leaves Ready alone. */
export function portability(faults: FieldError[]): Condition[] {
  if (faults.length === 0) return [];
  return [
    {
      type: TYPES.cloudRunIncompatible,
      severity: 'Warning',
      status: 'True',
      reason: REASONS.invalidArgument,
      message: `Cloud Run would refuse this: ${errorMessage(faults)}`,
    },
  ];
}

/** What is told when an object becomes ready, or certainly is not: `conditions` are those that Ready depends on. */
export function readyEvents(
  { kind, metadata, status }: KubeObject & { status?: { conditions?: Condition[] } },
  conditions: Condition[],
): Plan['events'] {
  const before = conditionOf(status?.conditions, READY)?.status;
  const failed = conditions.find((condition) => condition.status === 'False');
  if (failed && before !== 'False') {
    return [{ type: 'Warning', reason: failed.reason ?? 'Failed', message: failed.message ?? '' }];
  }
  const ready = conditions.every((condition) => condition.status === 'True');
  if (!ready || before === 'True') return [];
  return [{ type: 'Normal', reason: `${kind}Ready`, message: `${kind} '${metadata.name}' became ready.` }];
}
