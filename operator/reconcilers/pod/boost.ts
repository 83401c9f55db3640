import { RUN } from '../../apis/annotations/run.ts';
import { parseFlag } from '../../apis/annotations/values.ts';
import { canonicalQuantity, cores } from '../../apis/quantity.ts';
import { BOOST_ANNOTATION } from '../../apis/serving/revision/boost.ts';

// More CPU while an instance starts (annotation startup-cpu-boost). An instance is made with the boosted limit, so
// that it has it from its first moment and its start costs no call to the API server; once it has started, its limit
// is lowered in place. The template stays as it is: nothing rolls, and the next instance starts boosted again.

/** CPU limit -> CPU while starting (Cloud Run, Startup CPU boost); what has more already stays as it is. */
const STEPS = [
  { limit: 1, boosted: '2' },
  { limit: 2, boosted: '4' },
  { limit: 8, boosted: '8' },
] as const;

/** The CPU limit while starting. */
export function boostedCpu(limit: string): string {
  return STEPS.find((step) => cores(limit) <= step.limit)?.boosted ?? limit;
}

/** Whether a revision asks for it; without the annotation it does not (API reference, startup-cpu-boost). */
export function asksForBoost(annotations: Record<string, string> | undefined): boolean {
  return parseFlag(annotations?.[RUN.startupCpuBoost]) === true;
}

/** What the pods' annotation says of their containers. */
export function boostAnnotation(
  limits: Iterable<readonly [container: string, cpu: string]>,
): Record<string, string> {
  const later = [...limits].filter(([, cpu]) => boostedCpu(cpu) !== cpu);
  const written = later.map(([name, cpu]) => [name, canonicalQuantity(cpu)]);
  return later.length > 0 ? { [BOOST_ANNOTATION]: JSON.stringify(Object.fromEntries(written)) } : {};
}
