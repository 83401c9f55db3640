import { KIND_TYPES } from '../apis/kinds.ts';
import { CONFIGURATIONS } from '../apis/serving/configuration/types.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { ROUTES } from '../apis/serving/route/types.ts';
import type { Identity } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import { BATCH_JOBS, CORE_SERVICES, DEPLOYMENTS, DISRUPTION_BUDGETS } from '../kube/core.ts';
import type { EventRecorder } from '../kube/events.ts';
import { PlanExecutor } from '../kube/plan.ts';
import {
  type Capabilities,
  type KubeObject,
  keyOf,
  type ObjectRef,
  type ResourceType,
} from '../kube/types.ts';
import type { Permission } from '../rbac.ts';
import type { RoleConfig } from '../roles.ts';
import type { Logger } from '../telemetry/log.ts';
import { CERTIFICATES } from './domainMapping/certManager.ts';
import { HTTP_ROUTES } from './domainMapping/gatewayApi.ts';
import type { Sources, Stores } from './informers.ts';
import { type MetadataAccess, metadataAccess } from './pod/metadata.ts';
import type { RejectionInput } from './rejection.ts';
import type { RollOuts } from './revision/rollOuts.ts';
import type { ScalingReports } from './revision/scalingReports.ts';

/** What every reconciler gets; all of its IO goes through here. */
export interface Context {
  client: KubeClient;
  informers: Sources;
  recorder: EventRecorder;
  config: RoleConfig<'controller'>;
  identity: Identity;
  capabilities: Capabilities;
  rollOuts: RollOuts;
  scaling: ScalingReports;
  log: Logger;
  now: () => number;
}

const TYPES: readonly ResourceType[] = [
  ...KIND_TYPES,
  DEPLOYMENTS,
  CORE_SERVICES,
  DISRUPTION_BUDGETS,
  BATCH_JOBS,
  CERTIFICATES,
  HTTP_ROUTES,
];

/** The Service of the metadata server. */
export function metadataServer({
  identity,
  config,
}: Pick<Context, 'identity' | 'config'>): Required<ObjectRef> {
  return { namespace: identity.namespace, name: config.metadata.service };
}

/** Where instances find the metadata server now; undefined when it is not installed. */
export function metadataNow(
  context: Pick<Context, 'identity' | 'config'>,
  { coreServices }: Stores<'coreServices'>,
): MetadataAccess | undefined {
  const service = coreServices.get(keyOf(metadataServer(context)));
  return metadataAccess(service, context.config);
}

/** What `reconciler.ts` in the folder of a kind exports: `index.ts` is made of these. */
export interface Reconciler {
  permissions: readonly Permission[];
  /** In the whole cluster, also where only some namespaces are looked after. */
  clusterPermissions?: readonly Permission[];
  controller: (context: Context) => Controller;
}

/**
 * Executes a controller's plans, under the controller's own name as field manager.
 * @param stores what the controller reads; an object in them that is as it should be is not written.
 * @param rejected the status of the subject while the cluster rejects something that it needs.
 */
export function executorOf(
  context: Context,
  controller: string,
  stores: Partial<Stores<keyof Sources>>,
  rejected: (input: RejectionInput) => KubeObject | undefined,
): PlanExecutor {
  const { client, recorder, now } = context;
  const caches = [
    [CONFIGURATIONS, stores.configurations],
    [ROUTES, stores.routes],
    [REVISIONS, stores.revisions],
    [DEPLOYMENTS, stores.deployments],
    [CORE_SERVICES, stores.coreServices],
    [DISRUPTION_BUDGETS, stores.disruptionBudgets],
    [CERTIFICATES, stores.certificates],
    [HTTP_ROUTES, stores.httpRoutes],
  ] as const;
  return new PlanExecutor({
    client,
    recorder,
    fieldManager: `homerun-${controller}`,
    typeOf,
    rejected: (subject, planned, rejection) => rejected({ subject, planned, rejection, now: now() }),
    cached: (object) => caches.find(([type]) => isOf(type, object))?.[1]?.get(keyOf(object.metadata)),
  });
}

function typeOf(object: KubeObject): ResourceType {
  const type = TYPES.find((candidate) => isOf(candidate, object));
  if (!type) throw new TypeError(`no controller writes ${object.apiVersion} ${object.kind}`);
  return type;
}

function isOf({ apiVersion, kind }: Pick<ResourceType, 'apiVersion' | 'kind'>, object: KubeObject): boolean {
  return apiVersion === object.apiVersion && kind === object.kind;
}
