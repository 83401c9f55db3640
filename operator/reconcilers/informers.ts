import { ownerKey, revisionKey } from '../apis/alike.ts';
import type { DomainMapping } from '../apis/domains/domainMapping/types.ts';
import type { ObjectOf } from '../apis/kind.ts';
import { KINDS, KINDS_BY_NAME } from '../apis/kinds.ts';
import { RUN, revisionUids, SERVING } from '../apis/labels.ts';
import { deploymentName, mappingChildName } from '../apis/names.ts';
import { REVISIONS, type Revision } from '../apis/serving/revision/types.ts';
import type { Route } from '../apis/serving/route/types.ts';
import type { UrlConfig } from '../apis/url.ts';
import { AFFINITY_SECRET } from '../gateway/control/affinityKey.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import {
  BATCH_JOBS,
  type BatchJob,
  CORE_SERVICES,
  type CoreService,
  DEPLOYMENTS,
  type Deployment,
  DISRUPTION_BUDGETS,
  type DisruptionBudget,
  PODS,
  type Pod,
  SECRETS,
  type Secret,
} from '../kube/core.ts';
import { Informer, type InformerOptions, type Source } from '../kube/informer.ts';
import { OptionalInformer } from '../kube/optional.ts';
import { isControlledBy } from '../kube/owner.ts';
import type { Store } from '../kube/store.ts';
import { type KubeObject, keyOf } from '../kube/types.ts';
import type { Permission } from '../rbac.ts';
import type { Logger } from '../telemetry/log.ts';
import {
  CERTIFICATE_REQUESTS,
  CERTIFICATES,
  type Certificate,
  type CertificateRequest,
  certificateOfRequest,
} from './domainMapping/certManager.ts';
import { HTTP_ROUTES, type HttpRoute } from './domainMapping/gatewayApi.ts';
import { trimExecution, trimPod, withoutTemplate } from './execution/trim.ts';
import { hostsOfRoute } from './route/hosts.ts';

/** Watches of our own kinds. */
type OwnInformers = { [K in keyof typeof KINDS_BY_NAME]: Informer<ObjectOf<(typeof KINDS_BY_NAME)[K]>> };

/** What the controllers watch; each kind once, however many read it. */
export interface Informers extends OwnInformers {
  deployments: Informer<Deployment>;
  pods: Informer<Pod>;
  coreServices: Informer<CoreService>;
  /** Those of others too: a pod may have only one. */
  disruptionBudgets: Informer<DisruptionBudget>;
  batchJobs: Informer<BatchJob>;
  /** The pods of executions, trimmed to what the state of a task follows from. */
  taskPods: Informer<Pod>;
  /** The one Secret with the key of the gateways' affinity cookies, if it exists. */
  affinityKeys: Informer<Secret>;
  /** Those of cert-manager in the namespace for certificates, where an issuer is configured. */
  certificates: OptionalInformer<Certificate>;
  certificateRequests: OptionalInformer<CertificateRequest>;
  /** Those of the Gateway API in the operator's own namespace, where parents are configured. */
  httpRoutes: OptionalInformer<HttpRoute>;
}

type Kind<K extends keyof Informers> = Informers[K] extends Informer<infer T> ? T : never;

/** What the controllers watch, as each of them gets it: what it reads it has to declare. */
export type Sources = { [K in keyof Informers]: Omit<Informers[K], 'store'> };

/** The stores that a controller has declared. */
export type Stores<K extends keyof Informers> = { readonly [P in K]: Store<Kind<P>> };

/** Declares what a controller reads; there is no other way to a store. */
export function storesFor<K extends keyof Informers>(
  controller: Controller,
  sources: Sources,
  ...kinds: K[]
): Stores<K> {
  const stores = kinds.map((kind) => [kind, controller.reads(sources[kind] as Source<KubeObject>)]);
  return Object.fromEntries(stores) as Stores<K>;
}

export const permissions: Permission[] = [
  ...KINDS.map(({ group, plural }) => ({
    apiGroups: [group],
    resources: [plural],
    verbs: ['get', 'list', 'watch'],
  })),
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['pods', 'services'], verbs: ['get', 'list', 'watch'] },
];

/** In the operator's own namespace: the Service of the metadata server, and the key of the affinity cookies. */
export const namespacePermissions: Permission[] = [
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['get', 'list', 'watch'],
    resourceNames: [AFFINITY_SECRET],
  },
  { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'watch'] },
];

/**
 * The watches of the controller process, not yet running.
 * @param urls what the hosts of routes follow from.
 * @param where.namespaces those to look in; all when empty.
 * @param where.own the operator's, for the Service of the metadata server and the key of the affinity cookies.
 * @param where.certificates where cert-manager issues certificates for domain mappings; undefined when it does not.
 * @param where.httpRoutes where the HTTPRoutes for them are; undefined when there are none.
 */
