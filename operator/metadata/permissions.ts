import type { Permission } from '../rbac.ts';

/** Asks for tokens in the name of instances; it reads no secret and changes no object. */
export const permissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
];

/**
 * Knows callers by their pods, wherever these are: an address that has gone from an instance to a pod in a namespace that
 * it could not see would pass for the instance's.
 */
export const clusterPermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
];

/** In the operator's own namespace, for `metadata.linkLocal` only: the server is its Service's load balancer. */
export const linkLocalPermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['services/status'], resourceNames: ['homerun-metadata'], verbs: ['patch'] },
];
