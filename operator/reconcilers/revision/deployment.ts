import { SERVING, workerPoolOf } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
import type { Steps } from '../../apis/run/workerPool/scaling.ts';
import { podContainerName } from '../../apis/serving/container/names.ts';
import { sourceOf } from '../../apis/serving/instance/source.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Config } from '../../config.ts';
import type { Deployment } from '../../kube/core.ts';
import { controllerReference } from '../../kube/owner.ts';
import { markApplied } from '../../kube/plan.ts';
import { steersNothing } from '../inherit.ts';
import { asksForBoost, boostAnnotation } from '../pod/boost.ts';
import type { MetadataAccess } from '../pod/metadata.ts';
import { instancePodSpec } from '../pod/pod.ts';
import { withSource } from '../pod/source.ts';
import { spread } from '../pod/spread.ts';
import { withTemplateHash } from './podTemplate.ts';

/** What the cluster adds to the instances of a revision. */
export interface Surroundings {
  /** Where the metadata server is; undefined where there is none. */
  metadata?: MetadataAccess;
  /** Whether instances are made with more CPU, for their start. */
  boost?: boolean;
  /** Node labels over whose values instances are spread. */
  spreadOver?: readonly string[];
}

/** What the cluster can give to instances now. */
export interface Offer {
  /** Where the metadata server is now. */
  metadata?: MetadataAccess;
  /** Whether the CPU of a running pod can be changed. */
  resizesPods?: boolean;
}

/** What the instances of a revision get of it. */
export function surroundingsOf(
  { metadata: { annotations } }: Revision,
  { metadata, resizesPods = false }: Offer,
  { instance }: Pick<Config, 'instance'>,
): Surroundings {
  return {
    spreadOver: instance.spreadOver,
    metadata,
    boost: asksForBoost(annotations) && resizesPods,
  };
}

/** What a worker pool says of the number of a revision's instances. */
interface Size {
  replicas?: number;
  /** How many percent of them may be beyond that number, or missing, while they are replaced. */
  percents?: Steps;
}

/** All instances may be replaced at once, and new ones never wait for old ones to go. */
const ALL_AT_ONCE: Steps = { surge: 100, unavailable: 0 };

/**
 * The Deployment that runs a revision's instances. A service's names no replicas: a new one starts with one instance,
 * which proves the revision, and from then on only the autoscaler and the waking gateway set the number. A worker
 * pool's names as many as the pool gives to the revision (`replicas`). What of it is applied to instances that run
 * follows from `applicable` (podTemplate.ts).
 */
export function desiredDeployment(
  revision: Revision,
  images: ReadonlyMap<string, string>,
  config: Pick<Config, 'instance' | 'serviceAccounts' | 'source'>,
  { metadata, boost, spreadOver, replicas, percents = ALL_AT_ONCE }: Surroundings & Size = {},
): Deployment {
  const { name, namespace, uid = '' } = revision.metadata;
  const pool = workerPoolOf(revision);
  const labels = instanceLabels(revision);
  const pod = instancePodSpec(revision.spec, {
    images,
    env: pool === undefined ? serviceEnv(revision) : poolEnv(revision, pool),
    ingress: pool === undefined,
    annotations: revision.metadata.annotations ?? {},
    metadata,
    boost,
    config,
  });
  const source = sourceOf(revision.metadata.annotations, revision.spec.containers);
  return withTemplateHash({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: deploymentName(name),
      namespace,
      labels,
      ownerReferences: [controllerReference(revision)],
    },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { [SERVING.revisionUID]: uid } },
      // A revision never changes, so there is nothing to keep of older ReplicaSets.
      revisionHistoryLimit: 0,
      strategy: { type: 'RollingUpdate', rollingUpdate: rollingUpdate(percents) },
      template: {
        metadata: {
          labels,
          annotations: {
            ...steersNothing(revision.metadata.annotations),
            ...(boost ? boostOf(revision) : {}),
          },
        },
        spec: {
          ...(source ? withSource(pod, source, config) : pod),
          ...spread(spreadOver, uid),
        },
      },
    },
  } as Deployment);
}

/** Kubernetes rounds as Cloud Run does. Validation allows no 0 percent of both. */
function rollingUpdate({ surge, unavailable }: Steps) {
  return { maxSurge: `${surge}%`, maxUnavailable: unavailable === 0 ? 0 : `${unavailable}%` };
}

/**
 * A new Deployment without instances. The number is not among what is applied later, so that it stays with the
 * autoscaler: it is made so and known as applied.
 */
export function madeAtZero(desired: Deployment): Deployment {
  return { ...markApplied(desired), spec: { ...desired.spec, replicas: 0 } } as Deployment;
}

/** Environment of a service's containers (container contract, Environment variables for services). */
function serviceEnv(revision: Revision): Record<string, string> {
  const labels = revision.metadata.labels ?? {};
  const configuration = labels[SERVING.configuration] ?? '';
  return {
    K_SERVICE: labels[SERVING.service] ?? configuration,
    K_CONFIGURATION: configuration,
    K_REVISION: revision.metadata.name,
  };
}

function boostOf({ spec }: Revision): Record<string, string> {
  const limits = spec.containers.flatMap(({ name, resources }): [string, string][] => {
    const cpu = resources?.limits?.cpu;
    return cpu === undefined ? [] : [[podContainerName(name), String(cpu)]];
  });
  return boostAnnotation(limits);
}

/** Environment of a worker pool's containers (container contract, Environment variables for worker pools). */
function poolEnv(revision: Revision, pool: string): Record<string, string> {
  return { CLOUD_RUN_WORKER_POOL: pool, CLOUD_RUN_WORKER_POOL_REVISION: revision.metadata.name };
}

/** What changes on a revision during its life stays off its pods: they would be replaced for it. */
export function instanceLabels(revision: Revision): Record<string, string> {
  const { name, uid = '' } = revision.metadata;
  const { [SERVING.routingState]: _, ...labels } = revision.metadata.labels ?? {};
  return { app: name, ...labels, [SERVING.revision]: name, [SERVING.revisionUID]: uid };
}
