import type { CompleteExecution, Execution } from '../../apis/run/execution/types.ts';
import type { Job } from '../../apis/run/job/types.ts';
import type { BatchJob, Pod } from '../../kube/core.ts';
import type { DigestState } from '../../registry/resolver.ts';
import type { Rejection } from '../diagnosis/evidence.ts';
import type { MountReport } from '../diagnosis/mounts.ts';
import type { MetadataAccess } from '../pod/metadata.ts';

/** Everything that the plan of an execution depends on, read before and at once. */
export interface ExecutionInput {
  execution: Execution;
  /** The job that it is a run of. */
  job?: Job;
  /** Its own, and not another's of that name. */
  batchJob?: BatchJob;
  /** The pods of its tasks. */
  pods: readonly Pod[];
  /** Why the volumes of one of them are not mounted. */
  mount?: MountReport;
  /** Container name -> what is known of its image's digest. */
  digests: ReadonlyMap<string, DigestState>;
  /** Where the metadata server is now. */
  metadata?: MetadataAccess;
  /** Why the cluster makes no pods for the batch/v1 Job. */
  rejection?: Rejection;
  /** Whether the execution goes with its namespace. */
  namespaceEnds?: boolean;
  /** When this process last wrote the status, in milliseconds since 1970. */
  writtenAt?: number;
}

/** The same of an execution that lacks nothing. */
export type CompleteInput = ExecutionInput & { execution: CompleteExecution };
