import type { KubeObject } from '../../../kube/types.ts';
import { AUTOSCALING } from '../../annotations/autoscaling.ts';
import { RUN } from '../../annotations/run.ts';
import { manualInstances } from '../service/manualScaling.ts';

/** Annotations for a minimum number of instances. */
const MINIMA = [AUTOSCALING.minScale, AUTOSCALING.minScaleKebab, RUN.minScale];

/**
 * Whether a revision becomes ready without starting an instance: its initial scale is 0, and neither the revision nor its
 * service sets a minimum (Knative Serving, Configuring scale bounds: initial scale; a higher minimum takes precedence).
 */
export function needsNoInstance(revision: KubeObject, service: KubeObject | undefined): boolean {
  if (numberOf(revision, AUTOSCALING.initialScale) !== 0) return false;
  const asked = [revision, service].flatMap((object) => MINIMA.map((key) => numberOf(object, key) ?? 0));
  return [...asked, manualInstances(service?.metadata.annotations) ?? 0].every((count) => count === 0);
}

/** The whole number in an annotation; undefined when it is unset or not a whole number. */
function numberOf(object: KubeObject | undefined, key: string): number | undefined {
  const text = object?.metadata.annotations?.[key]?.trim();
  return text && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
