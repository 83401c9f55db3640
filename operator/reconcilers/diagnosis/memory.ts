import type { Condition } from '../../apis/condition.ts';
import { bytes } from '../../apis/quantity.ts';
import { podContainerName } from '../../apis/serving/container/names.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import {
  REVISION_REASONS as REASONS,
  REVISION_CONDITIONS as TYPES,
} from '../../apis/serving/revision/conditions.ts';
import type { Pod } from '../../kube/core.ts';
import { type ContainerStatus, statusesOf } from './evidence.ts';
import type { Problem } from './problem.ts';

/** An instance, or one of its containers, was ended because it took more memory than its limit. */
export interface MemoryKill {
  /** Identifies it. */
  id: string;
  /** `memory`: the kernel stopped a container; `files`: the node ended the instance for what it had written. */
  what: 'memory' | 'files';
  container?: string;
  /** The message of the node. */
  message?: string;
  /** When, in ms since 1970; the kubelet reports it to the second. */
  at: number;
}

const MIB = 2 ** 20;

/** An eviction for what the instance itself wrote, and not because its node had no room left. */
export const LIMIT_EXCEEDED = /exceed(s|ed) .*limit/i;

/** A container that ran for so long is started again at once (Kubernetes, Container restart policy). */
const FORGIVEN_MS = 600_000;

/** A pod this young is left to the kubelet, so that a program which always takes too much makes no stream of pods. */
const YOUNG_MS = 60_000;

/**
 * Whether an instance only waits because the kubelet puts off to start a container again that took too much memory,
 * for up to five minutes. Its time is over, and another one can be there in a second (container contract, Forced
 * termination: the instance ends).
 */
export function isSpent(pod: Pod, now: number): boolean {
  const ageMs = now - Date.parse(pod.metadata.creationTimestamp ?? '');
  return ageMs >= YOUNG_MS && statusesOf(pod).some(isPutOff);
}

/** The kubelet reports that it waits only seconds after it began to; a container that ended once before will have to. */
function isPutOff({ state, lastState, restartCount = 0 }: ContainerStatus): boolean {
  if (state?.waiting?.reason === 'CrashLoopBackOff') return lastState?.terminated?.reason === 'OOMKilled';
  const { reason, startedAt = '', finishedAt = '' } = state?.terminated ?? {};
  const ranMs = Date.parse(finishedAt) - Date.parse(startedAt);
  return reason === 'OOMKilled' && restartCount > 0 && ranMs < FORGIVEN_MS;
}

/**
 * The kills that can be seen of a pod, at most one for each container: the kubelet keeps the last end of each.
 * @param eviction the message of the node's Event, where the pod's status does not repeat it.
 */
export function memoryKills(pod: Pod, eviction?: string): MemoryKill[] {
  const { reason, message } = pod.status ?? {};
  const uid = pod.metadata.uid ?? '';
  const stopped = statusesOf(pod).flatMap(({ name, state, lastState }): MemoryKill[] => {
    const terminated = state?.terminated ?? lastState?.terminated;
    if (terminated?.reason !== 'OOMKilled') return [];
    const { finishedAt = '' } = terminated;
    return [
      { id: `${uid}/${name}/${finishedAt}`, what: 'memory', container: name, at: Date.parse(finishedAt) },
    ];
  });
  const evicted = eviction ?? (reason === 'Evicted' ? message : undefined);
  if (!evicted || !LIMIT_EXCEEDED.test(evicted)) return stopped;
  return [...stopped, { id: `${uid}/files`, what: 'files', message: evicted.trim(), at: endOf(pod) }];
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
  { what, container, message }: Pick<MemoryKill, 'what' | 'container' | 'message'>,
  containers: readonly Container[],
): string {
  const concerned = containers.filter(
    ({ name }) => container === undefined || podContainerName(name) === container,
  );
  const limit = limitOf(concerned);
  if (what === 'memory') {
    return `Memory limit of ${limit} exceeded: container '${concerned[0]?.name ?? container}' was stopped. Raise its resources.limits.memory, or reduce its memory use.`;
  }
  return (
    `Memory limit of ${limit} exceeded by files: an instance was ended (${message}) ` +
    'Files count as memory: write less, write to an in-memory volume with a sizeLimit, or raise resources.limits.memory.'
  );
}

function limitOf(containers: readonly Container[]): string {
  const total = containers.reduce((sum, { resources }) => sum + bytes(resources?.limits?.memory ?? 0), 0);
  return `${Math.floor(total / MIB)} MiB`;
}

/** The latest kill that can still be seen; it may not happen again. */
export function memoryProblem(
  kills: readonly MemoryKill[],
  containers: readonly Container[],
): Problem | undefined {
  const last = kills.toSorted((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1))[0];
  return last && { reason: REASONS.outOfMemory, message: memoryMessage(last, containers), final: false };
}

/**
 * The condition that reports it for as long as it can be seen. Of severity Warning, it leaves Ready alone: a revision
 * that has been ready stays so (container contract, Forced termination).
 */
export function memoryConditions(
  kills: readonly MemoryKill[],
  containers: readonly Container[],
): Condition[] {
  const problem = memoryProblem(kills, containers);
  if (!problem) return [];
  const { reason, message } = problem;
  return [{ type: TYPES.memorySufficient, severity: 'Warning', status: 'False', reason, message }];
}
