/** One property of the environment of a program in its container. */
export interface RuntimeContractRow {
  what: string;
  /** What Cloud Run documents. */
  says: string;
  /** The document and its section. */
  document: string;
  /** What a cluster provides where that differs, and why. */
  here?: string;
}

/**
 * The environment of a program in its container: what Cloud Run documents, property by property, and where a cluster
 * differs. docs/contract.md shows it, and a scenario checks each row against what two programs in containers report.
 */
export const RUNTIME_CONTRACT = {
  port: {
    what: 'PORT',
    says: 'the port to listen on, 8080 unless ports sets another; in the ingress container',
    document: 'container contract, Listen for requests',
  },
  portElsewhere: {
    what: 'PORT in other containers',
    says: 'not set',
    document: 'container contract, Environment variables',
  },
  names: {
    what: 'K_SERVICE, K_REVISION, K_CONFIGURATION',
    says: 'names of the service, its revision and its configuration; in all containers',
    document: 'container contract, Environment variables',
  },
  imageEnvironment: {
    what: 'variables of the image',
    says: 'kept, unless the service sets them',
    document: 'API reference, Container: env',
  },
  references: {
    what: '$(NAME) and $$ in a value, a command or an argument',
    says: 'stay as written: references are not supported',
    document: 'API reference, EnvVar: value; Container: command, args',
  },
  otherVariables: {
    what: 'other variables',
    says: 'none but HOME and HOSTNAME of the container runtime',
    document: 'container contract, Environment variables',
  },
  kubernetesVariables: {
    what: 'KUBERNETES_*',
    says: 'not set',
    document: 'container contract, Environment variables',
    here: 'eight variables with the address of the API server: the kubelet sets them in every container and they cannot be removed; there are none for other Kubernetes services (enableServiceLinks is false)',
  },
  metadataVariables: {
    what: 'GCE_METADATA_HOST, GCE_METADATA_IP',
    says: 'not set',
    document: 'container contract, Environment variables',
    here: 'metadata.google.internal in both, so that client libraries use it instead of 169.254.169.254; not set with chart value metadata.linkLocal, nor where the service sets them',
  },
  user: {
    what: 'user',
    says: 'the user that the image names; root when it names none',
    document: 'container contract, Running user',
    here: 'the same; the container runtime rejects a name that the image does not have, and the revision says so, where Cloud Run uses root',
  },
  workingFolder: {
    what: 'working folder',
    says: 'that of the image, unless workingDir is set',
    document: 'API reference, Container: workingDir',
  },
  fileSystem: {
    what: 'file system',
    says: 'writable, in memory: files count towards the memory limit and are deleted with the instance',
    document: 'container contract, File system access',
    here: 'writable, on the disk of the node, and deleted with the instance. Files do not use memory, but a container may write no more than its memory limit (plus 64 MiB for its log): the node checks every ten seconds and stops an instance that has written more, which is reported and counted like a memory limit that is exceeded. limits.ephemeral-storage sets another limit. A volume in memory would count exactly, and would make every cold start a quarter of a second longer: mount one (emptyDir) where it matters',
  },
  temporaryFolder: {
    what: '/tmp',
    says: 'writable',
    document: 'container contract, File system access',
  },
  memoryVolume: {
    what: 'volume emptyDir',
    says: 'in memory whatever its medium; its size is limited to sizeLimit, or to the memory limits of all containers together',
    document: 'API reference, EmptyDirVolumeSource',
    here: 'the same; with medium Disk, which only v2 of the API has, on the disk of the node',
  },
  kubernetesToken: {
    what: 'Kubernetes token',
    says: 'none',
    document: 'container contract, Instance metadata server',
  },
  escalation: {
    what: 'binaries with the setuid bit',
    says: 'give no privileges to a user (no_new_privs)',
    document: 'container contract, Privileged containers and setuid binaries',
  },
  capabilities: {
    what: 'privileged containers',
    says: 'not supported: no capabilities to administer the node',
    document: 'container contract, Privileged containers and setuid binaries',
  },
  sandbox: {
    what: 'sandbox',
    says: 'system calls are limited',
    document: 'container contract, Container sandbox',
    here: 'by the seccomp profile RuntimeDefault; with gVisor where chart value instance.runtimeClasses names such a RuntimeClass for gen1',
  },
  process: {
    what: 'process',
    says: 'the program is the init process of its own process namespace (gen2)',
    document: 'container contract, Container sandbox',
  },
  cpu: {
    what: 'CPU limit',
    says: '1 per container, unless limits.cpu is set',
    document: 'container contract, CPU',
  },
  cores: {
    what: 'number of cores',
    says: 'a container may run on several cores at once',
    document: 'container contract, CPU',
    here: 'a program sees the cores of its node; its limit is a share of their time (cgroup)',
  },
  memory: {
    what: 'memory limit',
    says: '512 MiB per container, unless limits.memory is set; an instance that uses more is stopped, and its requests end with 500',
    document: 'container contract, Memory and Forced termination',
    here: 'the same, but the container that uses more is restarted in place and the others keep running; once the kubelet delays that restart, the whole instance is replaced. Revision and service get an Event (OutOfMemory), the revision the condition MemorySufficient, and homerun_memory_limit_exceeded_total counts it',
  },
  openFiles: {
    what: 'open files of a process',
    says: 'at most 25,000, a hard limit',
    document: 'container contract, File descriptor limit',
    here: 'the limit of the container runtime on the node, often 1,048,576: a pod cannot set it. Programs that need fewer than 25,000 work here too unless it is lower; set LimitNOFILE of containerd for the same limit',
  },
  kernelLimits: {
    what: '/proc/sys/fs/file-max, /proc/sys/vm/max_map_count',
    says: 'about a tenth of the memory; 65535 (gen2)',
    document: 'container contract, Limits of the second generation environment',
    here: 'those of the node, since they belong to its kernel',
  },
  product: {
    what: '/sys/class/dmi/id/product_name',
    says: 'Google Compute Engine (gen2)',
    document: 'container contract, Container sandbox',
    here: 'that of the node, or none',
  },
  metadataName: {
    what: 'metadata.google.internal',
    says: 'is the metadata server',
    document: 'container contract, Instance metadata server',
  },
  projectId: {
    what: 'project/project-id',
    says: 'the project of the service',
    document: 'container contract, Instance metadata server',
    here: 'the namespace, or what chart value metadata.projectId maps it to',
  },
  projectNumber: {
    what: 'project/numeric-project-id',
    says: 'the number of the project',
    document: 'container contract, Instance metadata server',
    here: 'twelve digits derived from the namespace, or chart value metadata.projectNumbers',
  },
  region: {
    what: 'instance/region',
    says: 'projects/PROJECT-NUMBER/regions/REGION',
    document: 'container contract, Instance metadata server',
  },
  zone: {
    what: 'instance/zone',
    says: 'projects/PROJECT-NUMBER/zones/REGION-1',
    document: 'container contract, Instance metadata server',
  },
  instanceId: {
    what: 'instance/id',
    says: 'a unique identifier of the instance',
    document: 'container contract, Instance metadata server',
  },
  email: {
    what: 'instance/service-accounts/default/email',
    says: 'the e-mail address of the service identity',
    document: 'container contract, Instance metadata server',
  },
  identityToken: {
    what: 'instance/service-accounts/default/identity',
    says: 'a token for the requested audience',
    document: 'container contract, Instance metadata server',
    here: 'signed by the cluster, see docs/metadata.md',
  },
  accessToken: {
    what: 'instance/service-accounts/default/token',
    says: 'an access token for Google Cloud',
    document: 'container contract, Instance metadata server',
    here: '404 that says what to configure, unless workload identity federation is set up',
  },
  flavorAsked: {
    what: 'Metadata-Flavor: Google in a request',
    says: 'is required',
    document: 'container contract, Instance metadata server',
  },
  flavorAnswered: {
    what: 'Metadata-Flavor: Google in a response',
    says: 'is set',
    document: 'container contract, Instance metadata server',
  },
  forwarded: {
    what: 'X-Forwarded-For in a request to the metadata server',
    says: 'is rejected: no proxy may request metadata for others',
    document: 'Compute Engine, Metadata server',
  },
  plainHttp: {
    what: 'requests',
    says: 'arrive without TLS, as HTTP/1.1 unless the port is named h2c, with the host that the client requested',
    document: 'container contract, Transport layer encryption',
  },
  forwardedHeaders: {
    what: 'X-Forwarded-For, X-Forwarded-Proto, Forwarded',
    says: 'name the client and its protocol, after what the client sent in them',
    document: 'Knative runtime contract, Protocols and ports',
  },
  traceparent: {
    what: 'traceparent',
    says: 'arrives as it was sent; a request without it begins a trace, of which one in ten seconds is sampled for each instance',
    document: 'Cloud Run, Using distributed tracing',
  },
  cloudTrace: {
    what: 'X-Cloud-Trace-Context',
    says: 'names the same trace, span and sampling as traceparent; arrives as it was sent',
    document: 'Cloud Trace, Trace context',
  },
  sigterm: {
    what: 'SIGTERM',
    says: 'is sent to every container before an instance stops',
    document: 'container contract, Shutdown',
    here: 'the same. A container that others depend on gets it immediately only if its image has /bin/sh: Kubernetes stops such a container only after those that depend on it, so a hook in the container sends the signal, and a second one follows when the others have stopped. Without a shell only the second one is sent, in what the others leave of the ten seconds, and an Event FailedPreStopHook reports it for each instance that stops. Kubernetes cannot signal a container from outside, and whether an image has a shell is not known beforehand: the only alternative would be a program of Homerun in every such container, at the cost of its cold start',
  },
  sigkill: {
    what: 'SIGKILL',
    says: '10 seconds after SIGTERM',
    document: 'container contract, Shutdown',
    here: 'the same. The autoscaler removes an instance only when it is idle: gateways stop sending requests to it and report that its last request has ended before the number of instances is lowered. An eviction (when a node is drained) is rejected with 429, as by a disruption budget, until the requests of the instance have ended and it is deleted, for timeoutSeconds at most; where there must be two instances or more, the next one is evicted when another has started. kubectl delete pod leaves requests these ten seconds: a longer grace period cannot be shortened once the kubelet has begun to stop a pod, and idle programs that ignore SIGTERM would use all of it',
  },
} as const satisfies Record<string, RuntimeContractRow>;

