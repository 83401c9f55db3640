import { stringify } from 'yaml';
import type { AccessRule } from '../apis/iam/permissions.ts';
import { PERMISSIONS, STORAGE } from '../apis/iam/permissions.ts';
import { clusterRoleName, IAM_ROLES, rulesOf } from '../apis/iam/roles.ts';
import { mergePermissions, type Permission, type Rule } from '../rbac.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';

const KUBERNETES = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/**
 * Google's roles as ClusterRoles, and what of them Kubernetes does not have: whoever may edit a namespace has
 * these too, as only who has a right can grant it (Kubernetes, RBAC, Privilege escalation prevention).
 */
export function iamFile(): GeneratedFile {
  const all: readonly AccessRule[] = Object.values(PERMISSIONS).flat();
  const own = all.filter(
    ({ apiGroup, verbs }) => apiGroup === STORAGE || !verbs.some((verb) => KUBERNETES.includes(verb)),
  );
  const roles = IAM_ROLES.map((role) => ({
    name: clusterRoleName(role),
    title: role.title,
    role: `roles/${role.name}`,
    rules: merged(rulesOf(role)),
  }));
  const content = { roles, editors: merged(own) };
  const source = generatedFrom('operator/apis/iam');
  return {
    path: 'charts/homerun/files/iam.yaml',
    text: `# ${source}\n${stringify(content, { flowCollectionPadding: false, aliasDuplicateObjects: false })}`,
  };
}

function merged(rules: readonly AccessRule[]): Rule[] {
  const permissions = rules.map(
    ({ apiGroup, resource, verbs }): Permission => ({ apiGroups: [apiGroup], resources: [resource], verbs }),
  );
  return mergePermissions(permissions);
}
