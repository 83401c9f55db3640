import { type Condition, READY } from '../../../apis/condition.ts';
import { messageOf } from '../registry.ts';
import { type Lens, valueAt } from './lens.ts';
import { derived } from './metadata.ts';
import type { Fields } from './value.ts';

const STATES = {
  True: 'CONDITION_SUCCEEDED',
  False: 'CONDITION_FAILED',
  Unknown: 'CONDITION_RECONCILING',
} as const;

const SEVERITIES: Readonly<Record<string, string>> = { Error: 'ERROR', Warning: 'WARNING', Info: 'INFO' };

/** The names of each enum of reasons, by the field of a condition that has it. */
const REASONS = new Map(
  ['reason', 'revisionReason', 'executionReason'].map((name) => {
    const values =
      messageOf('Condition').fields.find(({ jsonName }) => jsonName === name)?.enum?.values ?? [];
    return [name, new Set(values.map((value) => value.name))];
  }),
);

/** A condition as v2 has it; a reason that v2 has no name for is left to the message. */
export function conditionMessage({
  type,
  status,
  reason,
  message,
  severity,
  lastTransitionTime,
}: Condition): Fields {
  const shown: Fields = { type };
  const state = STATES[status];
  if (state) shown.state = state;
  if (message) shown.message = message;
  if (lastTransitionTime !== undefined) shown.lastTransitionTime = lastTransitionTime;
  const known = severity && SEVERITIES[severity];
  if (known) shown.severity = known;
  return reason ? Object.assign(shown, reasonField(reason)) : shown;
}

function reasonField(reason: string): Fields {
  const name = reason.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase();
  for (const [field, names] of REASONS) if (names.has(name)) return { [field]: name };
  return {};
}

/** All conditions of an object. */
export function conditionsOf(stored: unknown): Condition[] {
  return (valueAt(stored, ['status', 'conditions']) ?? []) as Condition[];
}

/** The conditions of a revision, an execution or a task. */
export const CONDITIONS: Lens = derived('conditions', (stored) => messages(conditionsOf(stored)));

/** Ready apart from the others, as services, jobs and worker pools have it. */
export const TERMINAL_CONDITIONS: readonly Lens[] = [
  derived('terminalCondition', terminalCondition),
  derived('conditions', (stored) => messages(conditionsOf(stored).filter(({ type }) => type !== READY))),
];

/** How the object stood before its last change is no outcome of that change. */
function terminalCondition(stored: unknown): Fields | undefined {
  const ready = conditionsOf(stored).find(({ type }) => type === READY);
  if (!ready) return undefined;
  return conditionMessage(isCurrent(stored) ? ready : { type: READY, status: 'Unknown' });
}

/** Whether the status is of the latest generation. */
function isCurrent(stored: unknown): boolean {
  return valueAt(stored, ['status', 'observedGeneration']) === valueAt(stored, ['metadata', 'generation']);
}

function messages(conditions: readonly Condition[]): Fields[] | undefined {
  return conditions.length > 0 ? conditions.map(conditionMessage) : undefined;
}

/**
 * Whether the controllers have settled what clients asked for: the status is of the latest generation, and the condition
 * is True or False.
 */
export function isSettled(stored: unknown, type: string): boolean {
  const condition = conditionsOf(stored).find((each) => each.type === type);
  return isCurrent(stored) && (condition?.status === 'True' || condition?.status === 'False');
}

/** `reconciling`, by the condition that says when a kind is done. */
export function reconciling(type: string): Lens {
  return derived('reconciling', (stored) => (isSettled(stored, type) ? undefined : true));
}
