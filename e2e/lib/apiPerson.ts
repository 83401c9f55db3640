import { CORE_SERVICES, ROLE_BINDINGS, SECRETS, SERVICE_ACCOUNTS } from '../../operator/kube/core.ts';
import { SYSTEM_NAMESPACE } from './cluster.ts';
import type { Suite } from './suite.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** The Admin API of the cluster, and a person there. */
export interface ApiPerson {
  address: string;
  /** PEM of the authority of its certificate. */
  authority: string;
  token: string;
}

/** Makes a person who may do everything in the suite's namespace. */
export async function apiPerson({ client, namespace }: Suite): Promise<ApiPerson> {
  const metadata = { name: 'alice', namespace };
  await client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  await client.create(ROLE_BINDINGS, {
    ...{ apiVersion: `${RBAC}/v1`, kind: 'RoleBinding', metadata },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'alice', namespace }],
  });
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/alice/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status } = await client.request<{ status: { token: string } }>('POST', path, { body });
  const service = await client.get(CORE_SERVICES, { namespace: SYSTEM_NAMESPACE, name: 'homerun-api' });
  const secret = await client.get(SECRETS, { namespace: SYSTEM_NAMESPACE, name: 'homerun-api-cert' });
  return {
    address: service?.spec?.clusterIP ?? '',
    authority: Buffer.from(secret?.data?.['ca.crt'] ?? '', 'base64').toString(),
    token: status.token,
  };
}
