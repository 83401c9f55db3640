import { RUN } from '../apis/annotations/run.ts';
import { parseFlag } from '../apis/annotations/values.ts';
import { cores } from '../apis/quantity.ts';
import { boostEnd, regularLimits } from '../apis/serving/revision/boost.ts';
import { IDLE_CPU, IDLE_CPU_ANNOTATION, isLowered } from '../apis/serving/revision/idleCpu.ts';
import type { Revision } from '../apis/serving/revision/types.ts';
import type { Deployment, Pod } from '../kube/core.ts';
import { readyCondition } from '../kube/pod.ts';
import { type PodContainer, type Resize, type ResizedCpu, resizeOf } from '../kube/resize.ts';
import { isThere } from './instances.ts';

// An instance with request-based billing has CPU only while it has requests (container contract, CPU allocation). Here it
// keeps its limit and may use what the node has left over; what is given back while it is idle is its request: the part
// of the node that the scheduler holds for it, and its weight beside others.

/** An instance is idle when it has been ready, and its revision without a request, for so long. */
const IDLE_MS = 60_000;

/** Whether a revision's instances keep their CPU request: while it is unknown, they stay as they are. */
export type Use = 'used' | 'idle' | 'unknown';

/** What a revision's use is told from; times are those of the autoscaler's clock, in ms. */
export interface UseInput {
  /** Whether the CPU request of its instances is to be lowered at all. */
  readonly lowers: boolean;
  /** When a request of it was last seen by this process. */
  readonly requestAt: number | undefined;
  /** The last activity that counts for the idle time; the start of this process if that is later. */
  readonly lastActivityAt: number;
  /** Every gateway has answered. */
  readonly complete: boolean;
}

/** Without the CPU between requests: `cpu-throttling` is not false (API reference, cpu-throttling). */
export function isThrottled({ metadata }: Revision): boolean {
  return parseFlag(metadata.annotations?.[RUN.cpuThrottling]) !== false;
}

/** A new controller restores nothing by its start alone: only a request that was seen counts as use. */
export function useOf({ lowers, requestAt, lastActivityAt, complete }: UseInput, now: number): Use {
  if (requestAt !== undefined && now - requestAt < IDLE_MS) return 'used';
  return lowers && complete && now - lastActivityAt >= IDLE_MS ? 'idle' : 'unknown';
}

/** What to write for an instance, in this order. */
export interface IdleCpuPlan {
  /** The annotation by which gateways see that the CPU request is lowered, and restore it; unset where it is there. */
  readonly annotation?: string;
  readonly resize?: Resize;
}

/**
 * The change of an instance's CPU request, undefined if there is none: the least while idle, and what the Deployment's
 * template says while used. It leaves alone what another client has set, an instance that still has its startup CPU boost,
 * and one of the class Guaranteed, which a resize may not change.
 */
export function planIdleCpu(
  pod: Pod,
  deployment: Deployment,
  use: 'used' | 'idle',
  now: number,
): IdleCpuPlan | undefined {
  if (!isThere(pod) || pod.status?.qosClass === 'Guaranteed') return undefined;
  if (use === 'idle' && !isSettled(pod, now)) return undefined;
  const regular = changeable(pod, regularRequests(deployment));
  const resize = resizeOf(pod, (container) => changed(container, regular.get(container.name), use));
  const annotation = use === 'idle' && regular.size > 0 ? missingAnnotation(pod, regular) : undefined;
  if (!resize && annotation === undefined) return undefined;
  return { ...(annotation === undefined ? {} : { annotation }), ...(resize ? { resize } : {}) };
}

function changed(
  { resources }: PodContainer,
  regular: string | undefined,
  use: 'used' | 'idle',
): ResizedCpu | undefined {
  const cpu = use === 'idle' ? IDLE_CPU : regular;
  if (cpu === undefined || regular === undefined) return undefined;
  return cores(resources?.requests?.cpu ?? cpu) === cores(cpu) ? undefined : { requests: { cpu } };
}

/** Container -> its regular CPU request, of those that request either that or as little as an idle instance. */
function changeable({ spec }: Pod, templates: ReadonlyMap<string, string>): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, resources } of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    const requested = resources?.requests?.cpu;
    const template = templates.get(name);
    if (requested === undefined || template === undefined) continue;
    const limit = resources?.limits?.cpu ?? template;
    // The end of a boost lowers the limit, and with it a request that was as high.
    const regular = String(cores(limit) < cores(template) ? limit : template);
    const isOurs = cores(requested) === cores(regular) || cores(requested) === cores(IDLE_CPU);
    // Less than the kubelet can tell from an idle instance's is not worth lowering.
    if (isOurs && !isLowered(regular)) found.set(name, regular);
  }
  return found;
}

function missingAnnotation({ metadata }: Pod, regular: ReadonlyMap<string, string>): string | undefined {
  const wanted = JSON.stringify(Object.fromEntries(regular));
  return metadata.annotations?.[IDLE_CPU_ANNOTATION] === wanted ? undefined : wanted;
}

/** Whether an instance has been ready for long enough, and its startup CPU boost is over. */
function isSettled(pod: Pod, now: number): boolean {
  const ready = readyCondition(pod);
  if (!ready) return false;
  const since = boostEnd(pod, Date.parse(ready.lastTransitionTime ?? ''));
  const limits = regularLimits(pod);
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const boosted = [...containers, ...initContainers].some(({ name, resources }) => {
    const regular = limits?.get(name);
    return regular !== undefined && cores(resources?.limits?.cpu ?? 0) > cores(regular);
  });
  return !boosted && now - since >= IDLE_MS;
}

function regularRequests({ spec }: Deployment): Map<string, string> {
  const { containers = [], initContainers = [] } = spec?.template.spec ?? {};
  const requests = new Map<string, string>();
  // Of init containers, only those that go on beside the others can be resized.
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const { name, resources } of [...containers, ...sidecars]) {
    // Kubernetes requests as much as the limit where nothing is requested.
    const cpu = resources?.requests?.cpu ?? resources?.limits?.cpu;
    if (cpu !== undefined) requests.set(name, String(cpu));
  }
  return requests;
}
