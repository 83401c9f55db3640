import { BOOKKEEPING } from '../../apis/annotations/bookkeeping.ts';
import { type Condition, conditionOf } from '../../apis/condition.ts';
import { podContainerName } from '../../apis/serving/container/names.ts';
import { type FollowedBaseImage, followedBaseImage } from '../../apis/serving/instance/source.ts';
import {
  REVISION_REASONS as REASONS,
  REVISION_CONDITIONS as TYPES,
} from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Config } from '../../config.ts';
import type { Deployment } from '../../kube/core.ts';
import { contentHash } from '../../kube/json.ts';
import type { PlannedEvent } from '../../kube/plan.ts';
import { timestamp } from '../../kube/time.ts';
import type { RevisionInput } from './input.ts';

// A revision that follows its base image keeps in its status which digest that had when the registry was last asked, and
// when that was. Its Deployment is made from the status, never from an answer: whatever ends in between, and whichever
// process goes on, instances are not moved back and forth.

const CHECKED = BOOKKEEPING.baseImageChecked;

/** What following a base image adds to the plan of a revision. */
export interface BaseImageStep {
  /** Container and image, where the registry has another digest than the status; it replaces that of the status. */
  moved?: { container: string; image: string };
  /** When the registry was last asked, for the status. */
  annotations: Record<string, string>;
  conditions: Condition[];
  events: PlannedEvent[];
  /** When to look again; undefined while an answer is awaited, which calls back. */
  requeueAfterMs?: number;
}

type Bounds = Pick<Config, 'instance'>;

/** The base image that a revision follows (see {@link followedBaseImage}). */
export function followedOf({ metadata, spec }: Revision): FollowedBaseImage | undefined {
  return followedBaseImage(metadata.annotations, spec);
}

/**
 * When the registry is next asked what the base image is, in milliseconds since 1970; undefined while it is not known when
 * it was last. That is between half the time of the configuration and all of it, differently for each revision and each
 * time, so that services that were deployed at once, or met a controller that had been away, are not all moved at once.
 */
export function checkDueAt(
  { metadata, status }: Revision,
  { instance }: Bounds,
  now: number,
): number | undefined {
  const checked = Date.parse(status?.annotations?.[CHECKED] ?? '');
  const periodMs = instance.baseImageSeconds * 1000;
  // What a person, or a clock that was wrong, has put far ahead counts for nothing.
  if (Number.isNaN(checked) || checked > now + periodMs) return undefined;
  const share = Number.parseInt(contentHash([metadata.uid, checked]).slice(0, 8), 16) / 2 ** 32;
  return checked + (periodMs * (1 + share)) / 2;
}

/** Whether the registry is to be asked now: only for what serves or is to serve, and has started with a digest before. */
export function isCheckDue(
  revision: Revision,
  wanted: boolean | undefined,
  config: Bounds,
  now: number,
): boolean {
  const followed = followedOf(revision);
  if (!wanted || !followed || imageOf(revision, followed) === undefined) return false;
  const dueAt = checkDueAt(revision, config, now);
  return dueAt !== undefined && dueAt <= now;
}

/** See {@link BaseImageStep}; undefined for a revision that follows none, or does not know its images yet. */
export function baseImageStep(
  { revision, baseImage, wanted, digests }: BaseImageInput,
  config: Bounds,
  now: number,
): BaseImageStep | undefined {
  const followed = followedOf(revision);
  const known = followed && digests.get(followed.container);
  if (!followed || known?.state !== 'resolved') return undefined;
  const dueAt = checkDueAt(revision, config, now);
  if (baseImage?.state === 'resolved') return answered(followed, known.image, baseImage.image, now);
  const before = conditionOf(revision.status?.conditions, TYPES.baseImageValidated);
  const conditions = [
    baseImage?.state === 'failed'
      ? kept(baseImage.error.message)
      : (before ?? validated(followed, known.image)),
  ];
  // From here on the time counts, also for a revision of a release that did not ask: an upgrade restarts nothing.
  const checked = dueAt === undefined ? timestamp(now) : (revision.status?.annotations?.[CHECKED] ?? '');
  const retryAt = baseImage?.state === 'failed' ? baseImage.retryAt : undefined;
  const nextAt = baseImage ? retryAt : dueAt;
  return {
    annotations: { [CHECKED]: checked },
    conditions,
    events: [],
    ...(wanted && nextAt !== undefined ? { requeueAfterMs: Math.max(nextAt - now, 0) } : {}),
  };
}

type BaseImageInput = Pick<RevisionInput, 'revision' | 'baseImage' | 'wanted' | 'digests'>;

/** The registry has answered, with the image that there is or with another. */
function answered(followed: FollowedBaseImage, known: string, image: string, now: number): BaseImageStep {
  const step = {
    annotations: { [CHECKED]: timestamp(now) },
    conditions: [validated(followed, image)],
  };
  if (image === known) return { ...step, events: [] };
  const message = `Base image '${followed.baseImage}' of container '${followed.container}' is ${image} now, and was ${known}.`;
  return {
    ...step,
    moved: { container: followed.container, image },
    events: [{ type: 'Normal', reason: 'BaseImageUpdated', message }],
  };
}

function validated({ container, baseImage }: FollowedBaseImage, image: string): Condition {
  const message = `Container '${container}' runs on ${image}, which is base image '${baseImage}'.`;
  return { type: TYPES.baseImageValidated, severity: 'Info', status: 'True', message };
}

function kept(why: string): Condition {
  const message = `Instances keep their base image: ${why}`;
  return {
    type: TYPES.baseImageValidated,
    severity: 'Info',
    status: 'Unknown',
    reason: REASONS.baseImageKept,
    message,
  };
}

/**
 * Whether the instances of a revision are to be replaced because they have another base image than its status says. What
 * else their pod template lacks by then comes with it.
 */
export function hasOtherBaseImage(
  revision: Revision,
  desired: Deployment,
  live: Deployment | undefined,
): boolean {
  const followed = followedOf(revision);
  if (!followed || !live) return false;
  const name = podContainerName(followed.container);
  return startedImage(desired, name) !== startedImage(live, name);
}

function startedImage({ spec }: Deployment, name: string): string | undefined {
  const { containers = [], initContainers = [] } = spec?.template.spec ?? {};
  return [...containers, ...initContainers].find((container) => container.name === name)?.image;
}

function imageOf({ status }: Revision, { container }: FollowedBaseImage): string | undefined {
  return status?.containerStatuses?.find(({ name }) => name === container)?.imageDigest;
}
