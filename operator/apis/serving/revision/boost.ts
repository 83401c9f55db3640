import type { KubeObject } from '../../../kube/types.ts';
import { BOOKKEEPING } from '../../annotations/bookkeeping.ts';
import { cpuByContainer } from './cpuByContainer.ts';

/** On a pod created with boosted CPU: container -> its regular CPU limit, as JSON. */
export const BOOST_ANNOTATION = BOOKKEEPING.startupCpuBoost;

/** Duration of the boost after an instance has started (Cloud Run, Startup CPU boost). */
const AFTER_START_MS = 10_000;

/** Whether a pod was created with boosted CPU. */
export function isBoosted({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[BOOST_ANNOTATION] !== undefined;
}

/** When the boost of a ready pod ends, in ms since the epoch; `readySince` for a pod without boost. */
export function boostEnd(pod: KubeObject, readySince: number): number {
  return isBoosted(pod) ? readySince + AFTER_START_MS : readySince;
}

/** Container -> its regular CPU limit, of a pod created with boosted CPU. */
export function regularLimits({ metadata }: KubeObject): Map<string, string> | undefined {
  return cpuByContainer(metadata.annotations?.[BOOST_ANNOTATION]);
}
