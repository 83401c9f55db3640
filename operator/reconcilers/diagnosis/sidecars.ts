import { podContainerName } from '../../apis/serving/container/names.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import type { Pod } from '../../kube/core.ts';
import { exitMessage, exitReason, type Problem } from './start.ts';

/** A task has its own deadline; its sidecars have as long as their probes say. */
const UNLIMITED = { startup: { limitSeconds: Number.POSITIVE_INFINITY, crashSeconds: 0 } };

/**
 * Why a pod's main container still waits: a container that goes before it ended instead of starting. The kubelet starts
 * that one again, for as long as the pod may live, and says nothing.
 */
export function sidecarProblem({ status }: Pod, containers: readonly Container[]): Problem | undefined {
  if (!status?.containerStatuses?.every(({ state }) => state?.waiting)) return undefined;
  for (const sidecar of status.initContainerStatuses ?? []) {
    const container = containers.find(({ name }) => podContainerName(name) === sidecar.name);
    const terminated = sidecar.state?.terminated ?? sidecar.lastState?.terminated;
    if (!container || !terminated || sidecar.started) continue;
    const input = { config: UNLIMITED, ingress: false };
    return {
      reason: exitReason(container, terminated, input),
      message: exitMessage(container, terminated, input),
    };
  }
  return undefined;
}
