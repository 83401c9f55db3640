import type { Permission } from '../rbac.ts';

/** Reads gateways, instances and their CPU use, sets numbers and deletion costs, and deletes instances to evict. */
export const permissions: readonly Permission[] = [
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch', 'delete'] },
  { apiGroups: ['metrics.k8s.io'], resources: ['pods'], verbs: ['get', 'list'] },
];

/** In the operator's own namespace: the gateways. */
export const namespacePermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
];
