import { SERVING } from '../../operator/apis/labels.ts';
import { executionOf } from '../../operator/apis/run/execution/fromJob.ts';
import type { Job } from '../../operator/apis/run/job/types.ts';
import type { Configuration } from '../../operator/apis/serving/configuration/types.ts';
import { defaultContainer } from '../../operator/apis/serving/container/defaults.ts';
import type { Revision } from '../../operator/apis/serving/revision/types.ts';
import type { Route } from '../../operator/apis/serving/route/types.ts';
import type { Service } from '../../operator/apis/serving/service/types.ts';
import type { Config } from '../../operator/config.ts';
import type { CoreService, Deployment } from '../../operator/kube/core.ts';
import { markApplied } from '../../operator/kube/plan.ts';
import { timestamp } from '../../operator/kube/time.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { ownerOf, planConfiguration } from '../../operator/reconcilers/configuration/plan.ts';
import { planJob } from '../../operator/reconcilers/job/plan.ts';
import { desiredDeployment } from '../../operator/reconcilers/revision/deployment.ts';
import { planRevision } from '../../operator/reconcilers/revision/plan.ts';
import { desiredAlias } from '../../operator/reconcilers/route/alias.ts';
import { planRoute } from '../../operator/reconcilers/route/plan.ts';
import { desiredConfiguration, desiredRoute, planService } from '../../operator/reconcilers/service/plan.ts';
import { desiredRevision } from '../../operator/reconcilers/template/plan.ts';

// A cluster that has come to rest: every object as the controllers would leave it, so that they find nothing to write.

const NAMESPACE = 'demo';
/** When everything was made: within the time for which revisions are kept in any case. */
const MADE_AT = Date.now() - 3_600_000;
const DIGEST = `registry.example/team/app@sha256:${'a'.repeat(64)}`;

type Container = Service['spec']['template']['spec']['containers'][number];

/** A container as people have them: a dozen variables, two of them secret, resources, a probe and a volume. */
function container(generation: number): Container {
  const plain = Array.from({ length: 10 }, (_, index) => ({
    name: `SETTING_${index}`,
    value: `value ${index} of revision ${generation}`,
  }));
  const secret = { secretKeyRef: { name: 'database-url', key: 'latest' } };
  const written = {
    image: 'registry.example/team/app:v1',
    env: [...plain, { name: 'DATABASE_URL', valueFrom: secret }, { name: 'API_KEY', valueFrom: secret }],
    ports: [{ name: 'http1', containerPort: 8080 }],
    resources: { limits: { cpu: '1000m', memory: '512Mi' } },
    volumeMounts: [{ name: 'keys', mountPath: '/keys' }],
    startupProbe: { httpGet: { path: '/healthz' }, periodSeconds: 10, failureThreshold: 3 },
  };
  return defaultContainer(
    written as never,
    { name: 'app', ingress: true, startupProbe: true } as never,
  ) as Container;
}

function stored<T extends KubeObject>(object: T, generation = 1): T {
  const { namespace, name } = object.metadata;
  const metadata = {
    ...object.metadata,
    uid: `${object.kind}-${namespace}-${name}`.toLowerCase().padEnd(36, '0'),
    generation,
    creationTimestamp: timestamp(MADE_AT),
  };
  return { ...object, metadata };
}

/** A service of so many revisions, of which the last has all traffic and an idle one of none each the others. */
export function finishedService(
  name: string,
  revisions: number,
  config: Config,
  system: string,
): KubeObject[] {
  const template = (generation: number) => ({
    metadata: {
      annotations: { 'autoscaling.knative.dev/maxScale': '10', 'run.googleapis.com/client-name': 'gcloud' },
    },
    spec: {
      containerConcurrency: 80,
      timeoutSeconds: 300,
      serviceAccountName: 'default',
      containers: [container(generation)],
      volumes: [
        { name: 'keys', secret: { secretName: 'keys', items: [{ key: 'latest', path: 'key.pem' }] } },
      ],
    },
  });
  const manifest = (generation: number) => ({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE, annotations: { 'run.googleapis.com/ingress': 'all' } },
    spec: { template: template(generation), traffic: [{ latestRevision: true, percent: 100 }] },
  });
  const last = manifest(revisions);
  let service = stored(last as unknown as Service, revisions);
  service.metadata.annotations = {
    ...service.metadata.annotations,
    'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(last),
  };
  let configuration = stored(markApplied(desiredConfiguration(service)), revisions);
  const made = Array.from({ length: revisions }, (_, index) => {
    const generation = index + 1;
    const of = { ...manifest(generation), metadata: service.metadata } as unknown as Service;
    const past = { ...configuration, spec: desiredConfiguration(of).spec } as Configuration;
    past.metadata = { ...configuration.metadata, generation };
    return finishedRevision(
      stored(markApplied(desiredRevision(ownerOf(past)))),
      generation === revisions,
      config,
    );
  });
  const byName = new Map(made.map(({ revision }) => [revision.metadata.name, revision]));
  const latest = made.at(-1)?.revision.metadata.name ?? '';
  const configured = {
    configuration,
    revisions: [...byName.values()],
    named: undefined,
    routed: new Set([latest]),
  };
  configuration = planConfiguration(configured, config, MADE_AT).status as Configuration;
  let route = stored(markApplied(desiredRoute(service)), 1);
  const routed = { route, configurations: new Map([[name, configuration]]), revisions: byName };
  route = planRoute(routed, system, config, MADE_AT).status as Route;
  service = planService({ service, configuration, route }, MADE_AT).status as Service;
  const alias = stored(markApplied(desiredAlias(route, system, config))) as CoreService;
  return [
    service,
    configuration,
    route,
    alias,
    ...made.flatMap(({ revision, deployment }) => [revision, deployment]),
  ];
}

