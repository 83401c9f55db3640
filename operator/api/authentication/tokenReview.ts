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
  status?: { authenticated?: boolean; user?: { username?: string; groups?: string[] } };
}

/** The person that the cluster knows by a token (Kubernetes API, TokenReview). */
export function tokenReview(client: Pick<KubeClient, 'request'>): Authenticate {
  return async (token) => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
    let review: TokenReview;
    try {
      review = await client.request<TokenReview>('POST', PATH, { body, verb: 'create' });
    } catch (cause) {
      throw new ApiError('UNAVAILABLE', "The cluster's API server cannot be asked whose token this is.", {
        cause,
      });
    }
    const { username, groups = [] } = review.status?.user ?? {};
    if (!review.status?.authenticated || !username) return undefined;
    return { person: { name: username, groups, ...(username.includes('@') ? { email: username } : {}) } };
  };
}
