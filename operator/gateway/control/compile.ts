// One group of annotations and not all of them keeps the gateway small.
import { INSTANCE } from '../../apis/annotations/run/instance.ts';
import { parseFlag } from '../../apis/annotations/values.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { revisionUidOf, SERVING } from '../../apis/labels.ts';
import { ingressContainer, ingressPort } from '../../apis/serving/container/ingress.ts';
import type { Probe } from '../../apis/serving/container/types.ts';
import { whyNoneStarts } from '../../apis/serving/revision/conditions.ts';
import { timeoutMs } from '../../apis/serving/revision/timeout.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import { hasOutsideName, reachOf, reachOfDomains } from '../../apis/serving/route/visibility.ts';
import { manualInstances } from '../../apis/serving/service/manualScaling.ts';
import { type HostConfig, hostsOf } from '../../apis/url.ts';
import type { Pod } from '../../kube/core.ts';
import { containerStatuses, hasEnded } from '../../kube/pod.ts';
import { keyOf } from '../../kube/types.ts';
import {
  isProbedFromOutside,
  type ReadinessCheck,
  readinessCheck,
  type StartCheck,
  startCheck,
} from '../../probe/attempt.ts';
import type { InvokersEntry } from '../shared/invokers.ts';
import { UNLIMITED } from '../shared/limits.ts';
import type { Protocol, Target } from '../shared/messages.ts';
import { isResizing, type Reduction, reductionOf } from './reduction.ts';

/** What the gateway serves for a Route, or for a domain that is mapped to one. */
export interface CompiledRoute {
  /** The older keeps a host that a newer one claims too. */
  createdAt: string;
  hosts: Map<string, Target[]>;
  /** Only requests from inside the cluster reach it. */
  internalOnly: boolean;
  /** Unset when everyone may call it. */
  invokers?: InvokersEntry | undefined;
  /** Revisions with a share of the requests whose service's manual instance count is 0. */
  stopped?: ReadonlySet<string>;
}

/** What the gateway needs to know of a Revision. */
export interface CompiledRevision {
  /** Its instances carry it. */
  uid?: string;
  limit: number;
  timeoutMs: number;
  protocol: Protocol;
  port: number;
  check: StartCheck;
  /** The readiness probe that the gateway runs; unset where there is none. */
  readiness?: ReadinessCheck;
  /** The reason why none of its instances can start. */
  failing?: string;
  /** Requests of one client go to one instance, as far as possible (Cloud Run, Session affinity). */
  affinity?: boolean;
}

/** What the gateway needs to know of a pod. */
export interface CompiledPod {
  key: string;
  uid: string;
  name: string;
  /** `namespace/name` of its revision, and its UID: an earlier one may have had the name. */
  revision: string;
  revisionUid?: string;
  /** Unset until the network of the pod exists. */
  ip: string | undefined;
  /** The API does not show the address yet; the node has told it. */
  early?: boolean;
  /** Unset until it is scheduled. */
  node?: string;
  /** It is being deleted or has ended: it gets no new request (container contract, Shutdown). */
  leaving: boolean;
  /**
   * Containers still wait for others, or one fails a readiness probe that the kubelet runs: no request until then
   * (Knative API, Container).
   */
  held: boolean;
  /** Changes when the ingress container is started again. */
  container: string | undefined;
  /** What its CPU request lacks since the controller has lowered it; unset while it has all. */
  reduction?: Reduction;
  /** Its resources may not be what its status shows. */
  resizing?: boolean;
}

/**
 * Hosts with their targets, from the Route's status: the route itself by percentages, each tag as a whole
 * (Knative Serving API, Route status.traffic). Its names inside the cluster also answer outside where the route may be
 * reached from there: clients that found the gateway before it had an internal Service go on.
 */
export function compileRoute(route: Route, config: HostConfig): CompiledRoute {
  const { namespace = '', name, creationTimestamp = '' } = route.metadata;
  const outside = hasOutsideName(route);
  const reach = reachOf(route);
  const hosts = new Map<string, Target[]>();
  const add = (targets: Target[], tag?: string): void => {
    if (targets.length === 0 || reach === 'none') return;
    const { external, internal } = hostsOf(config, { name, namespace }, tag);
    for (const host of outside ? [external, ...internal] : internal) hosts.set(host.toLowerCase(), targets);
  };
  const { shares, tagged } = trafficOf(route);
  add(targetsOf(shares));
  for (const [tag, revisions] of tagged) add(targetsOf(revisions), tag);
  // A revision that only a tag reaches is scaled by its load, whatever the service's number is.
  const stopped = new Set(manualInstances(route.metadata.annotations) === 0 ? shares.keys() : []);
  return { createdAt: creationTimestamp, hosts, internalOnly: reach !== 'all', stopped };
}

