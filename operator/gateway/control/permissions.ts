import type { Permission } from '../../rbac.ts';
import { AFFINITY_SECRET } from './affinityKey.ts';

/** Watches what it serves, and wakes a revision that has no instance; it reads no Secret there and changes no object. */
export const permissions: readonly Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['routes', 'revisions'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['domains.cloudrun.com'], resources: ['domainmappings'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['rolebindings'],
    verbs: ['get', 'list', 'watch'],
  },
  { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get', 'patch'] },
];

/** Where the CPU requests of idle instances are lowered: restores them. A policy of the chart allows it nothing else of it. */
export const resizePermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['pods/resize'], verbs: ['patch'] },
];

/** In a namespace for certificates alone; the chart gives it also those of its own that its values name. */
export const certificatePermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] },
];

/**
 * In the operator's own namespace: the controllers, which alone may order drains, the nodes, which report addresses, and the
 * key of the affinity cookies.
 */
export const namespacePermissions: readonly Permission[] = [
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['get', 'list', 'watch'],
    resourceNames: [AFFINITY_SECRET],
  },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
];
