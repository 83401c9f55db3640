import type { KubeObject } from '../../../kube/types.ts';
import { BOOKKEEPING } from '../../annotations/bookkeeping.ts';

/** On a pod that was made with more CPU: container -> the CPU limit that it is to have later, as JSON. */
export const BOOST_ANNOTATION = BOOKKEEPING.startupCpuBoost;

/** How long the boost goes on after an instance has started (Cloud Run, Startup CPU boost). */
const AFTER_START_MS = 10_000;

/** Whether a pod was made with more CPU than it is to keep. */
export function isBoosted({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[BOOST_ANNOTATION] !== undefined;
}

/** When the boost of a pod that is ready ends, in ms since 1970; of any other pod it ends with its start. */
export function boostEnd(pod: KubeObject, readySince: number): number {
  return isBoosted(pod) ? readySince + AFTER_START_MS : readySince;
}
