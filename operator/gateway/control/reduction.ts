import { isLowered, regularCpuRequests } from '../../apis/serving/revision/idleCpu.ts';
import type { Pod } from '../../kube/core.ts';
import { containerStatuses } from '../../kube/pod.ts';
import { type Resize, resizeOf } from '../../kube/resize.ts';

/** An instance is without the CPU that it requests while there are requests. */
export interface Reduction {
  /** What gives it back; unset once that has been asked for, and until the kubelet has done it. */
  readonly resize?: Resize;
}

/**
 * What a pod's CPU request lacks; undefined when it is as it should be. The specification says what has been asked for, the
 * status what the kubelet has done (Kubernetes, Resize CPU and Memory Resources assigned to Containers). A kubelet that
 * reports no resources is taken at what has been asked for.
 */
export function reductionOf(pod: Pod): Reduction | undefined {
  const regular = regularCpuRequests(pod);
  if (!regular) return undefined;
  const resize = resizeOf(pod, ({ name, resources }) => {
    const cpu = regular.get(name);
    return cpu !== undefined && isLowered(resources?.requests?.cpu) ? { requests: { cpu } } : undefined;
  });
  if (resize) return { resize };
  const isPending = containerStatuses(pod).some(
    ({ name, resources }) => regular.has(name) && isLowered(resources?.requests?.cpu),
  );
  return isPending ? {} : undefined;
}

/**
 * Whether the kubelet may still be following a change of a pod's resources: until then its status may show what was before
 * (Kubernetes, Pod resize status). Kubelets before 1.34 do not say what they have observed.
 */
export function isResizing({ metadata: { generation = 0 }, status }: Pod): boolean {
  const { observedGeneration = generation, conditions = [] } = status ?? {};
  return (
    observedGeneration < generation ||
    conditions.some(({ type, status }) => RESIZING.includes(type) && status === 'True')
  );
}

const RESIZING: readonly string[] = ['PodResizePending', 'PodResizeInProgress'];
