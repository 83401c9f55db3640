import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Config } from '../../config.ts';
import type { RegistryError } from '../../registry/errors.ts';

/** Something that keeps an instance, or a task, from starting. */
export interface FailureRule {
  /** What has happened, for people. */
  description: string;
  /** The kubelet's reason, where the kubelet reports it. */
  reasons?: readonly string[];
  /** What the kubelet's message matches, where its reason alone is ambiguous. */
  pattern?: RegExp;
  /** The reason of the conditions that report it; the kubelet's own where unset. */
  conditionReason?: string;
  /** For how long it is waited out until it is final, as a chart value. */
  limit: keyof Config['startup'];
  /** Whether it may pass without a change of the template: a revision that failed for it is tried again by itself. */
  transient: boolean;
}

/** Appended to a failure that may pass, of a revision (see `revision/retry.ts`). */
export const RETRIED = ' While it is wanted, it is tried again by itself.';

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
 * What keeps an instance from starting, and for how long it is waited out: the same for revisions, tasks and
 * worker pools. What cannot heal is final after `startup.crashSeconds`, all else only after
 * `startup.limitSeconds`, which covers several attempts of the kubelet: it tries again after 10 s, 20 s, 40 s and so on.
 * The first rule that matches counts.
 */
export const FAILURE_RULES = {
  imageName: {
    description: 'the image name is invalid (`InvalidImageName`)',
    reasons: ['InvalidImageName'],
    conditionReason: REASONS.containerMissing,
    limit: 'crashSeconds',
    transient: false,
  },
  pullPutOff: {
    description: 'the registry or the kubelet delays the pull (429, `pull QPS exceeded`)',
    reasons: IMAGE_REASONS,
    pattern: /\b429\b|too ?many ?requests|pull QPS exceeded/i,
    conditionReason: REASONS.containerMissing,
    limit: 'limitSeconds',
    transient: true,
  },
  imageNotFound: {
    description: 'the registry does not know the image (`NotFound`)',
    reasons: IMAGE_REASONS,
    // A layer that the node has lost meanwhile is "not found" too, and comes with the next attempt.
    pattern:
      /failed to resolve (image|reference).*not found|(manifest|name|repository)[ _]unknown|repository does not exist/is,
    conditionReason: REASONS.containerMissing,
    limit: 'crashSeconds',
    transient: true,
  },
  imageUnauthorized: {
    description: 'the registry rejects the credentials, or requires some (`Unauthorized`)',
    reasons: IMAGE_REASONS,
    pattern:
      /\b40[13] |unauthori[sz]ed|authori[sz]ation failed|authentication required|access denied|\bdenied:|no basic auth/i,
    conditionReason: REASONS.containerMissing,
    limit: 'crashSeconds',
    transient: true,
  },
  image: {
    description: 'the image cannot be pulled for another reason, such as a registry that does not answer',
    reasons: IMAGE_REASONS,
    conditionReason: REASONS.containerMissing,
    limit: 'limitSeconds',
    transient: true,
  },
  program: {
    description: 'the program cannot be run, for example because the file does not exist',
    reasons: ['RunContainerError', 'CreateContainerError'],
    pattern: /unable to start container process/,
    limit: 'crashSeconds',
    transient: false,
  },
  container: {
    description:
      'the container cannot be created, for example because a Secret or one of its keys does not exist',
    reasons: [
      'CreateContainerConfigError',
      'CreateContainerError',
      'PreCreateHookError',
      'PreStartHookError',
      'PostStartHookError',
      'RunContainerError',
    ],
    limit: 'limitSeconds',
    transient: true,
  },
  mount: {
    description: 'a volume cannot be mounted (`FailedMount`)',
    reasons: [FAILED_MOUNT],
    limit: 'limitSeconds',
    transient: true,
  },
  sourceRefused: {
    description: 'the archive of its source is refused or does not exist',
    conditionReason: REASONS.sourceRefused,
    limit: 'crashSeconds',
    transient: false,
  },
  sourceUnavailable: {
    description:
      'the archive of its source cannot be fetched, for example because the Admin API does not answer',
    conditionReason: REASONS.sourceUnavailable,
    limit: 'limitSeconds',
    transient: true,
  },
  account: {
    description: 'the ServiceAccount of a task does not exist',
    limit: 'limitSeconds',
    transient: true,
  },
  unprepared: {
    description: 'the node does not start the first container, for example because its network is not set up',
    conditionReason: REASONS.progressDeadlineExceeded,
    limit: 'limitSeconds',
    transient: true,
  },
  ends: {
    description: 'a container of a service or a worker pool exits repeatedly',
    limit: 'crashSeconds',
    transient: false,
  },
  silent: {
    description: 'no container listens, or a probe fails',
    limit: 'limitSeconds',
    transient: false,
  },
} as const satisfies Record<string, FailureRule>;

/** What the kubelet reports of a container that it has not started. */
interface Waiting {
  reason?: string;
  message?: string;
}

/** The rule for what the kubelet reports; undefined if the container is only slow. */
export function ruleOf({ reason = '', message = '' }: Waiting): FailureRule | undefined {
  return Object.values<FailureRule>(FAILURE_RULES).find(
    ({ reasons, pattern }) => reasons?.includes(reason) && (pattern === undefined || pattern.test(message)),
  );
}

/** The rule for an image whose digest the registry does not give. */
export function ruleOfRegistry({ code }: Pick<RegistryError, 'code'>): FailureRule {
  if (code === 'IMAGE_INVALID') return FAILURE_RULES.imageName;
  if (code === 'IMAGE_NOT_FOUND') return FAILURE_RULES.imageNotFound;
  return code === 'REGISTRY_UNAUTHORIZED' ? FAILURE_RULES.imageUnauthorized : FAILURE_RULES.image;
}

/** The reasons of conditions that report a problem which may pass. */
const PASSING_REASONS: ReadonlySet<string> = new Set(
  Object.values<FailureRule>(FAILURE_RULES)
    .filter(({ transient }) => transient)
    .flatMap(({ conditionReason, reasons = [] }) => conditionReason ?? reasons),
);

/** Whether what a condition reports of a revision that has not started may have passed since. */
export function isTransient({ reason = '' }: Waiting): boolean {
  return PASSING_REASONS.has(reason);
}
