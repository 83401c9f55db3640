/** Something that a program may rely on inside a container. */
export interface RuntimeContractRow {
  what: string;
  /** What Cloud Run's documents say of it. */
  says: string;
  /** Where they do. */
  document: string;
  /** What a cluster gives, and why, where that is not the same. */
  here?: string;
}

/**
 * What a program finds inside a container: what the documents say, line by line, and where a cluster differs. The
 * page docs/contract.md shows it, and a scenario holds what two programs report from inside against each row.
 */
export const RUNTIME_CONTRACT = {
  port: {
    what: 'PORT',
    says: 'the port to listen on, 8080 unless ports says otherwise; in the ingress container',
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
    says: 'stay as they are written: references are not supported',
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
    here: 'eight variables with the address of the API server: the kubelet sets them in every container and they cannot be taken away; no other Kubernetes service has any (enableServiceLinks is false)',
  },
  metadataVariables: {
    what: 'GCE_METADATA_HOST, GCE_METADATA_IP',
    says: 'not set',
    document: 'container contract, Environment variables',
    here: 'metadata.google.internal in both, so that client libraries ask there and not at 169.254.169.254; not set with chart value metadata.linkLocal, nor where the service sets them',
  },
  user: {
    what: 'user',
    says: 'the one that the image names; root when it names none',
    document: 'container contract, Running user',
    here: 'the same; a name that the image does not have is rejected by the container runtime, and the revision says so, where Cloud Run takes root',
  },
  workingFolder: {
    what: 'working folder',
    says: 'the one of the image, unless workingDir is set',
    document: 'API reference, Container: workingDir',
  },
  fileSystem: {
    what: 'file system',
    says: 'writable, in memory: what is written counts as memory, and is gone with the instance',
    document: 'container contract, File system access',
    here: 'writable, on the disk of the node, and gone with the instance. Files do not take from the memory, but a container may write no more than its memory limit (and 64 MiB for its log): the node looks every ten seconds and ends an instance that has written more, which is told and counted as memory. limits.ephemeral-storage sets another number. A volume in memory would count exactly, and would make every cold start a quarter of a second longer: mount one (emptyDir) where it matters',
  },
  temporaryFolder: {
    what: '/tmp',
    says: 'writable',
    document: 'container contract, File system access',
  },
  memoryVolume: {
    what: 'volume emptyDir',
    says: 'in memory whatever its medium; holds sizeLimit at most, or what the containers have together',
    document: 'API reference, EmptyDirVolumeSource',
    here: 'the same; with medium Disk, which only v2 of the API has, on the disk of the node',
  },
  kubernetesToken: {
    what: 'token of Kubernetes',
    says: 'there is none',
    document: 'container contract, Instance metadata server',
  },
  escalation: {
    what: 'binaries with the setuid bit',
    says: 'give a user no privileges (no_new_privs)',
    document: 'container contract, Privileged containers and setuid binaries',
  },
  capabilities: {
    what: 'privileged containers',
    says: 'not supported: no capability that administers the node',
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
    says: 'the program is the init process of a process namespace of its own (gen2)',
    document: 'container contract, Container sandbox',
  },
  cpu: {
    what: 'CPU limit',
    says: '1 for each container, unless limits.cpu is set',
    document: 'container contract, CPU',
  },
  cores: {
    what: 'number of cores',
    says: 'a container may run on several cores at once',
    document: 'container contract, CPU',
    here: 'a program counts the cores of its node; its limit is a share of their time (cgroup)',
  },
  memory: {
    what: 'memory limit',
    says: '512 MiB for each container, unless limits.memory is set; an instance that takes more is ended, and its requests end with 500',
    document: 'container contract, Memory and Forced termination',
    here: 'the same, but the container that takes more is started again in its place and the others go on; once the kubelet puts that off, the whole instance is replaced. Revision and service get an Event (OutOfMemory), the revision the condition MemorySufficient, and homerun_memory_limit_exceeded_total counts it',
  },
  openFiles: {
    what: 'open files of a process',
    says: 'at most 25,000, a hard limit',
    document: 'container contract, File descriptor limit',
    here: 'the limit of the container runtime on the node, often 1,048,576: a pod cannot set it. Programs that need fewer than 25,000 work here too where it is not lower; set LimitNOFILE of containerd for the same number',
  },
  kernelLimits: {
    what: '/proc/sys/fs/file-max, /proc/sys/vm/max_map_count',
    says: 'about a tenth of the memory; 65535 (gen2)',
    document: 'container contract, Limits of the second generation environment',
    here: 'those of the node: they belong to its kernel',
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
    here: 'the namespace, or what chart value metadata.projectId makes of it',
  },
  projectNumber: {
    what: 'project/numeric-project-id',
    says: 'the number of the project',
    document: 'container contract, Instance metadata server',
    here: 'twelve digits that follow from the namespace, or chart value metadata.projectNumbers',
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
    says: 'a token for the audience that is asked for',
    document: 'container contract, Instance metadata server',
    here: 'signed by the cluster, see docs/metadata.md',
  },
  accessToken: {
    what: 'instance/service-accounts/default/token',
    says: 'an access token for Google Cloud',
    document: 'container contract, Instance metadata server',
    here: '404 with what to configure, unless workload identity federation is set up',
  },
  flavorAsked: {
    what: 'Metadata-Flavor: Google in a request',
    says: 'must be there',
    document: 'container contract, Instance metadata server',
  },
  flavorAnswered: {
    what: 'Metadata-Flavor: Google in an answer',
    says: 'is there',
    document: 'container contract, Instance metadata server',
  },
  forwarded: {
    what: 'X-Forwarded-For in a request to the metadata server',
    says: 'is rejected: no proxy may ask for others',
    document: 'Compute Engine, Metadata server',
  },
  plainHttp: {
    what: 'requests',
    says: 'arrive without TLS, as HTTP/1.1 unless the port is named h2c, with the host that the client asked for',
    document: 'container contract, Transport layer encryption',
  },
  forwardedHeaders: {
    what: 'X-Forwarded-For, X-Forwarded-Proto, Forwarded',
    says: 'tell the client and how it came; what the client sent stands before',
    document: 'Knative runtime contract, Protocols and ports',
  },
  traceparent: {
    what: 'traceparent',
    says: 'arrives as it was sent',
    document: 'Cloud Run, Trace: W3C trace context',
  },
  sigterm: {
    what: 'SIGTERM',
    says: 'comes to every container before an instance ends',
    document: 'container contract, Shutdown',
    here: 'the same, at once where the image of a container that others wait for has /bin/sh: Kubernetes stops such a container only after those that wait for it, so a hook inside it sends the signal, and a second one comes when the others have ended. Without a shell only that one comes, within what the others leave of the ten seconds, and an Event FailedPreStopHook says so for each instance that ends. Nothing in Kubernetes signals a container from outside, and nobody can tell beforehand whether an image has a shell: the only other way would be a program of Homerun in every such container, at the price of its cold start',
  },
  sigkill: {
    what: 'SIGKILL',
    says: '10 seconds after SIGTERM',
    document: 'container contract, Shutdown',
    here: 'the same. An instance is given up only when it is empty: gateways stop sending to it and tell that its last request has ended before its number is lowered. An eviction (a node that is emptied) is rejected like a disruption budget does, with 429, until its requests have ended and it is deleted, for timeoutSeconds at most; where there must be two instances or more, the next one goes when another has started. kubectl delete pod leaves requests these ten seconds: a longer time cannot be shortened any more once the kubelet has begun to end a pod, and idle programs that ignore SIGTERM would stay for all of it',
  },
} as const satisfies Record<string, RuntimeContractRow>;

const VARIABLES = 'container contract, Environment variables';

/** What is otherwise in a task of a job and in an instance of a worker pool; their own scenarios try it. */
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
    says: 'how often the task was tried before: 0 at first',
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
    says: 'a task that failed is tried again',
    document: 'Cloud Run jobs, --max-retries',
    here: 'after 10 s, then 20 s, 40 s and so on: Kubernetes decides that, and no field shortens it',
  },
  {
    what: 'task: deadline',
    says: 'SIGTERM when timeoutSeconds have passed, 10 seconds later SIGKILL',
    document: 'container contract, Jobs: forced termination',
    here: 'the same, from when the container of the task starts, in whole seconds: the controller has the kubelet end the task then. Without a controller meanwhile, and for a start that takes longer than startup.limitSeconds, the task is ended timeoutSeconds and startup.limitSeconds after its node took it: Kubernetes itself counts from there',
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

/** The name of a row. */
export type RuntimeContractKey = keyof typeof RUNTIME_CONTRACT;
