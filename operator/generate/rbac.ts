import { stringify } from 'yaml';
import {
  permissions as api,
  clusterPermissions as apiCluster,
  namespacePermissions as apiNamespace,
} from '../api/api.ts';
import { KINDS } from '../apis/kinds.ts';
import { permissions as autoscaler, namespacePermissions as gatewayPods } from '../autoscaler/permissions.ts';
import { leasePermissions } from '../controller.ts';
import {
  clusterPermissions as doctorCluster,
  namespacePermissions as doctorNamespace,
} from '../doctor/permissions.ts';
import {
  permissions as gateway,
  certificatePermissions as gatewayCertificates,
  namespacePermissions as gatewayNamespace,
  resizePermissions as gatewayResize,
} from '../gateway/control/permissions.ts';
import {
  linkLocalPermissions,
  permissions as metadata,
  clusterPermissions as metadataCluster,
} from '../metadata/permissions.ts';
import { mergePermissions, type Permission } from '../rbac.ts';
import { namespacePermissions as affinityKey } from '../reconcilers/affinityKey/reconciler.ts';
import { permissions as boost } from '../reconcilers/boost/reconciler.ts';
import { permissions as disruption } from '../reconcilers/disruption/reconciler.ts';
import { certificatePermissions as controllerCertificates } from '../reconcilers/domainMapping/certManager.ts';
import { httpRoutePermissions } from '../reconcilers/domainMapping/gatewayApi.ts';
import { RECONCILERS } from '../reconcilers/index.ts';
import { permissions as informers, namespacePermissions as ownInformers } from '../reconcilers/informers.ts';
import { secretPermissions as pullSecrets, permissions as registry } from '../registry/pullsecrets.ts';
import {
  permissions as webhook,
  clusterPermissions as webhookCluster,
  namespacePermissions as webhookNamespace,
} from '../webhook/webhook.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';

/** What every controller's shell takes: Events, and owners that hold back their own deletion (OpenShift checks). */
const shell: readonly Permission[] = [
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'get', 'patch'] },
  ...KINDS.map(({ group, plural }) => ({
    apiGroups: [group],
    resources: [`${plural}/finalizers`],
    verbs: ['update'],
  })),
];

/**
 * What each role may do, by the file below `charts/homerun/files/rbac` that its ClusterRole or Role reads: ROLE where
 * people's objects are, ROLE-cluster in the whole cluster, ROLE-namespace in the operator's own namespace.
 */
const ROLES: Record<string, readonly (readonly Permission[])[]> = {
  api: [api],
  'api-cluster': [apiCluster],
  'api-namespace': [apiNamespace],
  controller: [
    shell,
    informers,
    ...RECONCILERS.map(({ permissions }) => permissions),
    disruption,
    boost,
    registry,
    autoscaler,
  ],
  'controller-certificates': [controllerCertificates],
  'controller-cluster': [
    ...RECONCILERS.map(({ clusterPermissions = [] }) => clusterPermissions),
    doctorCluster,
  ],
  'controller-httproutes': [httpRoutePermissions],
  'controller-namespace': [leasePermissions, gatewayPods, ownInformers, affinityKey, doctorNamespace],
  'controller-secrets': [pullSecrets],
  gateway: [gateway],
  'gateway-certificates': [gatewayCertificates],
  'gateway-namespace': [gatewayNamespace],
  'gateway-resize': [gatewayResize],
  metadata: [metadata],
  'metadata-cluster': [metadataCluster],
  'metadata-namespace': [linkLocalPermissions],
  webhook: [webhook],
  'webhook-cluster': [webhookCluster],
  'webhook-namespace': [webhookNamespace],
};

/** The rules of each role's ClusterRole and Role. */
export function rbacFiles(): GeneratedFile[] {
  return Object.entries(ROLES).map(([name, parts]) => ({
    path: `charts/homerun/files/rbac/${name}.yaml`,
    text: `# ${generatedFrom('operator/generate/rbac.ts')}\n${stringify(mergePermissions(parts.flat()), { flowCollectionPadding: false })}`,
  }));
}
