import { BOOKKEEPING } from '../apis/annotations/bookkeeping.ts';
import { revisionUidOf, SERVING, workerPoolOf } from '../apis/labels.ts';
import { timeoutMs } from '../apis/serving/revision/timeout.ts';
import { REVISIONS, type Revision } from '../apis/serving/revision/types.ts';
import type { KubeClient } from '../kube/client.ts';
import { PODS, type Pod } from '../kube/core.ts';
import { timestamp } from '../kube/time.ts';
import type { Permission } from '../rbac.ts';
import { isThere } from './instances.ts';

/** Annotation of an instance whose eviction was requested: since when it is being drained. */
export const EVICTION_REQUESTED = BOOKKEEPING.evictionRequestedAt;

/** What the webhook needs to decide on evictions. */
export const evictionPermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'patch'] },
  { apiGroups: ['serving.knative.dev'], resources: ['revisions'], verbs: ['get'] },
];

/** How long draining takes besides the requests themselves. */
const MARGIN_MS = 10_000;

/** Whether an instance is being drained for an eviction. */
export function isEvicting(pod: Pod): boolean {
  return isThere(pod) && pod.metadata.annotations?.[EVICTION_REQUESTED] !== undefined;
}

/**
 * Decides on an eviction: `mark` rejects it and starts the drain, `wait` rejects it while the drain goes on, `allow` lets
 * it happen: the pod is no instance of a service, does not run, or had as long as its requests may last.
 */
export function decideEviction(
  pod: Pod | undefined,
  revision: Revision | undefined,
  now: number,
): 'allow' | 'mark' | 'wait' {
  if (!pod || !revision || workerPoolOf(pod) !== undefined) return 'allow';
  if (revisionUidOf(pod) !== revision.metadata.uid) return 'allow';
  if (!isThere(pod) || pod.status?.phase !== 'Running') return 'allow';
  const since = Date.parse(pod.metadata.annotations?.[EVICTION_REQUESTED] ?? '');
  if (Number.isNaN(since)) return 'mark';
  return now - since < timeoutMs(revision) + MARGIN_MS ? 'wait' : 'allow';
}

/** What counts of an admission request for an eviction (Kubernetes, admission.k8s.io/v1). */
export interface EvictionRequest {
  uid: string;
  namespace?: string;
  /** Of the pod. */
  name?: string;
  dryRun?: boolean;
}

/** The admission response. */
export interface EvictionResponse {
  uid: string;
  allowed: boolean;
  status?: { status: 'Failure'; code: 429; reason: 'TooManyRequests'; message: string };
}

export interface EvictionOptions {
  client: Pick<KubeClient, 'get' | 'mergePatch'>;
  /** Unix time in ms. */
  now: () => number;
}

/**
 * Admits or rejects the eviction of a pod (Kubernetes, API-initiated eviction): not while an instance may have requests.
 * The rejection is that of a disruption budget, 429, which `kubectl drain` and others retry; meanwhile the autoscaler
 * drains the instance and deletes it. Evictions are few, so pod and revision are read and not cached: no process has to
 * watch them.
 * @throws {KubeError} when the API server does not answer.
 */
export async function admitEviction(
  { uid, namespace, name = '', dryRun }: EvictionRequest,
  { client, now }: EvictionOptions,
): Promise<EvictionResponse> {
  const pod = await client.get(PODS, { namespace, name });
  const revision = pod && (await revisionOf(pod, client));
  const decision = decideEviction(pod, revision, now());
  if (decision === 'allow') return { uid, allowed: true };
  if (decision === 'mark' && !dryRun) {
    const annotations = { [EVICTION_REQUESTED]: timestamp(now()) };
    await client.mergePatch(PODS, { namespace, name }, { metadata: { annotations } });
  }
  const message = `instance ${name} is being drained: it is deleted when its requests have ended`;
  return {
    uid,
    allowed: false,
    status: { status: 'Failure', code: 429, reason: 'TooManyRequests', message },
  };
}

async function revisionOf(
  { metadata: { namespace, labels } }: Pod,
  client: EvictionOptions['client'],
): Promise<Revision | undefined> {
  const name = labels?.[SERVING.revision];
  return name ? client.get(REVISIONS, { namespace, name }) : undefined;
}
