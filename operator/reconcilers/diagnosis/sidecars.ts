import { containerInPod } from '../../apis/serving/container/names.ts';
import type { Pod } from '../../kube/core.ts';
import type { Evidence } from './evidence.ts';
import { exitMessage, exitReason } from './exit.ts';
import type { Problem } from './problem.ts';

/** A task has its own deadline; its sidecars have as long as their probes say. */
const UNLIMITED = { startup: { limitSeconds: Number.POSITIVE_INFINITY, crashSeconds: 0 } };

/**
 * Why a task's main container still waits: a container that goes before it exited instead of starting. The kubelet
 * starts that one again, for as long as the pod may live, and reports nothing.
 */
export function sidecar({
  pod: { status },
  evidence: { containers },
}: {
  pod: Pod;
  evidence: Pick<Evidence, 'containers'>;
}): Problem | undefined {
  if (!status?.containerStatuses?.every(({ state }) => state?.waiting)) return undefined;
  for (const sidecar of status.initContainerStatuses ?? []) {
    const container = containerInPod(containers, sidecar.name);
    const terminated = sidecar.state?.terminated ?? sidecar.lastState?.terminated;
    if (!container || !terminated || sidecar.started) continue;
    const task = { config: UNLIMITED, runs: 'job' } as const;
    return {
      reason: exitReason(container, terminated, task),
      message: exitMessage(container, terminated, task),
      final: false,
    };
  }
  return undefined;
}
