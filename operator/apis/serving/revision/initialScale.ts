import type { KubeObject } from '../../../kube/types.ts';
import { AUTOSCALING } from '../../annotations/autoscaling.ts';
import { RUN } from '../../annotations/run.ts';
import { manualInstances } from '../service/manualScaling.ts';

/** Annotations that ask for instances before the first request. */
const MINIMA = [AUTOSCALING.minScale, AUTOSCALING.minScaleKebab, RUN.minScale];

/**
 * Whether a revision is to become ready without an instance that proves it: its initial scale is 0, and neither it nor
 * its service asks for instances otherwise (Knative Serving, Configuring scale bounds: initial scale; a minimum that is
 * higher than the initial scale holds).
 */
export function needsNoInstance(revision: KubeObject, service: KubeObject | undefined): boolean {
  if (numberOf(revision, AUTOSCALING.initialScale) !== 0) return false;
  const asked = [revision, service].flatMap((object) => MINIMA.map((key) => numberOf(object, key) ?? 0));
  return [...asked, manualInstances(service?.metadata.annotations) ?? 0].every((count) => count === 0);
}

/** The whole number that an annotation holds; undefined for anything else. */
function numberOf(object: KubeObject | undefined, key: string): number | undefined {
  const text = object?.metadata.annotations?.[key]?.trim();
  return text && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