export function createInformers(
  client: KubeClient,
  log: Logger,
  urls: UrlConfig,
  {
    namespaces = [],
    own = '',
    certificates,
    httpRoutes,
  }: { namespaces?: readonly string[]; own?: string; certificates?: string; httpRoutes?: string } = {},
): Informers {
  const common = { client, log, namespaces };
  const ofCertManager = { client, log, namespace: certificates, enabled: certificates !== undefined };
  const ofRevisions = { ...common, labelSelector: SERVING.revision };
  const ofExecutions = { ...common, labelSelector: RUN.execution };
  return {
    ...ownInformers(common, urls),
    deployments: new Informer({ ...ofRevisions, type: DEPLOYMENTS, alike: ownerKey }),
    pods: new Informer({
      ...ofRevisions,
      type: PODS,
      alike: revisionKey,
      indexers: { revision: revisionUids },
    }),
    coreServices: new Informer({
      ...common,
      namespaces: namespaces.length > 0 ? [...namespaces, own] : [],
      type: CORE_SERVICES,
      name: 'core-services',
      transform: withoutStatus,
    }),
    disruptionBudgets: new Informer({
      ...common,
      type: DISRUPTION_BUDGETS,
      transform: withoutStatus,
      indexers: { foreign: (budget) => (revisionOfBudget(budget) ? [] : [budget.metadata.namespace ?? '']) },
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
      transform: trimPod,
      indexers: { execution: labelKey(RUN.execution) },
    }),
    affinityKeys: new Informer({
      client,
      log,
      namespace: own,
      type: SECRETS,
      name: 'affinity-keys',
      fieldSelector: `metadata.name=${AFFINITY_SECRET}`,
    }),
    certificates: new OptionalInformer({ ...ofCertManager, type: CERTIFICATES }),
    certificateRequests: new OptionalInformer({
      ...ofCertManager,
      type: CERTIFICATE_REQUESTS,
      indexers: { certificate: certificateOfRequest },
    }),
    httpRoutes: new OptionalInformer({
      client,
      log,
      namespace: httpRoutes,
      enabled: httpRoutes !== undefined,
      type: HTTP_ROUTES,
    }),
  };
}

type Common = Pick<InformerOptions<KubeObject>, 'client' | 'log' | 'namespaces'>;

function ownInformers(common: Common, urls: UrlConfig): OwnInformers {
  const special: { [K in keyof OwnInformers]?: Partial<InformerOptions<Kind<K>>> } = {
    routes: {
      indexers: {
        revision: revisionsOfRoute,
        configuration: configurationsOfRoute,
        host: hostsOfRoute(urls),
      },
    },
    revisions: {
      alike: ownerKey,
      indexers: {
        configuration: labelKey(SERVING.configuration),
        workerPool: labelKey(RUN.workerPool),
      },
    },
    domainMappings: {
      indexers: {
        host: ({ metadata }) => [metadata.name],
        route: routeOfMapping,
        child: ({ metadata }) => [mappingChildName(metadata.name)],
      },
    },
    executions: { transform: trimExecution, alike: ownerKey, indexers: { job: labelKey(RUN.job) } },
  };
  const informers = Object.entries(KINDS_BY_NAME).map(([name, { type }]) => {
    const options = special[name as keyof OwnInformers] as Partial<InformerOptions<KubeObject>> | undefined;
    return [name, new Informer<KubeObject>({ ...common, ...options, type })];
  });
  return Object.fromEntries(informers) as OwnInformers;
}

/** The Deployment that runs a revision, and not another's of that name. */
export function ownDeployment(
  { metadata: { namespace, name, uid = '' } }: Revision,
  { deployments }: Stores<'deployments'>,
): Deployment | undefined {
  const found = deployments.get(keyOf({ namespace, name: deploymentName(name) }));
  return found && isControlledBy(found, uid) ? found : undefined;
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

/** Key of the route that a domain mapping names. */
export function routeOfMapping({ metadata: { namespace }, spec }: DomainMapping): string[] {
  return [keyOf({ namespace, name: spec.routeName })];
}

/** Key of the revision that a disruption budget was made for; undefined when a person has made it. */
export function revisionOfBudget({ metadata }: DisruptionBudget): string | undefined {
  const owner = metadata.ownerReferences?.find(
    ({ controller, kind }) => controller && kind === REVISIONS.kind,
  );
  return owner && keyOf({ namespace: metadata.namespace, name: owner.name });
}

function unique(keys: string[]): string[] {
  return [...new Set(keys)];
}

function withoutStatus<T extends CoreService | DisruptionBudget>(object: T): T {
  const { status: _, ...kept } = object;
  return kept as T;
}