/** A domain with the targets of the route that its mapping's status names: `route`. */
export function compileMapping({ metadata }: DomainMapping, route: Route): CompiledRoute {
  const reach = reachOfDomains(route);
  const targets = targetsOf(trafficOf(route).shares);
  const served = targets.length > 0 && reach !== 'none';
  const hosts = new Map(served ? [[metadata.name, targets]] : []);
  return { createdAt: metadata.creationTimestamp ?? '', hosts, internalOnly: reach !== 'all' };
}

/** Percentages by revision, of the route itself and of each of its tags. */
function trafficOf({ metadata: { namespace }, status }: Route) {
  const shares = new Map<string, number>();
  const tagged = new Map<string, Map<string, number>>();
  for (const { revisionName, percent = 0, tag } of status?.traffic ?? []) {
    if (!revisionName) continue;
    const revision = keyOf({ namespace, name: revisionName });
    if (percent > 0) shares.set(revision, (shares.get(revision) ?? 0) + percent);
    if (tag) tagged.set(tag, (tagged.get(tag) ?? new Map<string, number>()).set(revision, 100));
  }
  return { shares, tagged };
}

function targetsOf(shares: Map<string, number>): Target[] {
  return [...shares].map(([revision, percent]) => ({ revision, percent }));
}

/** A Revision's limits and how to reach and probe its instances; a stored Revision has its defaults filled in. */
export function compileRevision(revision: Revision): CompiledRevision {
  const { containers, containerConcurrency } = revision.spec;
  const container = ingressContainer(containers);
  return {
    uid: revision.metadata.uid,
    limit: containerConcurrency || UNLIMITED,
    timeoutMs: timeoutMs(revision),
    protocol: container?.ports?.[0]?.name === 'h2c' ? 'h2c' : 'http1',
    port: container ? ingressPort(container) : 8080,
    check: startCheck(containers),
    readiness: readinessCheck(containers),
    failing: whyNoneStarts(revision.status?.conditions),
    affinity: parseFlag(revision.metadata.annotations?.[INSTANCE.sessionAffinity.key]) === true,
  };
}

/** @returns undefined for a pod that belongs to no revision. */
export function compilePod(pod: Pod): CompiledPod | undefined {
  const { namespace, name, labels, uid = '', deletionTimestamp } = pod.metadata;
  const revision = labels?.[SERVING.revision];
  if (!revision) return undefined;
  const { podIP } = pod.status ?? {};
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const statuses = containerStatuses(pod);
  const ingress = ingressContainer(containers as never)?.name;
  const status = statuses.find((candidate) => candidate.name === ingress) ?? statuses[0];
  return {
    key: keyOf({ namespace, name }),
    uid,
    name,
    revision: keyOf({ namespace, name: revision }),
    revisionUid: revisionUidOf(pod),
    ip: podIP || undefined,
    node: pod.spec?.nodeName,
    leaving: deletionTimestamp !== undefined || hasEnded(pod),
    held:
      startsInOrder(pod) ||
      containers.some(
        ({ name, readinessProbe: probe }) =>
          probe && !(name === ingress && isProbedFromOutside(probe as Probe)) && !isReady(pod, name),
      ),
    // A terminated container differs from the running one, so that it gets no request until it has passed again.
    container: status?.containerID && `${status.containerID}${status.state?.terminated ? ' ended' : ''}`,
    reduction: reductionOf(pod),
    resizing: isResizing(pod),
  };
}

/** The kubelet reports the result of the readiness probes here. The gateway runs those of ingress containers itself. */
function isReady(pod: Pod, container: string): boolean {
  return containerStatuses(pod).find(({ name }) => name === container)?.ready === true;
}

/** Whether containers still wait for others to start; the ingress container may run before and must wait for them. */
function startsInOrder({ spec, status }: Pod): boolean {
  if (!spec?.initContainers?.length) return false;
  const running = status?.containerStatuses?.filter(({ state }) => state?.running) ?? [];
  return running.length < spec.containers.length;
}
