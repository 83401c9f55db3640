import type { Permission } from '../rbac.ts';

/** Knows callers by their pods and asks for tokens in their name; it reads no secret and changes no object. */
export const permissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
  { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
];

/** In the operator's own namespace, for `metadata.linkLocal` only: the server is its Service's load balancer. */
export const linkLocalPermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['services/status'], resourceNames: ['homerun-metadata'], verbs: ['patch'] },
];
