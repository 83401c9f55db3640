import type { KubeObject } from '../../../kube/types.ts';
import { BOOKKEEPING } from '../../annotations/bookkeeping.ts';
import { cores } from '../../quantity.ts';
import { cpuByContainer } from './cpuByContainer.ts';

/** On a pod: container -> the CPU request that it gets back after each time that it was lowered, as JSON. */
export const IDLE_CPU_ANNOTATION = BOOKKEEPING.idleCpu;

/** What an idle instance requests: the least that can be requested. */
export const IDLE_CPU = '1m';

/** The least weight of a cgroup, as which the kubelet reports all requests up to it (kuberuntime, sharesToMilliCPU). */
const LEAST_CPU = '2m';

/** Whether a CPU request is as low as that of an idle instance; one that is not set is not. */
export function isLowered(cpu: string | number | undefined): boolean {
  return cpu !== undefined && cores(cpu) <= cores(LEAST_CPU);
}

/** Container -> its CPU request while there are requests, of a pod whose CPU request has ever been lowered. */
export function regularCpuRequests({ metadata }: KubeObject): Map<string, string> | undefined {
  const regular = cpuByContainer(metadata.annotations?.[IDLE_CPU_ANNOTATION]);
  // Others may have written what nobody could tell from a lowered request.
  return regular && new Map([...regular].filter(([, cpu]) => !isLowered(cpu)));
}
