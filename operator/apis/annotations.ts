/** Annotation keys, by the domain that owns them (Cloud Run API v1 and Knative Serving API, Annotations). */

/** Scaling of one revision; on the template or the Revision. */
export const AUTOSCALING = {
  minScale: 'autoscaling.knative.dev/minScale',
  maxScale: 'autoscaling.knative.dev/maxScale',
  /** Knative's spelling of the same two. */
  minScaleKebab: 'autoscaling.knative.dev/min-scale',
  maxScaleKebab: 'autoscaling.knative.dev/max-scale',
  initialScale: 'autoscaling.knative.dev/initial-scale',
  activationScale: 'autoscaling.knative.dev/activation-scale',
  scaleDownDelay: 'autoscaling.knative.dev/scale-down-delay',
  window: 'autoscaling.knative.dev/window',
  target: 'autoscaling.knative.dev/target',
  targetUtilizationPercentage: 'autoscaling.knative.dev/target-utilization-percentage',
  retentionPeriod: 'autoscaling.knative.dev/scale-to-zero-pod-retention-period',
  metric: 'autoscaling.knative.dev/metric',
  class: 'autoscaling.knative.dev/class',
} as const;

/** Who made an object and who changed it last; set by the platform. */
export const SERVING = {
  creator: 'serving.knative.dev/creator',
  lastModifier: 'serving.knative.dev/lastModifier',
  rolloutDuration: 'serving.knative.dev/rollout-duration',
  progressDeadline: 'serving.knative.dev/progress-deadline',
  /** On a Revision: never collect it. */
  noGarbageCollection: 'serving.knative.dev/no-gc',
  routes: 'serving.knative.dev/routes',
  routingStateModified: 'serving.knative.dev/routingStateModified',
} as const;

/** Cloud Run's own keys. */
export const RUN = {
  // Scaling of a whole service or worker pool.
  minScale: 'run.googleapis.com/minScale',
  maxScale: 'run.googleapis.com/maxScale',
  scalingMode: 'run.googleapis.com/scalingMode',
  manualInstanceCount: 'run.googleapis.com/manualInstanceCount',
  maxSurge: 'run.googleapis.com/max-surge',
  maxUnavailable: 'run.googleapis.com/max-unavailable',
  overflowScaling: 'run.googleapis.com/overflow-scaling',
  // Who may reach a service, and where.
  ingress: 'run.googleapis.com/ingress',
  ingressStatus: 'run.googleapis.com/ingress-status',
  urls: 'run.googleapis.com/urls',
  invokerIamDisabled: 'run.googleapis.com/invoker-iam-disabled',
  defaultUrlDisabled: 'run.googleapis.com/default-url-disabled',
  iapEnabled: 'run.googleapis.com/iap-enabled',
  customAudiences: 'run.googleapis.com/custom-audiences',
  regions: 'run.googleapis.com/regions',
  gclbDomainName: 'runapps.googleapis.com/gclb-domain-name',
  // About the object itself.
  description: 'run.googleapis.com/description',
  launchStage: 'run.googleapis.com/launch-stage',
  clientName: 'run.googleapis.com/client-name',
  clientVersion: 'run.googleapis.com/client-version',
  operationId: 'run.googleapis.com/operation-id',
  gcTrafficTags: 'run.googleapis.com/gc-traffic-tags',
  binaryAuthorization: 'run.googleapis.com/binary-authorization',
  binaryAuthorizationBreakglass: 'run.googleapis.com/binary-authorization-breakglass',
  threatDetection: 'run.googleapis.com/threat-detection',
  creator: 'run.googleapis.com/creator',
  lastModifier: 'run.googleapis.com/lastModifier',
  creatorEmail: 'run.googleapis.com/creatorEmail',
  lastModifierEmail: 'run.googleapis.com/lastModifierEmail',
  executionName: 'run.googleapis.com/execution_name',
  // How an instance runs.
  cpuThrottling: 'run.googleapis.com/cpu-throttling',
  startupCpuBoost: 'run.googleapis.com/startup-cpu-boost',
  executionEnvironment: 'run.googleapis.com/execution-environment',
  sessionAffinity: 'run.googleapis.com/sessionAffinity',
  healthCheckDisabled: 'run.googleapis.com/health-check-disabled',
  containerDependencies: 'run.googleapis.com/container-dependencies',
  secrets: 'run.googleapis.com/secrets',
  baseImages: 'run.googleapis.com/base-images',
  sources: 'run.googleapis.com/sources',
  gpuZonalRedundancyDisabled: 'run.googleapis.com/gpu-zonal-redundancy-disabled',
  // What only Google's cloud has.
  cloudsqlInstances: 'run.googleapis.com/cloudsql-instances',
  vpcAccessConnector: 'run.googleapis.com/vpc-access-connector',
  vpcAccessEgress: 'run.googleapis.com/vpc-access-egress',
  networkInterfaces: 'run.googleapis.com/network-interfaces',
  encryptionKey: 'run.googleapis.com/encryption-key',
  encryptionKeyShutdownHours: 'run.googleapis.com/encryption-key-shutdown-hours',
  postKeyRevocationActionType: 'run.googleapis.com/post-key-revocation-action-type',
  secureSessionAgent: 'run.googleapis.com/secure-session-agent',
  mesh: 'run.googleapis.com/mesh',
  meshDataplane: 'run.googleapis.com/mesh-dataplane',
  identity: 'run.googleapis.com/identity',
  enableWorkloadCertificate: 'run.googleapis.com/enable-workload-certificate',
  // What a source build leaves for the next one.
  buildId: 'run.googleapis.com/build-id',
  buildName: 'run.googleapis.com/build-name',
  buildImageUri: 'run.googleapis.com/build-image-uri',
  buildSourceLocation: 'run.googleapis.com/build-source-location',
  buildFunctionTarget: 'run.googleapis.com/build-function-target',
  buildBaseImage: 'run.googleapis.com/build-base-image',
  buildEnableAutomaticUpdates: 'run.googleapis.com/build-enable-automatic-updates',
  buildEnvironmentVariables: 'run.googleapis.com/build-environment-variables',
  buildServiceAccount: 'run.googleapis.com/build-service-account',
  buildWorkerPool: 'run.googleapis.com/build-worker-pool',
  // Their older names, which gcloud removes.
  sourceLocation: 'run.googleapis.com/source-location',
  functionTarget: 'run.googleapis.com/function-target',
  imageUri: 'run.googleapis.com/image-uri',
  enableAutomaticUpdates: 'run.googleapis.com/enable-automatic-updates',
} as const;

