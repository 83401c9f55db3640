import { type Condition, conditionOf, READY } from '../apis/condition.ts';
import { errorMessage, type FieldError } from '../apis/fieldError.ts';
import {
  SERVICE_REASONS as REASONS,
  SERVICE_CONDITIONS as TYPES,
} from '../apis/serving/service/conditions.ts';
import type { Plan } from '../kube/plan.ts';
import type { KubeObject } from '../kube/types.ts';

// The conditions and Events of an object that people write: the errors that it has, and how it becomes ready.

/** How long a status waits at most that says only what is waited for: several steps become one write. */
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

/** The errors that only Cloud Run reports, and those that hold here too. */
export function partition(errors: FieldError[]): [FieldError[], FieldError[]] {
  return [errors.filter(({ strict }) => strict), errors.filter(({ strict }) => !strict)];
}

/** A warning that leaves Ready alone, on an object that runs here and that Cloud Run would refuse. */
export function portability(errors: FieldError[]): Condition[] {
  if (errors.length === 0) return [];
  return [
    {
      type: TYPES.cloudRunIncompatible,
      severity: 'Warning',
      status: 'True',
      reason: REASONS.invalidArgument,
      message: `Cloud Run would reject this: ${errorMessage(errors)}`,
    },
  ];
}

/** The Events when an object becomes ready, or certainly is not: `conditions` are those that Ready depends on. */
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
