/** Label keys, by the domain that owns them (Cloud Run API v1 and Knative Serving API, Labels). */

/** Labels that link the serving kinds to their owners, and pods to them. */
export const SERVING = {
  service: 'serving.knative.dev/service',
  serviceUID: 'serving.knative.dev/serviceUID',
  configuration: 'serving.knative.dev/configuration',
  configurationUID: 'serving.knative.dev/configurationUID',
  configurationGeneration: 'serving.knative.dev/configurationGeneration',
  route: 'serving.knative.dev/route',
  revision: 'serving.knative.dev/revision',
  revisionUID: 'serving.knative.dev/revisionUID',
  /** On a Revision: active, reserve or pending. */
  routingState: 'serving.knative.dev/routingState',
} as const;

/** Labels of Cloud Run's own kinds, and those that its clients read. */
export const RUN = {
  job: 'run.googleapis.com/job',
  jobUid: 'run.googleapis.com/jobUid',
  jobGeneration: 'run.googleapis.com/jobGeneration',
  jobResourceVersion: 'run.googleapis.com/jobResourceVersion',
  execution: 'run.googleapis.com/execution',
  taskIndex: 'run.googleapis.com/taskIndex',
  /** Pending, Running, Succeeded, Failed, Cancelled or Abandoned. */
  runningState: 'run.googleapis.com/runningState',
  workerPool: 'run.googleapis.com/workerPool',
  lastUpdatedTime: 'run.googleapis.com/lastUpdatedTime',
  multiRegionId: 'run.googleapis.com/multi-region-id',
  startupProbeType: 'run.googleapis.com/startupProbeType',
  satisfiesPzs: 'run.googleapis.com/satisfiesPzs',
  servingState: 'run.googleapis.com/servingState',
  supportsPzs: 'run.googleapis.com/supportsPzs',
} as const;

/** Labels of log entries of a job's tasks (Cloud Run, Logging; Cloud Logging, LogEntry). */
export const LOG_LABELS = {
  execution: 'run.googleapis.com/execution_name',
  taskIndex: 'run.googleapis.com/task_index',
  taskAttempt: 'run.googleapis.com/task_attempt',
} as const;

/** On what is made for a domain mapping in another namespace: the namespace of the mapping. */
export const MAPPING_NAMESPACE = 'homerun.dev/domain-mapping-namespace';

/** On the Job of a build and on its pod: the build's id. */
export const BUILD_ID = 'homerun.dev/build';

/**
 * Selects what belongs to services and not to worker pools: the gateway and the autoscaler watch nothing else.
 */
export const NOT_POOLED = `!${RUN.workerPool}`;

/** The worker pool that a revision, Deployment or pod belongs to; undefined for those of services. */
export function workerPoolOf({ metadata }: { metadata: { labels?: Record<string, string> } }) {
  return metadata.labels?.[RUN.workerPool];
}

/**
 * UID of the revision that a pod is an instance of. The name is not enough: the pod may belong to a deleted revision of
 * the same name and not be collected yet, or to something else.
 */
export function revisionUidOf({ metadata }: { metadata: { labels?: Record<string, string> } }) {
  return metadata.labels?.[SERVING.revisionUID];
}

/** The UID of the revision that a pod is an instance of, as an index. */
export function revisionUids(pod: Parameters<typeof revisionUidOf>[0]): string[] {
  const uid = revisionUidOf(pod);
  return uid === undefined ? [] : [uid];
}

/** The region; gcloud shows it in every list and copies it into templates. */
export const LOCATION = 'cloud.googleapis.com/location';

/** `cluster-local` makes a service unreachable from outside the cluster. */
export const VISIBILITY = 'networking.knative.dev/visibility';

/** A value that gcloud draws anew for each deployment: it makes a new revision of an equal template. */
export const NONCE = 'client.knative.dev/nonce';
