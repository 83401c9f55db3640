import type { Pod } from '../../kube/core.ts';
import { hasEnded, readyCondition } from '../../kube/pod.ts';
import type { GatewayPod } from './members.ts';

/** Names of the ports of a gateway's container, as the chart has them. */
const ADMIN_PORT = 'admin';
const GATEWAY_PORT = 'gateway';

/** So long after its container a process begins at the latest. */
const START_MS = 10_000;

/** Where another gateway is reached. */
export interface GatewayAddress {
  pod: string;
  host: string;
  /** Of declarations. */
  adminPort: number;
  /** Of forwarded requests. */
  gatewayPort: number;
}

/** What ownership needs to know of a gateway's pod. */
export function compileGatewayPod(pod: Pod): GatewayPod {
  const { uid = '', deletionTimestamp } = pod.metadata;
  const statuses = pod.status?.containerStatuses ?? [];
  const ends = statuses.flatMap(({ state, lastState }) => [state?.terminated, lastState?.terminated]);
  const times = ends.map((end) => Date.parse(end?.finishedAt ?? '')).filter(Number.isFinite);
  const running = statuses.some(({ state }) => state?.running || state?.terminated);
  return {
    id: uid,
    started: running || times.length > 0 || statuses.some(({ restartCount }) => (restartCount ?? 0) > 0),
    ready: readyCondition(pod) !== undefined,
    leaving: deletionTimestamp !== undefined,
    endedAt: Math.max(0, ...times),
    ended: hasEnded(pod),
  };
}

/**
 * The life that a gateway's process begins (Declaration): the time of its start, in Unix time in ms. A process that began
 * before another one of its pod did, or ended, has ended for the others. Where the clock has been set back since that one, this
 * one is later than all that is known of its pod.
 */
export function lifeOf({ status }: Pod, startedAt: number): number {
  const statuses = status?.containerStatuses ?? [];
  const ends = statuses.flatMap(({ state, lastState }) => [state?.terminated, lastState?.terminated]);
  const known = ends
    .flatMap((end) => [end?.startedAt, end?.finishedAt])
    .map((time) => Date.parse(time ?? ''));
  const latest = Math.max(...known.filter(Number.isFinite));
  return latest > startedAt ? latest + START_MS : startedAt;
}

/** Whether a gateway declares what it uses. One of a release before that takes no account of others, nor they of it. */
export function takesPart(pod: Pod): boolean {
  return portOf(pod, GATEWAY_PORT) !== undefined;
}

/** @returns undefined for a pod that has no address yet. */
export function addressOf(pod: Pod): GatewayAddress | undefined {
  const host = pod.status?.podIP;
  const adminPort = portOf(pod, ADMIN_PORT);
  const gatewayPort = portOf(pod, GATEWAY_PORT);
  if (!host || adminPort === undefined || gatewayPort === undefined) return undefined;
  return { pod: pod.metadata.name, host, adminPort, gatewayPort };
}

function portOf({ spec }: Pod, wanted: string): number | undefined {
  const ports = spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  return ports.find(({ name }) => name === wanted)?.containerPort;
}

/** All addresses from which a gateway may connect. */
export function addressesOf(pods: readonly Pod[]): string[] {
  const all = pods.flatMap(({ status }) => [
    ...(status?.podIP ? [status.podIP] : []),
    ...(status?.podIPs ?? []).map(({ ip }) => ip),
  ]);
  return [...new Set(all)].sort();
}
