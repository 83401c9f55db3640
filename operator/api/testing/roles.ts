import { clusterRoleName, IAM_ROLES, type RoleDeclaration, rulesOf } from '../../apis/iam/roles.ts';
import { KubeClient } from '../../kube/client.ts';
import { SERVICE_ACCOUNTS } from '../../kube/core.ts';
import { until } from '../../testing/until.ts';
import { asPerson } from '../authentication/impersonation.ts';
import { hasPermission } from '../iam/handlers.ts';
import { type ApiInstallation, NAMESPACE, type PEOPLE, tokenOf } from './installation.ts';

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
  account: keyof typeof PEOPLE | `has-${string}`,
  ...roles: string[]
): Promise<void> {
  for (const name of roles) {
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
    const subjects = [{ kind: 'ServiceAccount', name: account, namespace: NAMESPACE }];
    const body = { metadata: { name: `${account}-${name}` }, roleRef, subjects };
    await client.request('POST', `${RBAC}/namespaces/${NAMESPACE}/rolebindings`, { body });
  }
}

/** A token of an account that has these roles of the chart, and no other, in {@link NAMESPACE}. */
export async function personWith(
  installation: ApiInstallation,
  ...roles: RoleDeclaration[]
): Promise<string> {
  const { client } = installation;
  const account = `has-${roles.map(({ name }) => name.toLowerCase()).join('-')}` as const;
  const metadata = { name: account, namespace: NAMESPACE };
  await client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  await grant(installation, account, ...roles.map(clusterRoleName));
  // The API server learns of a binding a moment after it was made.
  const person = { name: `system:serviceaccount:${NAMESPACE}:${account}`, groups: [] };
  const target = { kind: 'services', namespace: NAMESPACE, name: 'hello' } as const;
  const call = { client: new KubeClient(asPerson(client.connection, person)), target };
  for (const [first] of roles.map(({ permissions }) => permissions))
    await until(`the rights of ${account}`, async () => first !== undefined && hasPermission(call, first));
  return tokenOf({ client }, account);
}
