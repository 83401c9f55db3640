import type { IDaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IJob } from 'kubernetes-models/batch/v1/Job';
import type { ILease } from 'kubernetes-models/coordination.k8s.io/v1/Lease';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IRole } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import type { IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IEvent } from 'kubernetes-models/v1/Event';
import type { INamespace } from 'kubernetes-models/v1/Namespace';
import type { IPod } from 'kubernetes-models/v1/Pod';
import type { IResourceQuota } from 'kubernetes-models/v1/ResourceQuota';
import type { ISecret } from 'kubernetes-models/v1/Secret';
import type { IService } from 'kubernetes-models/v1/Service';
import type { IServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { namespaced, type ResourceType, type Typed } from './types.ts';

// The kinds of Kubernetes itself that Homerun reads or writes. The models are imported as types only,
// so a process that watches pods does not load a validator for every kind.

export type Pod = Typed<IPod>;
export type Deployment = Typed<IDeployment>;
export type DaemonSet = Typed<IDaemonSet>;
/** Kubernetes' own Service; plain `Service` is Cloud Run's. */
export type CoreService = Typed<IService>;
export type Secret = Typed<ISecret>;
export type ConfigMap = Typed<IConfigMap>;
export type ServiceAccount = Typed<IServiceAccount>;
export type ResourceQuota = Typed<IResourceQuota>;
export type KubeEvent = Typed<IEvent>;
export type Lease = Typed<ILease>;
export type Namespace = Typed<INamespace>;
export type BatchJob = Typed<IJob>;
export type DisruptionBudget = Typed<IPodDisruptionBudget>;
export type Role = Typed<IRole>;
export type RoleBinding = Typed<IRoleBinding>;

export const PODS = namespaced<Pod>('v1', 'Pod', 'pods');
export const DEPLOYMENTS = namespaced<Deployment>('apps/v1', 'Deployment', 'deployments');
export const DAEMON_SETS = namespaced<DaemonSet>('apps/v1', 'DaemonSet', 'daemonsets');
export const CORE_SERVICES = namespaced<CoreService>('v1', 'Service', 'services');
export const SECRETS = namespaced<Secret>('v1', 'Secret', 'secrets');
export const CONFIG_MAPS = namespaced<ConfigMap>('v1', 'ConfigMap', 'configmaps');
export const SERVICE_ACCOUNTS = namespaced<ServiceAccount>('v1', 'ServiceAccount', 'serviceaccounts');
export const RESOURCE_QUOTAS = namespaced<ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas');
export const EVENTS = namespaced<KubeEvent>('v1', 'Event', 'events');
export const LEASES = namespaced<Lease>('coordination.k8s.io/v1', 'Lease', 'leases');
export const BATCH_JOBS = namespaced<BatchJob>('batch/v1', 'Job', 'jobs');
export const DISRUPTION_BUDGETS = namespaced<DisruptionBudget>(
  'policy/v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);
export const ROLES = namespaced<Role>('rbac.authorization.k8s.io/v1', 'Role', 'roles');
export const ROLE_BINDINGS = namespaced<RoleBinding>(
  'rbac.authorization.k8s.io/v1',
  'RoleBinding',
  'rolebindings',
);
export const NAMESPACES: ResourceType<Namespace> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
