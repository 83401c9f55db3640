import type { Condition } from '../../apis/condition.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import type { Config } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { containerStatuses } from '../../kube/pod.ts';
import type { DigestState } from '../../registry/resolver.ts';
import { SOURCE_CONTAINER } from '../pod/source.ts';
import type { MountReport } from './mounts.ts';
import type { Shortage } from './quota.ts';

/** Why the cluster makes no pods. */
export interface Rejection {
  reason: string;
  message: string;
  /** When Kubernetes is asked to try again, in milliseconds since 1970. */
  retryAt?: number;
  /** The quota that has no room for them. */
  shortage?: Shortage;
}

/** What the checks look at: all that was observed of the instances of a revision, or of the tasks of an execution. */
export interface Evidence {
  /** What the pods are for: requests, the instances of a worker pool, or tasks. */
  runs: 'service' | 'workerPool' | 'job';
  containers: readonly Container[];
  pods: readonly Pod[];
  now: number;
  config: Pick<Config, 'startup'>;
  /** When the revision, the execution or its batch/v1 Job was made, in milliseconds since 1970. */
  createdAt?: number;
  /** Container name -> what is known of its image's digest. */
  digests?: ReadonlyMap<string, DigestState>;
  /** The condition that reported of images so far. */
  reported?: Condition;
  rejection?: Rejection;
  /** Why a revision failed whose instances have been taken away since. */
  lastFailure?: Pick<Condition, 'reason' | 'message'>;
  /** When a revision that failed is tried again, in milliseconds since 1970. */
  retryAt?: number;
  /** Whether a failure that may pass is tried again by itself, and says so. */
  retried?: boolean;
  /** Whether the worker pool gives the revision no instances. */
  idle?: boolean;
  mount?: MountReport;
  /** UIDs of the pods whose startup probe, and readiness probe where it runs that, the controller saw pass. */
  passed?: ReadonlySet<string>;
  /** Whether an instance has run before: a container that exits has not, for certain, failed to start. */
  proven?: boolean;
  /** How many instances must have started; 1 when unset. */
  needed?: number;
  /** How long all containers of an instance must have run without an exit until it has started, in milliseconds. */
  minReadyMs?: number;
  /** Whether a container that has exited is a problem at once, whatever it did before. */
  restarts?: boolean;
}

/** One pod among them. */
export interface PodEvidence {
  pod: Pod;
  evidence: Evidence;
}

type Statuses = NonNullable<NonNullable<Pod['status']>['containerStatuses']>;
export type ContainerStatus = Statuses[number];
type State = NonNullable<ContainerStatus['state']>;
export type Waiting = NonNullable<State['waiting']>;
export type Terminated = NonNullable<State['terminated']>;

/**
 * Of all containers, also of those that others wait for: Kubernetes keeps those as init containers. The one that unpacks a
 * source is none of the template's, and ends before they start.
 */
export function statusesOf(pod: Pod): ContainerStatus[] {
  return containerStatuses(pod).filter(({ name }) => name !== SOURCE_CONTAINER);
}

/** The pods that are not being deleted: one on its way out shows nothing. */
export function livePods({ pods }: Pick<Evidence, 'pods'>): Pod[] {
  return pods.filter(({ metadata }) => !metadata.deletionTimestamp);
}
