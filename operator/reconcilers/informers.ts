import { RUN, SERVING } from '../apis/labels.ts';
import { EXECUTIONS, type Execution } from '../apis/run/execution/types.ts';
import { JOBS, type Job } from '../apis/run/job/types.ts';
import { WORKER_POOLS, type WorkerPool } from '../apis/run/workerPool/types.ts';
import { CONFIGURATIONS, type Configuration } from '../apis/serving/configuration/types.ts';
import { REVISIONS, type Revision } from '../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../apis/serving/route/types.ts';
import { SERVICES, type Service } from '../apis/serving/service/types.ts';
import type { UrlConfig } from '../apis/url.ts';
import type { KubeClient } from '../kube/client.ts';
import {
  BATCH_JOBS,
  type BatchJob,
  CORE_SERVICES,
  type CoreService,
  DEPLOYMENTS,
  type Deployment,
  PODS,
  type Pod,
} from '../kube/core.ts';
import { Informer } from '../kube/informer.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Permission } from '../rbac.ts';
import type { Logger } from '../telemetry/log.ts';
import { shortExecution, shortPod, withoutTemplate } from './execution/short.ts';
import { hostsOfRoute } from './route/hosts.ts';

/** What the controllers watch; each kind once, whoever reads it. */
export interface Informers {
  services: Informer<Service>;
  workerPools: Informer<WorkerPool>;
  configurations: Informer<Configuration>;
  routes: Informer<Route>;
  revisions: Informer<Revision>;
  deployments: Informer<Deployment>;
  pods: Informer<Pod>;
  coreServices: Informer<CoreService>;
  jobs: Informer<Job>;
  executions: Informer<Execution>;
  batchJobs: Informer<BatchJob>;
  /** The pods of executions, shortened to what tells how a task fares. */
  taskPods: Informer<Pod>;
}

export const permissions: Permission[] = [
  {
    apiGroups: ['serving.knative.dev'],
    resources: ['services', 'configurations', 'routes', 'revisions'],
    verbs: ['get', 'list', 'watch'],
  },
  {
    apiGroups: ['run.googleapis.com'],
    resources: ['jobs', 'executions', 'workerpools'],
    verbs: ['get', 'list', 'watch'],
  },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['pods', 'services'], verbs: ['get', 'list', 'watch'] },
];

/** The watches of the controller process, not yet running. */
export function createInformers(client: KubeClient, log: Logger, config: UrlConfig): Informers {
  const ofRevisions = { client, log, labelSelector: SERVING.revision };
  const ofExecutions = { client, log, labelSelector: RUN.execution };
  return {
    services: new Informer({ client, log, type: SERVICES }),
    workerPools: new Informer({ client, log, type: WORKER_POOLS }),
    configurations: new Informer({ client, log, type: CONFIGURATIONS }),
    routes: new Informer({
      client,
      log,
      type: ROUTES,
      indexers: {
        revision: revisionsOfRoute,
        configuration: configurationsOfRoute,
        host: hostsOfRoute(config),
      },
    }),
    revisions: new Informer({
      client,
      log,
      type: REVISIONS,
      alike: ownerOf,
      indexers: {
        configuration: labelKey(SERVING.configuration),
        workerPool: labelKey(RUN.workerPool),
      },
    }),
    deployments: new Informer({ ...ofRevisions, type: DEPLOYMENTS, alike: ownerOf }),
    pods: new Informer({ ...ofRevisions, type: PODS, indexers: { revision: labelKey(SERVING.revision) } }),
    coreServices: new Informer({
      client,
      log,
      type: CORE_SERVICES,
      name: 'core-services',
      transform: withoutStatus,
    }),
    jobs: new Informer({ client, log, type: JOBS }),
    executions: new Informer({
      client,
      log,
      type: EXECUTIONS,
      transform: shortExecution,
      alike: ownerOf,
      indexers: { job: labelKey(RUN.job) },
    }),
    batchJobs: new Informer({
      ...ofExecutions,
      type: BATCH_JOBS,
      name: 'batch-jobs',
      transform: withoutTemplate,
    }),
    taskPods: new Informer({
      ...ofExecutions,
      type: PODS,
      name: 'task-pods',
      transform: shortPod,
      indexers: { execution: labelKey(RUN.execution) },
    }),
  };
}

/** Revisions, Deployments and executions of one owner differ in little. */
function ownerOf({ metadata: { namespace, labels = {} } }: KubeObject): string {
  const owner = labels[SERVING.configuration] ?? labels[RUN.workerPool] ?? labels[RUN.job] ?? '';
  return `${namespace}/${owner}`;
}

/** `namespace/VALUE` of a label, as an index and as the key of what it names. */
export function labelKey(label: string): (object: KubeObject) => string[] {
  return ({ metadata }) => {
    const value = metadata.labels?.[label];
    return value ? [`${metadata.namespace}/${value}`] : [];
  };
}

/** Keys of the revisions that a route serves or is to serve. */
export function revisionsOfRoute({ metadata, spec, status }: Route): string[] {
  const targets = [...(spec.traffic ?? []), ...(status?.traffic ?? [])];
  return unique(
    targets.flatMap(({ revisionName }) => (revisionName ? [`${metadata.namespace}/${revisionName}`] : [])),
  );
}

/** Keys of the configurations whose latest revision a route follows. */
export function configurationsOfRoute({ metadata, spec }: Route): string[] {
  const names = (spec.traffic ?? []).flatMap(({ configurationName }) => configurationName ?? []);
  return unique(names.map((name) => `${metadata.namespace}/${name}`));
}

function unique(keys: string[]): string[] {
  return [...new Set(keys)];
}

function withoutStatus(service: CoreService): CoreService {
  const { status: _, ...kept } = service;
  return kept;
}
