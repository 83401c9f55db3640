import type { Permission } from '../rbac.ts';

/** Requests tokens for instances; it reads no secret and changes no object. */
export const permissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
];

/**
 * Identifies callers by their pods in all namespaces: a pod in an invisible namespace that got the address of an instance
 * would be taken for the instance.
 */
export const clusterPermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
];

/** In the operator's own namespace, for `metadata.linkLocal` only: the server is its Service's load balancer. */
export const linkLocalPermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['services/status'], resourceNames: ['homerun-metadata'], verbs: ['patch'] },
];
