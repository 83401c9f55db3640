import { type Condition, conditionOf, isFalse, READY, readyOf } from '../../apis/condition.ts';
import { REVISION_CONDITIONS as TYPES } from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Config } from '../../config.ts';
import { isTransient } from '../diagnosis/failureRules.ts';
import type { DigestOwner } from '../digests.ts';
import { startedContainers } from '../pod/source.ts';

/** Shortest and longest time from the failure of a revision until it is tried again. */
const PAUSE_MS = { shortest: 60_000, longest: 900_000 };

/**
 * Whose images have their digests looked up. Until a revision has failed the registry is asked for those that are not known, and
 * from then on while it is wanted: a revision that another has replaced asks no more.
 * @param wanted whether it is the latest of its template, or has traffic or a share of instances.
 */
export function digestOwner(
  { metadata, spec, status }: Revision,
  wanted: boolean,
  config: Pick<Config, 'instance'>,
): DigestOwner {
  const { namespace = '', name, annotations } = metadata;
  const containers = startedContainers(annotations, spec.containers, config);
  const known = new Map(status?.containerStatuses?.map(({ name, imageDigest }) => [name ?? '', imageDigest]));
  const asks = wanted || !isFalse(conditionOf(status?.conditions, TYPES.containerHealthy));
  return { namespace, name, spec: { ...spec, containers }, known, asks };
}

/**
 * When a revision that failed is tried again, in milliseconds since 1970: after half as long again as it took to come
 * here, so ever more seldom, without anything to remember. Undefined where trying does not help: its program does not
 * start, and another template is needed.
 */
export function retryAt({ metadata, status }: Revision): number | undefined {
  const healthy = conditionOf(status?.conditions, TYPES.containerHealthy);
  if (!healthy || !isFalse(healthy) || !isTransient(healthy)) return undefined;
  const failedAt = Date.parse(healthy.lastTransitionTime ?? '');
  const took = (failedAt - Date.parse(metadata.creationTimestamp ?? '')) / 2;
  return failedAt + Math.min(Math.max(took, PAUSE_MS.shortest), PAUSE_MS.longest);
}

/**
 * Ready, from the two conditions that it depends on. While a revision that failed is tried again, Ready keeps its
 * failure until it starts: nothing is new for clients that wait for it. One that lacked its image has not been tried yet.
 */
export function readyDuring({ spec, status }: Revision, dependent: readonly Condition[]): Condition {
  const ready = readyOf(dependent);
  const before = conditionOf(status?.conditions, READY);
  if (ready.status !== 'Unknown' || !before || !isFalse(before) || !isTransient(before)) return ready;
  // A revision from source has no digest of its own image.
  const isPinned = status?.imageDigest || status?.containerStatuses?.length === spec.containers.length;
  if (!isPinned) return ready;
  const { lastTransitionTime: _, ...kept } = before;
  return kept;
}
