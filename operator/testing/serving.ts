import type { Condition } from '../apis/condition.ts';
import { RUN, SERVING } from '../apis/labels.ts';
import { deploymentName } from '../apis/names.ts';
import type { WorkerPool } from '../apis/run/workerPool/types.ts';
import type { Configuration } from '../apis/serving/configuration/types.ts';
import { defaultRevisionSpec } from '../apis/serving/revision/defaults.ts';
import type { Revision, TemplateSpec } from '../apis/serving/revision/types.ts';
import type { Route } from '../apis/serving/route/types.ts';
import type { Service } from '../apis/serving/service/types.ts';
import type { Deployment, Pod } from '../kube/core.ts';
import { controllerReference } from '../kube/owner.ts';

// Objects for tests as the API server would hold them; each call gives a new one, with what the test says changed.

/** The moment at which the objects were made; tests take their `now` from here. */
export const EPOCH = Date.parse('2026-01-01T00:00:00Z');
export const IMAGE = 'registry.example/app:1';
export const PINNED = `registry.example/app@sha256:${'a'.repeat(64)}`;

const CREATED = new Date(EPOCH).toISOString().replace('.000', '');

type Template = Service['spec']['template'];
type Changes = { spec?: Partial<TemplateSpec>; metadata?: Template['metadata'] };

export function template({ spec, metadata }: Changes = {}): Template {
  return { metadata, spec: { containers: [{ image: IMAGE }], ...spec } } as Template;
}

export function service(name = 'hello', changes: Changes = {}): Service {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace: 'demo', uid: `service-${name}`, generation: 1, creationTimestamp: CREATED },
    spec: { template: template(changes), traffic: [{ latestRevision: true, percent: 100 }] },
  } as Service;
}

export function configuration(name = 'hello', changes: Changes = {}): Configuration {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Configuration',
    metadata: {
      name,
      namespace: 'demo',
      uid: `configuration-${name}`,
      generation: 1,
      creationTimestamp: CREATED,
      labels: { [SERVING.service]: name, [SERVING.serviceUID]: `service-${name}` },
    },
    spec: { template: template(changes) },
  } as Configuration;
}

export interface RevisionChanges extends Changes {
  generation?: number;
  ready?: Condition['status'];
  reason?: string;
  message?: string;
}

/** A revision of the configuration `hello`. */
export function revision(name = 'hello-00001-abc', changes: RevisionChanges = {}): Revision {
  const { generation = 1, ready, reason, message } = changes;
  const conditions = ready && [
    { type: 'Ready', status: ready, reason, message, lastTransitionTime: CREATED },
  ];
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Revision',
    metadata: {
      name,
      namespace: 'demo',
      uid: `revision-${name}`,
      generation: 1,
      creationTimestamp: CREATED,
      labels: {
        [SERVING.configuration]: 'hello',
        [SERVING.configurationGeneration]: String(generation),
        [SERVING.service]: 'hello',
      },
      annotations: changes.metadata?.annotations,
      ownerReferences: [controllerReference(configuration())],
    },
    spec: defaultRevisionSpec(template(changes).spec, { name: 'hello' }),
    ...(conditions ? { status: { conditions } } : {}),
  } as Revision;
}

export function workerPool(name = 'queue', changes: Changes = {}): WorkerPool {
  return {
    apiVersion: 'run.googleapis.com/v1',
    kind: 'WorkerPool',
    metadata: { name, namespace: 'demo', uid: `pool-${name}`, generation: 1, creationTimestamp: CREATED },
    spec: {
      template: template(changes),
      instanceSplits: [{ latestRevision: true, percent: 100 }],
      manualInstanceCount: 1,
    },
  } as WorkerPool;
}

export interface PooledChanges extends RevisionChanges {
  /** Status of the condition ContainerHealthy; that of Ready when unset. */
  healthy?: Condition['status'];
}

/** A revision of the worker pool `queue` whose image is known by its digest. */
export function pooledRevision(name = 'queue-00001-abc', changes: PooledChanges = {}): Revision {
  const made = revision(name, changes);
  const { ready, reason, message, healthy = ready } = changes;
  const health = healthy ? [{ type: 'ContainerHealthy', status: healthy, reason, message }] : [];
  return {
    ...made,
    metadata: {
      ...made.metadata,
      labels: {
        [SERVING.configurationGeneration]: String(changes.generation ?? 1),
        [RUN.workerPool]: 'queue',
      },
      ownerReferences: [controllerReference(workerPool())],
    },
    spec: defaultRevisionSpec(template(changes).spec, { name: 'queue', ingress: false }),
    status: {
      conditions: [...(made.status?.conditions ?? []), ...health],
      containerStatuses: made.spec.containers.map(({ name: container }) => ({
        name: container,
        imageDigest: PINNED,
      })),
    },
  } as Revision;
}

export function route(name = 'hello', traffic?: Route['spec']['traffic']): Route {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Route',
    metadata: { name, namespace: 'demo', uid: `route-${name}`, generation: 1, creationTimestamp: CREATED },
    spec: { traffic: traffic ?? [{ latestRevision: true, configurationName: name, percent: 100 }] },
  } as Route;
}

/** The Deployment of a revision. */
export function deployment(
  of = 'hello-00001-abc',
  replicas = 1,
  status: Deployment['status'] = {},
): Deployment {
  const name = deploymentName(of);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'demo', uid: `deployment-${name}`, creationTimestamp: CREATED },
    spec: { replicas },
    status,
  } as Deployment;
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** A pod of the revision `hello-00001-abc` whose one container is in the given state. */
export function pod(status: Partial<ContainerStatus> = {}, changes: Partial<Pod['status']> = {}): Pod {
  const container = {
    name: 'user-container',
    image: IMAGE,
    imageID: '',
    ready: false,
    restartCount: 0,
    ...status,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'hello-00001-abc-x', namespace: 'demo', uid: 'pod-x', creationTimestamp: CREATED },
    status: { startTime: CREATED, podIP: '10.0.0.1', containerStatuses: [container], ...changes },
  } as Pod;
}
