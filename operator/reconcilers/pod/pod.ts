import { RUN } from '../../apis/annotations/run.ts';
import { parseDependencies } from '../../apis/annotations/values.ts';
import { kubernetesServiceAccount } from '../../apis/identity.ts';
import { ingressContainer, ingressPort } from '../../apis/serving/container/ingress.ts';
import type { Container, Volume } from '../../apis/serving/container/types.ts';
import { ACCELERATOR, BASE_IMAGE_RUNTIME } from '../../apis/serving/instance/platform.ts';
import type { Config } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { withoutUndefined } from '../../kube/json.ts';
import { type PodContainer, podContainer } from './container.ts';
import { hostAliases, type MetadataAccess, metadataEnv } from './metadata.ts';
import { startOrder, taskOrder } from './order.ts';
import { secretAliases } from './secrets.ts';
import { podVolume } from './volumes.ts';

type PodSpec = NonNullable<Pod['spec']>;

/** Time between SIGTERM and SIGKILL, in seconds (container contract, Shutdown). */
const TERMINATION_SECONDS = 10;
/**
 * SIGTERM comes a second after the pod of a service is marked for deletion: by then every gateway knows of it, so that
 * a program which stops at once drops no request (container contract, Shutdown).
 */
const PRE_STOP_SECONDS = 1;

/** The part of a template's spec that all kinds share. */
export interface InstanceSpec {
  containers: Container[];
  volumes?: Volume[];
  serviceAccountName?: string;
  nodeSelector?: Record<string, string>;
  imagePullSecrets?: { name?: string }[];
  runtimeClassName?: string;
}

export interface InstanceContext {
  /** Container name -> image to start. */
  images: ReadonlyMap<string, string>;
  /** What the platform adds to the environment of every container. */
  env: Record<string, string>;
  /** The same for what only the pod knows: variable -> field of the pod. */
  podEnv?: Record<string, string>;
  /** Whether one container takes requests: a service's does, a job's and a worker pool's does not. */
  ingress: boolean;
  /** Whether it is a task, which ends with its main container. */
  task?: boolean;
  /** Annotations of the template: start order, aliases of secrets, execution environment. */
  annotations: Record<string, string>;
  /** Where the metadata server is; undefined where there is none. */
  metadata?: MetadataAccess;
  /** Whether containers are made with more CPU than their limit, for their start. */
  boost?: boolean;
  config: Pick<Config, 'instance' | 'serviceAccounts'>;
}

/**
 * The pod of one instance, the same for services, jobs and worker pools but for environment and ingress.
 * No Kubernetes token and no service links: a program written for Cloud Run expects neither, and both
 * lengthen a cold start.
 */
export function instancePodSpec(spec: InstanceSpec, context: InstanceContext): PodSpec {
  const { annotations, config } = context;
  const secrets = secretAliases(annotations[RUN.secrets]);
  const dependencies = parseDependencies(annotations[RUN.containerDependencies] ?? '{}') ?? new Map();
  const { first, last } = (context.task ? taskOrder : startOrder)(spec.containers, dependencies);
  const built = {
    initContainers: first.length > 0 ? first.map((each) => sidecar(each, spec, context, secrets)) : undefined,
    containers: last.map((each) => instanceContainer(each, spec, context, secrets)),
    volumes: spec.volumes?.map((volume) => podVolume(volume, secrets)),
    serviceAccountName: kubernetesServiceAccount(spec.serviceAccountName, config),
    automountServiceAccountToken: false,
    hostAliases: hostAliases(context.metadata),
    enableServiceLinks: false,
    imagePullSecrets: spec.imagePullSecrets,
    nodeSelector: nodeSelector(spec.nodeSelector, config),
    runtimeClassName: runtimeClass(spec.runtimeClassName, context),
    terminationGracePeriodSeconds: TERMINATION_SECONDS + preStopSeconds(context),
  };
  return withoutUndefined(built) as unknown as PodSpec;
}

function instanceContainer(
  container: Container,
  spec: InstanceSpec,
  context: InstanceContext,
  secrets: ReadonlyMap<string, string>,
): PodContainer {
  const ingress = context.ingress ? ingressContainer(spec.containers) : undefined;
  const port = container === ingress ? ingressPort(container) : undefined;
  const common = { ...metadataEnv(container, context.metadata), ...context.env };
  const env = port === undefined ? common : { ...common, PORT: String(port) };
  const image = context.images.get(container.name) ?? container.image;
  const { config, podEnv, boost = false } = context;
  return podContainer(container, {
    image,
    env,
    podEnv,
    preStopSeconds: preStopSeconds(context),
    port,
    secrets,
    boost,
    config,
  });
}

function preStopSeconds({ ingress }: InstanceContext): number {
  return ingress ? PRE_STOP_SECONDS : 0;
}

/** A container that others wait for: Kubernetes' native sidecar, which goes on beside those that start after it. */
function sidecar(...args: Parameters<typeof instanceContainer>): PodContainer {
  const [, , context] = args;
  const lifecycle = { preStop: { exec: { command: terminate(preStopSeconds(context)) } } };
  return { ...instanceContainer(...args), restartPolicy: 'Always', lifecycle };
}

/**
 * Kubernetes sends SIGTERM to a native sidecar only when those that started after it have ended, but it runs the hooks
 * of all containers at once: so the hook sends it, and all get it together (container contract, Shutdown). It takes a
 * shell in the image; without one the container gets SIGTERM when its turn comes. The other hooks (httpGet, sleep) send no
 * signal, lifecycle.stopSignal chooses which one is sent and not when, and plain containers in place of sidecars would
 * not wait for each other. Where every server mounts images as volumes (Kubernetes 1.36), such a volume could bring a
 * program that sends it.
 */
function terminate(afterSeconds: number): string[] {
  const wait = afterSeconds > 0 ? `sleep ${afterSeconds}; ` : '';
  return ['/bin/sh', '-c', `${wait}kill -TERM 1`];
}

/** The kind of GPU, as the cluster's nodes are labelled (chart value `instance.accelerators`). */
function nodeSelector(
  selector: Record<string, string> | undefined,
  { instance }: Pick<Config, 'instance'>,
): Record<string, string> | undefined {
  if (!selector) return undefined;
  const { [ACCELERATOR]: accelerator, ...rest } = selector;
  if (accelerator === undefined) return selector;
  return { ...rest, ...(instance.accelerators[accelerator] ?? { [ACCELERATOR]: accelerator }) };
}

/**
 * gen1 and gen2 are RuntimeClasses of the cluster, where the chart names them (container contract, Container
 * sandbox). Jobs and worker pools always run in gen2; a service that says nothing leaves it to the platform.
 */
function runtimeClass(
  declared: string | undefined,
  { ingress, annotations, config: { instance } }: InstanceContext,
): string | undefined {
  if (declared && declared !== BASE_IMAGE_RUNTIME) return declared;
  const environment = ingress ? annotations[RUN.executionEnvironment] : 'gen2';
  if (environment !== 'gen1' && environment !== 'gen2') return undefined;
  return instance.runtimeClasses[environment] || undefined;
}
