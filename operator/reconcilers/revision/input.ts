import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Deployment, Pod } from '../../kube/core.ts';
import type { DigestState } from '../../registry/resolver.ts';
import type { MemoryKill } from '../diagnosis/memory.ts';
import type { MountReport } from '../diagnosis/mounts.ts';
import type { Offer } from './deployment.ts';

/** Everything that the plan of a revision depends on, read before and at once. */
export interface RevisionInput extends Offer {
  revision: Revision;
  deployment?: Deployment;
  pods: Pod[];
  /** What is known of the volumes of one of them that is long in preparation. */
  mount?: MountReport;
  /** What can be seen of instances that took too much memory. */
  kills?: readonly MemoryKill[];
  /** UIDs of pods whose startup probe has passed. */
  passed: ReadonlySet<string>;
  /** Whether the service account is there now for want of which the cluster has rejected pods. */
  accountMade?: boolean;
  /** When the quota that rejects its pods was read and had no room; unset where none does, or it has room again. */
  quotaFullAt?: number;
  /** Container name -> what is known of its image's digest. */
  digests: ReadonlyMap<string, DigestState>;
  /** What is known of the base image that it follows, by a question asked since the status was written; undefined before. */
  baseImage?: DigestState;
  /** Whether its running instances may be replaced by ones of another pod template. */
  mayRollOut?: boolean;
  /** Whether a route serves it or is to serve it. */
  routed: boolean;
  /** Whether it is ready without an instance: none is needed before the first request. */
  startsAtZero?: boolean;
  /** How many instances must have started before it is ready; 1 when unset. */
  initialInstances?: number;
  /** Whether it is the latest of its template, or has traffic or a share of instances. */
  wanted?: boolean;
  /** Why there are so many instances; undefined until the autoscaler has said it. */
  scaling?: string;
  /** Set for a revision of a worker pool, whose reconciler makes the Deployment. */
  pool?: {
    /** Whether another revision of the pool has proven itself: this one must run for a while before it replaces it. */
    replaces: boolean;
  };
}