function finishedRevision(
  fresh: Revision,
  routed: boolean,
  config: Config,
): { revision: Revision; deployment: Deployment } {
  const state = { state: 'resolved', image: DIGEST, digest: DIGEST } as const;
  const digests = new Map(fresh.spec.containers.map(({ name }) => [name, state]));
  const images = new Map([...digests].map(([name, { image }]) => [name, image]));
  const labels = { ...fresh.metadata.labels, [SERVING.routingState]: routed ? 'active' : 'reserve' };
  const proven = [{ type: 'ContainerHealthy', status: 'True', lastTransitionTime: timestamp(MADE_AT) }];
  let revision = {
    ...fresh,
    metadata: { ...fresh.metadata, labels },
    status: { conditions: proven },
  } as Revision;
  const deployment = asStored(stored(markApplied(desiredDeployment(revision, images, config))));
  const input = { pods: [], passed: new Set<string>(), digests, routed };
  revision = planRevision({ ...input, revision, deployment }, config, MADE_AT).status as Revision;
  return { revision, deployment };
}

/** With what the API server fills in and its controllers tell of a Deployment without instances. */
function asStored(deployment: Deployment): Deployment {
  const { template, ...spec } = deployment.spec as NonNullable<Deployment['spec']>;
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: timestamp(MADE_AT),
    lastUpdateTime: timestamp(MADE_AT),
  });
  return {
    ...deployment,
    metadata: {
      ...deployment.metadata,
      annotations: { ...deployment.metadata.annotations, 'deployment.kubernetes.io/revision': '1' },
    },
    spec: {
      ...spec,
      replicas: 0,
      progressDeadlineSeconds: 600,
      template: {
        ...template,
        spec: {
          ...template.spec,
          containers: template.spec?.containers.map((each) => ({
            ...each,
            terminationMessagePath: '/dev/termination-log',
            imagePullPolicy: 'IfNotPresent',
          })),
          dnsPolicy: 'ClusterFirst',
          restartPolicy: 'Always',
          schedulerName: 'default-scheduler',
          securityContext: {},
        },
      },
    },
    status: {
      observedGeneration: 2,
      conditions: [
        condition('Available', 'MinimumReplicasAvailable', 'Deployment has minimum availability.'),
        condition('Progressing', 'NewReplicaSetAvailable', 'ReplicaSet "x" has successfully progressed.'),
      ],
    },
  } as Deployment;
}

/** A job with so many executions that have all ended well. */
export function finishedJob(name: string, executions: number, config: Config): KubeObject[] {
  const { ports: _, startupProbe: __, ...task } = container(1) as Container & Record<string, unknown>;
  const job = stored({
    apiVersion: 'run.googleapis.com/v1',
    kind: 'Job',
    metadata: { name, namespace: NAMESPACE, annotations: { 'run.googleapis.com/client-name': 'gcloud' } },
    spec: {
      template: {
        spec: {
          taskCount: 1,
          template: {
            spec: {
              maxRetries: 3,
              timeoutSeconds: '600',
              serviceAccountName: 'default',
              containers: [task],
              volumes: [{ name: 'keys', secret: { secretName: 'keys' } }],
            },
          },
        },
      },
    },
  } as unknown as Job);
  const at = (seconds: number) => timestamp(MADE_AT + seconds * 1000);
  const condition = (type: string, message?: string) => ({
    type,
    status: 'True',
    ...(message ? { message } : {}),
    lastTransitionTime: at(12),
  });
  const runs = Array.from({ length: executions }, (_, index) => {
    const execution = stored(executionOf(job, { name: `${name}-${String(index).padStart(5, '0')}` }));
    const task = {
      index: 0,
      attempt: 0,
      state: 'Succeeded',
      exitCode: 0,
      pod: `${execution.metadata.name}-0-abcde`,
    };
    const status = {
      observedGeneration: 1,
      startTime: at(1),
      completionTime: at(12),
      duration: '11s',
      succeededCount: 1,
      logUri: '',
      tasks: [task],
      conditions: [
        condition('Completed', 'Execution completed successfully in 11s.'),
        condition('ContainerReady'),
        condition('ResourcesAvailable'),
        condition('Started'),
      ],
    };
    return { ...execution, status } as unknown as typeof execution;
  });
  const { status } = planJob({ job, executions: runs }, config, MADE_AT);
  return [status ?? job, ...runs];
}
