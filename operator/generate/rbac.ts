import { stringify } from 'yaml';
import { permissions as autoscaler } from '../autoscaler/permissions.ts';
import { leasePermissions } from '../controller.ts';
import { permissions as gateway } from '../gateway/permissions.ts';
import { linkLocalPermissions, permissions as metadata } from '../metadata/permissions.ts';
import { mergePermissions, type Permission } from '../rbac.ts';
import { permissions as configuration } from '../reconcilers/configuration/reconciler.ts';
import { permissions as execution } from '../reconcilers/execution/reconciler.ts';
import { permissions as informers } from '../reconcilers/informers.ts';
import { permissions as boost } from '../reconcilers/instance/boostController.ts';
import { permissions as job } from '../reconcilers/job/reconciler.ts';
import { permissions as revision } from '../reconcilers/revision/reconciler.ts';
import { permissions as route } from '../reconcilers/route/reconciler.ts';
import { permissions as service } from '../reconcilers/service/reconciler.ts';
import { permissions as workerPool } from '../reconcilers/workerPool/reconciler.ts';
import { permissions as registry } from '../registry/pullsecrets.ts';
import { permissions as webhook, namespacePermissions as webhookNamespace } from '../webhook/webhook.ts';
import type { GeneratedFile } from './file.ts';

/** What every controller's shell takes: Events, and owners that hold back their own deletion (OpenShift checks). */
const shell: readonly Permission[] = [
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'get', 'patch'] },
  {
    apiGroups: ['serving.knative.dev'],
    resources: [
      'configurations/finalizers',
      'revisions/finalizers',
      'routes/finalizers',
      'services/finalizers',
    ],
    verbs: ['update'],
  },
  {
    apiGroups: ['run.googleapis.com'],
    resources: ['jobs/finalizers', 'executions/finalizers', 'workerpools/finalizers'],
    verbs: ['update'],
  },
];

/** What each role may do, by the file below `charts/homerun/files/rbac` that its ClusterRole or Role reads. */
const ROLES: Record<string, readonly (readonly Permission[])[]> = {
  controller: [
    shell,
    informers,
    service,
    configuration,
    route,
    revision,
    workerPool,
    boost,
    job,
    execution,
    registry,
    autoscaler,
  ],
  'controller-namespace': [leasePermissions],
  gateway: [gateway],
  metadata: [metadata],
  'metadata-namespace': [linkLocalPermissions],
  webhook: [webhook],
  'webhook-namespace': [webhookNamespace],
};

/** The rules of each role's ClusterRole and Role. */
export function rbacFiles(): GeneratedFile[] {
  return Object.entries(ROLES).map(([name, parts]) => ({
    path: `charts/homerun/files/rbac/${name}.yaml`,
    text: stringify(mergePermissions(parts.flat()), { flowCollectionPadding: false }),
  }));
}
