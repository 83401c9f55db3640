import { kubernetesServiceAccount } from '../../apis/identity.ts';
import { ingressContainer, ingressPort } from '../../apis/serving/container/ingress.ts';
import type { Container, Volume } from '../../apis/serving/container/types.ts';
import type { Config } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { podContainer } from './container.ts';
import { hostAliases, type MetadataAccess, metadataEnv } from './metadata.ts';
import { podVolume } from './volumes.ts';

type PodSpec = NonNullable<Pod['spec']>;

/** Time between SIGTERM and SIGKILL, in seconds (container contract, Shutdown). */
const TERMINATION_SECONDS = 10;
/** How long SIGTERM is held back; see podContainer. */
const PRE_STOP_SECONDS = 1;

/** The part of a template's spec that all kinds share. */
export interface InstanceSpec {
  containers: Container[];
  volumes?: Volume[];
  serviceAccountName?: string;
  nodeSelector?: Record<string, string>;
  imagePullSecrets?: { name?: string }[];
}

export interface InstanceContext {
  /** Container name -> image to start. */
  images: ReadonlyMap<string, string>;
  /** What the platform adds to the environment of every container. */
  env: Record<string, string>;
  /** Whether one container takes requests: a service's does, a job's and a worker pool's does not. */
  ingress: boolean;
  /** Where the metadata server is; undefined where there is none. */
  metadata?: MetadataAccess;
  config: Pick<Config, 'instance' | 'serviceAccounts'>;
}

/**
 * The pod of one instance, the same for services, jobs and worker pools but for environment and ingress.
 * No Kubernetes token and no service links: a program written for Cloud Run expects neither, and both
 * lengthen a cold start.
 */
export function instancePodSpec(spec: InstanceSpec, context: InstanceContext): PodSpec {
  const ingress = context.ingress ? ingressContainer(spec.containers) : undefined;
  const built = {
    containers: spec.containers.map((container) => {
      const port = container === ingress ? ingressPort(container) : undefined;
      const common = { ...metadataEnv(container, context.metadata), ...context.env };
      const env = port === undefined ? common : { ...common, PORT: String(port) };
      const image = context.images.get(container.name) ?? container.image;
      return podContainer(container, { image, env, port, config: context.config });
    }),
    volumes: spec.volumes?.map(podVolume),
    serviceAccountName: kubernetesServiceAccount(spec.serviceAccountName, context.config),
    automountServiceAccountToken: false,
    hostAliases: hostAliases(context.metadata),
    enableServiceLinks: false,
    imagePullSecrets: spec.imagePullSecrets,
    nodeSelector: spec.nodeSelector,
    terminationGracePeriodSeconds: TERMINATION_SECONDS + PRE_STOP_SECONDS,
  };
  return Object.fromEntries(
    Object.entries(built).filter(([, value]) => value !== undefined),
  ) as unknown as PodSpec;
}
