import { type Annotation, type EffectKind, effectOn } from './annotation.ts';
import { AUTOSCALING_ANNOTATIONS } from './autoscaling.ts';
import { HOMERUN_ANNOTATIONS } from './homerun.ts';
import { RUN_ANNOTATIONS } from './run.ts';
import { SERVING_ANNOTATIONS } from './serving.ts';

const ROWS: readonly Annotation[] = [
  AUTOSCALING_ANNOTATIONS,
  RUN_ANNOTATIONS,
  SERVING_ANNOTATIONS,
  HOMERUN_ANNOTATIONS,
].flatMap((group) => Object.values<Annotation>(group));

/** Every annotation that Homerun knows, by key. Admission, inheritance and docs/contract.md follow from it. */
export const ANNOTATIONS: ReadonlyMap<string, Annotation> = new Map(ROWS.map((row) => [row.key, row]));

/** Keys that Cloud Run and Homerun both honour on such a holder, for the description of its annotations. */
export function honouredOn(holder: 'revision' | 'executionTemplate'): string {
  const isHonoured = (row: Annotation, kind: EffectKind) => effectOn(row, kind).outcome === 'honoured';
  const kind = holder === 'revision' ? 'Service' : 'Job';
  return ROWS.filter((row) => row.on.includes(holder) && isHonoured(row, kind))
    .map((row) =>
      kind === 'Service' && !isHonoured(row, 'WorkerPool') ? `${row.key} (services only)` : row.key,
    )
    .join(', ');
}

/** Keys that such an object does not take over from its parent. */
export function notInheritedBy(heir: 'child' | 'execution'): ReadonlySet<string> {
  return new Set(ROWS.filter((row) => row.notInheritedBy?.includes(heir)).map(({ key }) => key));
}
