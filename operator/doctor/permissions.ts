import { KINDS } from '../apis/kinds.ts';
import type { Permission } from '../rbac.ts';
import { CONFIGURATIONS } from '../webhook/certificates/caBundle.ts';

/** What the controller's account needs so that `homerun doctor` can be run in its pod: to read, and nothing else. */
export const clusterPermissions: readonly Permission[] = [
  {
    apiGroups: ['apiextensions.k8s.io'],
    resources: ['customresourcedefinitions'],
    verbs: ['get'],
    resourceNames: KINDS.map(({ plural, group }) => `${plural}.${group}`),
  },
  {
    apiGroups: ['admissionregistration.k8s.io'],
    resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    verbs: ['get'],
    resourceNames: [...new Set(CONFIGURATIONS.map(({ name }) => name))],
  },
  { apiGroups: ['node.k8s.io'], resources: ['runtimeclasses'], verbs: ['get'] },
];

/** The same in the operator's own namespace. */
export const namespacePermissions: readonly Permission[] = [
  { apiGroups: ['apps'], resources: ['deployments', 'daemonsets'], verbs: ['list'] },
];
