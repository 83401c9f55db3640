import { clusterRoleName, IAM_ROLES, rulesOf } from '../../apis/iam/roles.ts';
import { type ApiInstallation, NAMESPACE, type PEOPLE } from './installation.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';

/** Makes the ClusterRoles of the chart. */
export async function installRoles({ client }: ApiInstallation): Promise<void> {
  for (const role of IAM_ROLES) {
    const rules = rulesOf(role).map(({ apiGroup, resource, verbs }) => ({
      apiGroups: [apiGroup],
      resources: [resource],
      verbs,
    }));
    const body = { metadata: { name: clusterRoleName(role) }, rules };
    await client.request('POST', `${RBAC}/clusterroles`, { body });
  }
}

/** Gives roles of the chart to a person of the tests, in {@link NAMESPACE}. */
export async function grant(
  { client }: ApiInstallation,
  account: keyof typeof PEOPLE,
  ...roles: string[]
): Promise<void> {
  for (const name of roles) {
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
    const subjects = [{ kind: 'ServiceAccount', name: account, namespace: NAMESPACE }];
    const body = { metadata: { name: `${account}-${name}` }, roleRef, subjects };
    await client.request('POST', `${RBAC}/namespaces/${NAMESPACE}/rolebindings`, { body });
  }
}
