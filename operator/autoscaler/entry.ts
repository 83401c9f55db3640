import type { ScalingSpec } from '../apis/serving/revision/scaling.ts';
import type { Revision } from '../apis/serving/revision/types.ts';
import type { Service } from '../apis/serving/service/types.ts';
import type { Target } from '../apis/serving/traffic/targets.ts';
import type { DrainOrders, DrainStep } from '../gateway/shared/drainProtocol.ts';
import type { Deployment } from '../kube/core.ts';
import { refOf } from '../kube/types.ts';
import { actualInstances, desiredInstances, type RevisionScaling } from '../telemetry/metrics.ts';
import type { CpuLoad, Decision } from './decide.ts';
import type { Drains } from './drain.ts';
import { cpuUse, explain, meanRequests, type Reports, ruleOf } from './explain.ts';
import type { RequestLoad } from './load.ts';
import type { Track } from './track.ts';

/** The autoscaler's state of one revision. */
export interface Entry {
  /** Of the revision: one that was created again under the same name starts afresh. */
  readonly uid: string | undefined;
  readonly track: Track;
  spec?: ScalingSpec;
  /** The sources of `spec`, compared by identity. */
  revision?: Revision;
  service?: Service;
  target?: Target;
  /** The last write of the autoscaler, until the cache has it. */
  written?: { replicas: number; version: number };
  writing: boolean;
  /** Its instances that are being scaled in. */
  drains: Drains;
  cpu?: { poll: number; load: CpuLoad };
  /** When a request was last seen, by the autoscaler's clock, in ms; undefined before the first one. */
  requestAt?: number;
  /** The last decision; undefined while there was nothing to decide. */
  decision?: Decision;
  /** The values of its series. */
  reported?: { desired: number; actual: number };
}

/** The Deployment's number, or the one written since: the cache may be behind the autoscaler's own write. */
export function replicasOf(deployment: Deployment, entry: Entry): number {
  const { written } = entry;
  if (written && Number(deployment.metadata.resourceVersion) < written.version) return written.replicas;
  entry.written = undefined;
  return deployment.spec?.replicas ?? 1;
}

/** Sets a revision's series where they change; one that never had an instance gets none. */
export function report(entry: Entry, { metadata }: Revision, desired: number, actual: number): void {
  const { reported = { desired: 0, actual: 0 } } = entry;
  if (reported.desired === desired && reported.actual === actual) return;
  const labels = { namespace: metadata.namespace ?? '', revision: metadata.name };
  desiredInstances.set(labels, desired);
  actualInstances.set(labels, actual);
  entry.reported = { desired, actual };
}

/**
 * Passes on what a revision's number goes by; nothing while it has no instances and needs none. After a restart the status
 * keeps what it says of a number that stays, until that is known again.
 */
export function explained(
  entry: Entry,
  key: string,
  decision: Decision | undefined,
  { status }: Revision,
  reports?: Reports,
): void {
  entry.decision = decision;
  if (!decision || !entry.spec) reports?.forget(key);
  else if (!decision.load.assumed || decision.replicas !== undefined || !status?.scaling)
    reports?.report(key, explain(decision, entry.spec));
}

/** The steps of all instances that are being scaled in, by the pods' UIDs. */
export function drainsOf(entries: ReadonlyMap<string, Entry>): DrainOrders['instances'] {
  const instances: Record<string, DrainStep> = {};
  for (const { drains } of entries.values()) {
    for (const [uid, { step }] of drains) instances[uid] = step;
  }
  return instances;
}

/** The last decisions as metrics show them. */
export function scalingsOf(entries: ReadonlyMap<string, Entry>): RevisionScaling[] {
  const scalings: RevisionScaling[] = [];
  for (const [key, entry] of entries) {
    const scaling = scalingOf(key, entry);
    if (scaling) scalings.push(scaling);
  }
  return scalings;
}

function scalingOf(key: string, { decision, spec }: Entry): RevisionScaling | undefined {
  if (!decision || !spec) return undefined;
  const { namespace = '', name: revision } = refOf(key);
  return {
    namespace,
    revision,
    rule: ruleOf(decision, spec),
    requests: meanRequests(decision.load),
    requestsWanted: Number.isFinite(spec.targetConcurrency) ? spec.targetConcurrency : undefined,
    cpu: cpuUse(decision.load, spec),
    min: spec.min,
    max: spec.max,
  };
}

/** Whether the next round visits it: it has instances, requests, drains or a pending write. */
export function isAwake(
  { drains, written }: Entry,
  replicas: number,
  requests: RequestLoad | undefined,
): boolean {
  return replicas > 0 || drains.size > 0 || written !== undefined || requests !== undefined;
}

/** Removes a revision's series. */
export function removeSeries(key: string, entry: Entry): void {
  const { namespace = '', name: revision } = refOf(key);
  desiredInstances.remove({ namespace, revision });
  actualInstances.remove({ namespace, revision });
  entry.reported = undefined;
}
