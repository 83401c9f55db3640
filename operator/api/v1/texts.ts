import type { TSchema } from 'typebox';
import { KINDS } from '../../apis/kinds.ts';
import { withLeaves } from '../../apis/leaves.ts';
import { TaskSpecSchema } from '../../apis/run/task/schema.ts';
import { INT64_PATTERN, QUANTITY_PATTERN } from '../../apis/schema.ts';
import type { KubeObject } from '../../kube/types.ts';
import { TASKS } from './kinds.ts';

/** The schemas of what the API v1 shows, by kind. */
const SPECS: ReadonlyMap<string, TSchema> = new Map([
  ...KINDS.map(({ kind, spec }) => [kind, spec] as const),
  [TASKS.kind, TaskSpecSchema],
]);

/** What may be a number in the cluster and is none in Google's JSON; a port is a number in both. */
const TEXTS: readonly (string | undefined)[] = [INT64_PATTERN, QUANTITY_PATTERN];

/**
 * An object whose 64-bit integers and quantities are texts, whichever form they are stored in (Protocol Buffers, JSON
 * mapping; Cloud Run Admin API v1, TaskSpec and ResourceRequirements): clients made from the discovery document read
 * nothing else. They may be written in either form, and the webhook keeps the stored one where both mean the same.
 * Pure.
 */
export function withTexts<T extends KubeObject>(object: T): T {
  const { kind, spec } = object as T & { spec?: unknown };
  const schema = SPECS.get(kind);
  if (!schema) return object;
  const shown = withLeaves(schema, spec, ({ pattern }, value) =>
    typeof value === 'number' && TEXTS.includes(pattern) ? String(value) : value,
  );
  return shown === spec ? object : { ...object, spec: shown };
}
