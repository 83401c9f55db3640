import type { Condition } from '../../apis/condition.ts';
import { bytes } from '../../apis/quantity.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import {
  REVISION_REASONS as REASONS,
  REVISION_CONDITIONS as TYPES,
} from '../../apis/serving/revision/conditions.ts';
import type { Pod } from '../../kube/core.ts';

/** An end that an instance, or one of its containers, found because it took more memory than it may. */
export interface MemoryKill {
  /** Tells it from every other one. */
  id: string;
  /** `memory`: the kernel stopped a container; `files`: the node ended the instance for what it had written. */
  what: 'memory' | 'files';
  container?: string;
  /** What the node said of it. */
  said?: string;
  /** When, in ms since 1970; the kubelet tells it to the second. */
  at: number;
}

const MIB = 2 ** 20;

/** An eviction for what the instance itself wrote, and not because its node had no room left. */
export const OWN_LIMIT = /exceed(s|ed) .*limit/i;

/** Whether a pod has come to its end: none of its containers is ever started again. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}

/**
 * The kills that can be seen of a pod, at most one for each container: the kubelet keeps the last end of each.
 * @param eviction what the node said when it ended the pod, where the pod's status does not repeat it.
 */
export function memoryKills(pod: Pod, eviction?: string): MemoryKill[] {
  const { initContainerStatuses = [], containerStatuses = [], reason, message } = pod.status ?? {};
  const uid = pod.metadata.uid ?? '';
  const stopped = [...initContainerStatuses, ...containerStatuses].flatMap(
    ({ name, state, lastState }): MemoryKill[] => {
      const terminated = state?.terminated ?? lastState?.terminated;
      if (terminated?.reason !== 'OOMKilled') return [];
      const { finishedAt = '' } = terminated;
      return [
        { id: `${uid}/${name}/${finishedAt}`, what: 'memory', container: name, at: Date.parse(finishedAt) },
      ];
    },
  );
  const said = eviction ?? (reason === 'Evicted' ? message : undefined);
  if (!said || !OWN_LIMIT.test(said)) return stopped;
  return [...stopped, { id: `${uid}/files`, what: 'files', said: said.trim(), at: endOf(pod) }];
}

/** When the last container of a pod ended. */
function endOf({ metadata, status }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) =>
    Date.parse(state?.terminated?.finishedAt ?? ''),
  );
  const known = ends.filter((end) => !Number.isNaN(end));
  return known.length > 0 ? Math.max(...known) : Date.parse(metadata.creationTimestamp ?? '');
}

/** What a person reads of it: the limit, as Cloud Run says it, and what to do. */
export function memoryMessage(
  { what, container, said }: Pick<MemoryKill, 'what' | 'container' | 'said'>,
  containers: readonly Container[],
): string {
  const concerned = containers.filter(({ name }) => container === undefined || name === container);
  const limit = limitOf(concerned);
  if (what === 'memory') {
    return `Memory limit of ${limit} exceeded: container '${container}' was stopped. Raise its resources.limits.memory, or let it use less.`;
  }
  return (
    `Memory limit of ${limit} exceeded by files: an instance was ended (${said}) ` +
    'Files count as memory: write less, write to an in-memory volume with a sizeLimit, or raise resources.limits.memory.'
  );
}

function limitOf(containers: readonly Container[]): string {
  const total = containers.reduce((sum, { resources }) => sum + bytes(resources?.limits?.memory ?? 0), 0);
  return `${Math.floor(total / MIB)} MiB`;
}

/**
 * The condition that says so for as long as it can be seen. Of severity Warning, it leaves Ready alone: a revision
 * that has been ready stays so (container contract, Forced termination).
 */
export function memoryConditions(
  kills: readonly MemoryKill[],
  containers: readonly Container[],
): Condition[] {
  const last = kills.toSorted((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1))[0];
  if (!last) return [];
  return [
    {
      type: TYPES.memorySufficient,
      severity: 'Warning',
      status: 'False',
      reason: REASONS.outOfMemory,
      message: memoryMessage(last, containers),
    },
  ];
}
