import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Config } from '../../config.ts';
import type { RegistryError } from '../../registry/errors.ts';

/** Something that keeps an instance, or a task, from starting. */
export interface ProblemRow {
  /** What has happened, for people. */
  what: string;
  /** What the kubelet calls it, where it is the kubelet who tells. */
  reasons?: readonly string[];
  /** What the kubelet's message says, where its reason alone does not tell. */
  says?: RegExp;
  /** The reason of the conditions that tell it; the kubelet's own where unset. */
  told?: string;
  /** For how long it is waited out until it is final, as a chart value. */
  waits: keyof Config['startup'];
  /** Whether it may go without a change of the template: a revision that failed for it is tried again by itself. */
  mayGo: boolean;
}

/** What the kubelet calls a volume that it cannot mount. */
export const FAILED_MOUNT = 'FailedMount';

const IMAGE_REASONS = [
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
] as const;

/**
 * What keeps an instance from starting, and for how long it is waited out: one law for revisions, tasks and worker
 * pools (design, Failure rules). What certainly stays is final after `startup.crashSeconds`, all else only after
 * `startup.limitSeconds`, which covers several attempts of the kubelet: it tries again after 10 s, 20 s, 40 s and so on.
 * The first row that fits counts.
 */
export const PROBLEMS = {
  imageName: {
    what: 'the name of the image is none (`InvalidImageName`)',
    reasons: ['InvalidImageName'],
    told: REASONS.containerMissing,
    waits: 'crashSeconds',
    mayGo: false,
  },
  pullPutOff: {
    what: 'the registry or the kubelet puts the pull off (429, `pull QPS exceeded`)',
    reasons: IMAGE_REASONS,
    says: /\b429\b|too ?many ?requests|pull QPS exceeded/i,
    told: REASONS.containerMissing,
    waits: 'limitSeconds',
    mayGo: true,
  },
  imageNotFound: {
    what: 'the registry does not know the image (`NotFound`)',
    reasons: IMAGE_REASONS,
    // A layer that the node has lost meanwhile is "not found" too, and comes with the next attempt.
    says: /failed to resolve (image|reference).*not found|(manifest|name|repository)[ _]unknown|repository does not exist/is,
    told: REASONS.containerMissing,
    waits: 'crashSeconds',
    mayGo: true,
  },
  imageUnauthorized: {
    what: 'the registry refuses the credentials, or wants some (`Unauthorized`)',
    reasons: IMAGE_REASONS,
    says: /\b40[13] |unauthori[sz]ed|authori[sz]ation failed|authentication required|access denied|\bdenied:|no basic auth/i,
    told: REASONS.containerMissing,
    waits: 'crashSeconds',
    mayGo: true,
  },
  image: {
    what: 'the image cannot be pulled for another reason: the registry does not answer, say',
    reasons: IMAGE_REASONS,
    told: REASONS.containerMissing,
    waits: 'limitSeconds',
    mayGo: true,
  },
  program: {
    what: 'the program cannot be run: there is none of its name, say',
    reasons: ['RunContainerError', 'CreateContainerError'],
    says: /unable to start container process/,
    waits: 'crashSeconds',
    mayGo: false,
  },
  container: {
    what: 'the container cannot be made: a Secret or a key of it is not there, say',
    reasons: [
      'CreateContainerConfigError',
      'CreateContainerError',
      'PreCreateHookError',
      'PreStartHookError',
      'PostStartHookError',
      'RunContainerError',
    ],
    waits: 'limitSeconds',
    mayGo: true,
  },
  mount: {
    what: 'a volume cannot be mounted (`FailedMount`)',
    reasons: [FAILED_MOUNT],
    waits: 'limitSeconds',
    mayGo: true,
  },
  account: {
    what: 'the ServiceAccount of a task is not there',
    waits: 'limitSeconds',
    mayGo: true,
  },
  unprepared: {
    what: 'the node does not get as far as the first container: its network is not set up, say',
    told: REASONS.progressDeadlineExceeded,
    waits: 'limitSeconds',
    mayGo: true,
  },
  ends: {
    what: 'a container of a service or a worker pool ends again and again',
    waits: 'crashSeconds',
    mayGo: false,
  },
  silent: {
    what: 'no container listens, or a probe does not pass',
    waits: 'limitSeconds',
    mayGo: false,
  },
} as const satisfies Record<string, ProblemRow>;

/** What the kubelet says of a container that it has not started. */
interface Waiting {
  reason?: string;
  message?: string;
}

/** The row of what the kubelet says; undefined if the container is only slow. */
export function rowOf({ reason = '', message = '' }: Waiting): ProblemRow | undefined {
  return Object.values<ProblemRow>(PROBLEMS).find(
    ({ reasons, says }) => reasons?.includes(reason) && (says === undefined || says.test(message)),
  );
}

/** The row of an image whose digest the registry does not tell. */
export function rowOfRegistry({ code }: Pick<RegistryError, 'code'>): ProblemRow {
  if (code === 'IMAGE_INVALID') return PROBLEMS.imageName;
  if (code === 'IMAGE_NOT_FOUND') return PROBLEMS.imageNotFound;
  return code === 'REGISTRY_UNAUTHORIZED' ? PROBLEMS.imageUnauthorized : PROBLEMS.image;
}

/** The reasons of conditions that tell of a trouble which may go. */
const PASSING_REASONS: ReadonlySet<string> = new Set(
  Object.values<ProblemRow>(PROBLEMS)
    .filter(({ mayGo }) => mayGo)
    .flatMap(({ told, reasons = [] }) => told ?? reasons),
);

/** Whether what a condition says of a revision that has not started may have gone since. */
export function mayHaveGone({ reason = '' }: Waiting): boolean {
  return PASSING_REASONS.has(reason);
}
