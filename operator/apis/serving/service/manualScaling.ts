// Gateways load this module, so it imports one group of annotations and not all of them.
import { SCALING } from '../../annotations/run/scaling.ts';

/**
 * The manual number of instances of all revisions of a service; undefined while scaling is automatic or no valid number
 * is set (Cloud Run, Manual scaling). A Route has its Service's annotations, so either may be passed.
 */
export function manualInstances(annotations: Record<string, string> | undefined): number | undefined {
  if (annotations?.[SCALING.scalingMode.key]?.toLowerCase() !== 'manual') return undefined;
  const text = annotations[SCALING.manualInstanceCount.key]?.trim();
  return text && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
