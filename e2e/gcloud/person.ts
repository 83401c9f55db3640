import { type Gcloud, gcloudFor } from '../../operator/api/testing/gcloud.ts';
import type { Images } from '../../operator/api/testing/gcloudCommands.ts';
import { CORE_SERVICES, ROLE_BINDINGS, SECRETS, SERVICE_ACCOUNTS } from '../../operator/kube/core.ts';
import { SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { HELLO_IMAGE } from '../lib/services.ts';
import { type Suite, useSuite } from '../lib/suite.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** Images of the cluster's registry, for the commands that every suite can run. */
export const IMAGES: Images = {
  IMAGE: HELLO_IMAGE,
  IMAGE2: 'registry.kube-system.svc/hello:2',
  BROKEN: 'registry.kube-system.svc/hello:no-such-tag',
  ENDING: HELLO_IMAGE,
  ENDLESS: HELLO_IMAGE,
};

/** What a suite of gcloud's works with; filled in before its first test. */
export interface GcloudSuite extends Suite {
  gcloud: Gcloud;
}

/** Gives the suite a namespace, and gcloud as a person who may do everything there. */
export function useGcloud(namespace: string): GcloudSuite {
  const suite = useSuite(namespace) as GcloudSuite;
  before(async () => {
    suite.gcloud = await gcloudOf(suite);
  });
  after(() => suite.gcloud?.remove());
  return suite;
}

async function gcloudOf({ client, namespace }: Suite): Promise<Gcloud> {
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
  return gcloudFor({
    address: service?.spec?.clusterIP ?? '',
    port: 443,
    authority: Buffer.from(secret?.data?.['ca.crt'] ?? '', 'base64').toString(),
    token: status.token,
    project: namespace,
    region: 'local-cluster1',
  });
}