const VARIABLES = 'container contract, Environment variables';

/** What differs in a task of a job and in an instance of a worker pool; their own scenarios test it. */
export const OTHER_RUNTIME_CONTRACT: readonly RuntimeContractRow[] = [
  {
    what: 'task: CLOUD_RUN_JOB, CLOUD_RUN_EXECUTION',
    says: 'names of the job and of the execution',
    document: VARIABLES,
  },
  {
    what: 'task: CLOUD_RUN_TASK_INDEX, CLOUD_RUN_TASK_COUNT',
    says: 'index of the task, from 0, and the number of tasks',
    document: VARIABLES,
  },
  {
    what: 'task: CLOUD_RUN_TASK_ATTEMPT',
    says: 'number of earlier attempts of the task: 0 at first',
    document: VARIABLES,
  },
  {
    what: 'task: PORT, K_SERVICE, K_REVISION, K_CONFIGURATION',
    says: 'not set',
    document: VARIABLES,
  },
  {
    what: 'task: JOB_COMPLETION_INDEX',
    says: 'not set',
    document: VARIABLES,
    here: 'the index of the task: Kubernetes sets it in every container of an indexed Job',
  },
  {
    what: 'task: time until the next attempt',
    says: 'a task that failed is retried',
    document: 'Cloud Run jobs, --max-retries',
    here: 'after 10 s, then 20 s, 40 s and so on: Kubernetes decides it, and no field shortens it',
  },
  {
    what: 'task: deadline',
    says: 'SIGTERM when timeoutSeconds have passed, 10 seconds later SIGKILL',
    document: 'container contract, Jobs: forced termination',
    here: 'the same, counted in whole seconds from the start of the container of the task: the controller then has the kubelet stop the task. While no controller runs, and for a start that takes longer than startup.limitSeconds, the task is stopped timeoutSeconds plus startup.limitSeconds after its node accepted it, which is where Kubernetes itself counts from',
  },
  {
    what: 'worker: CLOUD_RUN_WORKER_POOL, CLOUD_RUN_WORKER_POOL_REVISION',
    says: 'names of the worker pool and of its revision',
    document: VARIABLES,
  },
  {
    what: 'worker: PORT, K_SERVICE, K_REVISION, K_CONFIGURATION',
    says: 'not set',
    document: VARIABLES,
  },
];

/** Name of a row. */
export type RuntimeContractKey = keyof typeof RUNTIME_CONTRACT;
