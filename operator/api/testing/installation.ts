import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KINDS } from '../../apis/kinds.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { parseConfig } from '../../config.ts';
import { KubeClient } from '../../kube/client.ts';
import { apiAgent } from '../../kube/connection.ts';
import { SECRETS, SERVICE_ACCOUNTS } from '../../kube/core.ts';
import { mergePermissions, type Permission } from '../../rbac.ts';
import { silent, until } from '../../testing/until.ts';
import { type Installation, NAMESPACE, SYSTEM, useInstallation } from '../../webhook/testing/installation.ts';
import { type Api, clusterPermissions, namespacePermissions, permissions, startApi } from '../api.ts';
import { asPerson } from '../authentication/impersonation.ts';
import type { ApiPart } from '../context.ts';
import { OWN_SECRET } from '../server/certificates.ts';
import type { GcloudTarget } from './gcloud.ts';

export { NAMESPACE } from '../../webhook/testing/installation.ts';

/** The region of the tests, and the host name of their API. */
export const REGION = 'local-cluster1';
export const HOST = 'run.example.test';

/** People of the tests: service accounts, by what they may do in {@link NAMESPACE}. */
export const PEOPLE = {
  editor: ['create', 'delete', 'get', 'list', 'patch', 'update', 'use', 'watch'],
  viewer: ['get', 'list', 'watch'],
  stranger: [],
} as const;

/** An API server with the webhook, and the Admin API before it. */
export interface ApiInstallation extends Installation {
  api: Api & { stop(): Promise<void> };
  /** Acts as the account of the Admin API, with the rights that the chart gives it. */
  own: KubeClient;
  /** PEM of the authority that clients trust. */
  authority: string;
  tokens: Record<keyof typeof PEOPLE, string>;
  /** Starts one more replica. */
  start(settings?: object, parts?: readonly ApiPart[]): Promise<ApiInstallation['api']>;
}

/** Gives a suite an installation, filled in before its first test. */
export function useApi(): ApiInstallation {
  const installation = useInstallation() as ApiInstallation;
  before(async () => {
    const { client } = installation;
    installation.own = await ownClient(installation);
    installation.start = (settings = {}, parts) => start(installation, settings, parts);
    installation.tokens = await makePeople(installation);
    installation.api = await installation.start();
    const secret = await client.get(SECRETS, { namespace: SYSTEM, name: OWN_SECRET });
    installation.authority = Buffer.from(secret?.data?.['ca.crt'] ?? '', 'base64').toString();
    new X509Certificate(installation.authority);
  });
  after(async () => {
    await installation.api?.stop();
  });
  return installation;
}

async function start(
  { own }: ApiInstallation,
  settings: object,
  parts?: readonly ApiPart[],
): Promise<ApiInstallation['api']> {
  const stop = new AbortController();
  const config = parseConfig({ api: { host: HOST, ...settings } });
  // Any free port.
  config.api.port = 0;
  const api = await startApi({
    config,
    identity: { namespace: SYSTEM },
    client: own,
    log: silent,
    host: '127.0.0.1',
    parts,
  });
  const running = api.run(stop.signal);
  await until('the Admin API is ready', () => api.unready() === undefined);
  return {
    ...api,
    async stop() {
      stop.abort();
      await running;
    },
  };
}

/** The account of the chart, with what the code declares that it needs. */
async function ownClient({ server, client }: Installation): Promise<KubeClient> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const metadata = { name: 'homerun-api', namespace: SYSTEM };
  await client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  const subjects = [{ kind: 'ServiceAccount', ...metadata }];
  const grants: [where: string, kind: string, rules: readonly Permission[]][] = [
    [rbac, 'ClusterRole', [...permissions, ...clusterPermissions]],
    [`${rbac}/namespaces/${SYSTEM}`, 'Role', namespacePermissions],
  ];
  for (const [where, kind, declared] of grants) {
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name: metadata.name };
    const plural = `${where}/${kind.toLowerCase()}`;
    await client.request('POST', `${plural}s`, { body: { metadata, rules: mergePermissions(declared) } });
    await client.request('POST', `${plural}bindings`, { body: { metadata, subjects, roleRef } });
  }
  const token = await tokenOf({ client }, metadata.name, {}, SYSTEM);
  const ca = readFileSync(join(dirname(server.kubeconfig), 'ca.crt'));
  return new KubeClient({
    server: server.connection.server,
    dispatcher: apiAgent({ ca }),
    headers: () => ({ authorization: `Bearer ${token}` }),
  });
}

async function makePeople({ client }: Installation): Promise<ApiInstallation['tokens']> {
  const tokens: Record<string, string> = {};
  for (const [name, verbs] of Object.entries(PEOPLE)) {
    await client.create(SERVICE_ACCOUNTS, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: NAMESPACE },
    });
    const root = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;
    const metadata = { name };
    const resources = [
      ...KINDS.map(({ plural }) => plural),
      'pods',
      'namespaces',
      'serviceaccounts',
      'buckets',
      'objects',
    ];
    const rules = [{ apiGroups: ['*'], resources, verbs }];
    const subjects = [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
    if (verbs.length > 0) {
      await client.request('POST', `${root}/roles`, { body: { metadata, rules } });
      await client.request('POST', `${root}/rolebindings`, { body: { metadata, subjects, roleRef } });
    }
    tokens[name] = await tokenOf({ client }, name);
    if (!(verbs as readonly string[]).includes('list')) continue;
    // The API server learns of a binding a moment after it was made.
    const account = { name: `system:serviceaccount:${NAMESPACE}:${name}`, groups: [] };
    const person = new KubeClient(asPerson(client.connection, account));
    const isBound = () => person.list(SERVICES, { namespace: NAMESPACE }).then(() => true);
    await until(`the rights of ${name}`, () => isBound().catch(() => false));
  }
  return tokens as ApiInstallation['tokens'];
}

/** A token of a service account (Kubernetes API, TokenRequest). */
export async function tokenOf(
  { client }: Pick<Installation, 'client'>,
  account: string,
  spec: object = {},
  namespace = NAMESPACE,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const { status } = await client.request<{ status: { token: string } }>('POST', path, { body: { spec } });
  return status.token;
}

/** The installation for gcloud, as a person who may change things. */
export function gcloudTarget({ authority, tokens, api }: ApiInstallation): GcloudTarget {
  const token = tokens.editor;
  return { address: '127.0.0.1', port: api.port, authority, token, project: NAMESPACE, region: REGION };
}
