import type { KubeClient } from '../kube/client.ts';
import { resourcePath } from '../kube/client.ts';
import { type Pod, SERVICE_ACCOUNTS } from '../kube/core.ts';
import type { Token } from './cache.ts';

/** Google's identity tokens live for an hour; the API server may grant less. */
const LIFE_SECONDS = 3600;

interface TokenRequest {
  status: { token: string; expirationTimestamp: string };
}

/**
 * A token that proves a pod's identity to `audience`: signed by the cluster's issuer, for the pod's ServiceAccount, bound
 * to the pod, so that it becomes invalid with it (Kubernetes: TokenRequest).
 * @throws {KubeError} KUBE_NOT_FOUND when pod or ServiceAccount do not exist, KUBE_CONFLICT when the pod is another one.
 */
export async function requestToken(
  client: Pick<KubeClient, 'request'>,
  pod: Pod,
  audience: string,
): Promise<Token> {
  const { namespace, name, uid } = pod.metadata;
  const account = pod.spec?.serviceAccountName || 'default';
  const { status } = await client.request<TokenRequest>(
    'POST',
    resourcePath(SERVICE_ACCOUNTS, { namespace, name: account }, 'token'),
    {
      verb: 'token',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          audiences: [audience],
          expirationSeconds: LIFE_SECONDS,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
    },
  );
  return { value: status.token, expiresAt: Date.parse(status.expirationTimestamp) };
}
