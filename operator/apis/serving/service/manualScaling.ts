import { RUN } from '../../annotations/run.ts';

/**
 * The number of instances that a person has set for all revisions of a service; undefined while scaling is automatic or
 * no valid number is set (Cloud Run, Manual scaling). A Route carries its Service's annotations, so either may be asked.
 */
export function manualInstances(annotations: Record<string, string> | undefined): number | undefined {
  if (annotations?.[RUN.scalingMode]?.toLowerCase() !== 'manual') return undefined;
  const text = annotations[RUN.manualInstanceCount]?.trim();
  return text && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
