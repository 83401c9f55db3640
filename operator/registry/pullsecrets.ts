import type { KubeClient } from '../kube/client.ts';
import { SECRETS, SERVICE_ACCOUNTS } from '../kube/core.ts';
import { isKubeError } from '../kube/errors.ts';
import type { Permission } from '../rbac.ts';
import { type Keyring, makeKeyring, type PullSecret } from './keyring.ts';

/** Which pull secrets there are is read from the service account. */
export const permissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get'] },
];

/**
 * Reading pull secrets, in the namespaces where the chart lets it be done; nothing is listed or watched, so no secret
 * stays in memory.
 */
export const secretPermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
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
  const found = await Promise.all([...new Set(names)].map((name) => readSecret(client, namespace, name)));
  const secrets = found.filter((each) => typeof each !== 'string');
  return makeKeyring(
    secrets,
    found.filter((each) => typeof each === 'string'),
  );
}

/** A pull secret, or why there is none, as a clause. */
async function readSecret(client: KubeClient, namespace: string, name: string): Promise<PullSecret | string> {
  try {
    const secret = await client.get(SECRETS, { namespace, name });
    if (!secret) return `secret "${name}" does not exist`;
    return { name, type: secret.type, data: secret.data as Record<string, string> | undefined };
  } catch (error) {
    if (!isKubeError(error, 'KUBE_FORBIDDEN')) throw error;
    return `secret "${name}" may not be read (chart value registry.pullSecretNamespaces)`;
  }
}

async function accountSecrets(client: KubeClient, pod: PodIdentity): Promise<string[]> {
  const ref = { namespace: pod.namespace, name: pod.serviceAccount || 'default' };
  const account = await client.get(SERVICE_ACCOUNTS, ref);
  return account?.imagePullSecrets?.flatMap((secret) => (secret.name ? [secret.name] : [])) ?? [];
}
