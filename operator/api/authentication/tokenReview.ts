import type { KubeClient } from '../../kube/client.ts';
import type { Permission } from '../../rbac.ts';
import { ApiError } from '../errors.ts';
import type { Authenticate } from './authentication.ts';

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews';

/** Asks who a token belongs to, and acts as that person: what each may do is decided by the rules for the person. */
export const authenticationPermissions: readonly Permission[] = [
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
  { apiGroups: [''], resources: ['users', 'groups', 'serviceaccounts'], verbs: ['impersonate'] },
];

interface TokenReview {
  status?: {
    authenticated?: boolean;
    user?: { username?: string; groups?: string[]; extra?: Record<string, string[]> };
    audiences?: string[];
  };
}

/** The person that the cluster knows by a token (Kubernetes API, TokenReview). */
export function tokenReview(client: Pick<KubeClient, 'request'>): Authenticate {
  return async (token) => {
    const status = await review(client, { token });
    const { username, groups = [] } = status?.user ?? {};
    if (!status?.authenticated || !username) return undefined;
    return { person: { name: username, groups, ...(username.includes('@') ? { email: username } : {}) } };
  };
}

/** A pod, by the token of its service account. */
export interface TokenPod {
  namespace: string;
  name: string;
}

/** On a token that the kubelet has got for a pod; such a token ends with the pod (Kubernetes, Bound service account tokens). */
const POD_NAME = 'authentication.kubernetes.io/pod-name';
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):[^:]+$/;

/** The pod that has a token for an audience; undefined for any other token. @throws {ApiError} UNAVAILABLE */
export async function podOfToken(
  client: Pick<KubeClient, 'request'>,
  token: string,
  audience: string,
): Promise<TokenPod | undefined> {
  const {
    authenticated,
    user,
    audiences = [],
  } = (await review(client, { token, audiences: [audience] })) ?? {};
  const [, namespace] = SERVICE_ACCOUNT.exec(user?.username ?? '') ?? [];
  const [name] = user?.extra?.[POD_NAME] ?? [];
  // A server that knows no audiences says none (Kubernetes API, TokenReviewStatus: audiences).
  if (!authenticated || !namespace || !name || !audiences.includes(audience)) return undefined;
  return { namespace, name };
}

async function review(
  client: Pick<KubeClient, 'request'>,
  spec: { token: string; audiences?: string[] },
): Promise<TokenReview['status']> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
  try {
    return (await client.request<TokenReview>('POST', PATH, { body, verb: 'create' })).status;
  } catch (cause) {
    const message = "The cluster's API server cannot be asked whose token this is.";
    throw new ApiError('UNAVAILABLE', message, { cause });
  }
}