/** Our own keys, for what Cloud Run does by calls of its API or by other products. */
export const HOMERUN = {
  /** On a Job: any new value runs it once; the execution is called JOB-VALUE. */
  run: 'homerun.dev/run',
  /** On a Job: a cron expression by which it runs, and the time zone of it (UTC when unset). */
  schedule: 'homerun.dev/schedule',
  timeZone: 'homerun.dev/time-zone',
  /** On a Job: how many executions that have ended are kept. */
  historyLimit: 'homerun.dev/executions-history-limit',
  /** On an Execution: what it does otherwise than its job says, as RunJobRequest.overrides has it. */
  overrides: 'homerun.dev/overrides',
  /** On an Execution: `true` stops it. */
  cancel: 'homerun.dev/cancel',
} as const;

/** Node selector key of the GPU type. */
export const ACCELERATOR = 'run.googleapis.com/accelerator';

/** Runtime class that means automatic base image updates. */
export const BASE_IMAGE_RUNTIME = 'run.googleapis.com/linux-base-image-update';

/** CSI driver that Cloud Run's YAML names for Cloud Storage. */
export const CLOUD_STORAGE_DRIVER = 'gcsfuse.run.googleapis.com';

/** A boolean annotation's value: gcloud writes True, people write true; undefined for anything else. */
export function parseFlag(value: string | undefined): boolean | undefined {
  const text = value?.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** Twenty containers of which each waits for all others, with names of 63 letters, take 28,000 characters. */
const LONGEST_ORDER = 32_768;

/**
 * What annotation container-dependencies says: container -> the containers that must start before it.
 * Names may stand without quotes, as in `{app: [sidecar]}`: published samples write it so.
 * @returns undefined when the text is neither, or far longer than any order of containers.
 */
export function parseDependencies(text: string): Map<string, string[]> | undefined {
  if (text.length > LONGEST_ORDER) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(
      text.replaceAll(/"[^"]*"|[\w.-]+/g, (word) => (word.startsWith('"') ? word : `"${word}"`)),
    );
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const entries = Object.entries(parsed);
  const valid = entries.every(
    ([, list]) => Array.isArray(list) && list.every((name) => typeof name === 'string'),
  );
  return valid ? new Map(entries as [string, string[]][]) : undefined;
}
