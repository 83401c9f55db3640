import type { KubeClient } from '../kube/client.ts';
import { SECRETS, SERVICE_ACCOUNTS } from '../kube/core.ts';
import type { Permission } from '../rbac.ts';
import { type Keyring, makeKeyring, type PullSecret } from './keyring.ts';

/** What reading pull secrets takes; nothing is listed or watched, so no secret stays in memory. */
export const permissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['secrets', 'serviceaccounts'], verbs: ['get'] },
];

/** Whose pull secrets count: the fields of a pod that the kubelet reads. */
export interface PodIdentity {
  namespace: string;
  /** Kubernetes ServiceAccount; empty is `default`. */
  serviceAccount: string;
  /** `imagePullSecrets` of the revision. */
  pullSecrets: readonly string[];
}

/**
 * The keyring that the kubelet would use for such a pod: the pod's own pull secrets, or those of its
 * ServiceAccount when it has none (Kubernetes: ServiceAccount admission controller).
 * @throws {KubeError} when the API server cannot be asked.
 */
export async function readKeyring(client: KubeClient, pod: PodIdentity): Promise<Keyring> {
  const names = pod.pullSecrets.length > 0 ? pod.pullSecrets : await accountSecrets(client, pod);
  const { namespace } = pod;
  const found = await Promise.all(
    [...new Set(names)].map(async (name) => ({
      name,
      secret: await client.get(SECRETS, { namespace, name }),
    })),
  );
  const missing = found.filter(({ secret }) => !secret).map(({ name }) => name);
  const secrets = found.flatMap(({ name, secret }): PullSecret[] =>
    secret ? [{ name, type: secret.type, data: secret.data as Record<string, string> | undefined }] : [],
  );
  return makeKeyring(secrets, missing);
}

async function accountSecrets(client: KubeClient, pod: PodIdentity): Promise<string[]> {
  const ref = { namespace: pod.namespace, name: pod.serviceAccount || 'default' };
  const account = await client.get(SERVICE_ACCOUNTS, ref);
  return account?.imagePullSecrets?.flatMap((secret) => (secret.name ? [secret.name] : [])) ?? [];
}
