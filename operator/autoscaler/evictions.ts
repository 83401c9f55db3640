import { BOOKKEEPING } from '../apis/annotations/bookkeeping.ts';
import { revisionUidOf, SERVING, workerPoolOf } from '../apis/labels.ts';
import { timeoutMs } from '../apis/serving/revision/timeout.ts';
import { REVISIONS, type Revision } from '../apis/serving/revision/types.ts';
import type { KubeClient } from '../kube/client.ts';
import { PODS, type Pod } from '../kube/core.ts';
import { timestamp } from '../kube/time.ts';
import type { Permission } from '../rbac.ts';
import { isThere } from './instances.ts';

/** On an instance that somebody wanted to evict: since when its requests are waited for. */
export const EVICTION = BOOKKEEPING.evictionRequestedAt;

/** What the webhook needs to judge evictions. */
export const evictionPermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'patch'] },
  { apiGroups: ['serving.knative.dev'], resources: ['revisions'], verbs: ['get'] },
];

/** What draining takes besides the requests themselves. */
const MARGIN_MS = 10_000;

/** Whether an instance is to go because somebody wants to evict it. */
export function isEvicting(pod: Pod): boolean {
  return isThere(pod) && pod.metadata.annotations?.[EVICTION] !== undefined;
}

/**
 * What becomes of an eviction: `mark` refuses it and has the instance drained, `wait` refuses it because that goes on,
 * `allow` lets it happen: it is no instance of a service, holds no request, or had as long as its requests may last.
 */
export function decideEviction(
  pod: Pod | undefined,
  revision: Revision | undefined,
  now: number,
): 'allow' | 'mark' | 'wait' {
  if (!pod || !revision || workerPoolOf(pod) !== undefined) return 'allow';
  if (revisionUidOf(pod) !== revision.metadata.uid) return 'allow';
  if (!isThere(pod) || pod.status?.phase !== 'Running') return 'allow';
  const since = Date.parse(pod.metadata.annotations?.[EVICTION] ?? '');
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
 * Answers the API server's question whether a pod may be evicted (Kubernetes, API-initiated eviction): not while an
 * instance may have requests. The refusal is that of a disruption budget, 429, which whoever empties a node tries again;
 * meanwhile the autoscaler drains the instance and deletes it. Evictions are few, so pod and revision are read and not
 * cached: no process has to watch them to answer.
 * @throws {KubeError} when the API server does not answer.
 */
export async function admitEviction(
  { uid, namespace, name = '', dryRun }: EvictionRequest,
  { client, now }: EvictionOptions,
): Promise<EvictionResponse> {
  const pod = await client.get(PODS, { namespace, name });
  const revision = pod && (await revisionOf(pod, client));
  const verdict = decideEviction(pod, revision, now());
  if (verdict === 'allow') return { uid, allowed: true };
  if (verdict === 'mark' && !dryRun) {
    const annotations = { [EVICTION]: timestamp(now()) };
    await client.mergePatch(PODS, { namespace, name }, { metadata: { annotations } });
  }
  const message = `the requests of instance ${name} are given time to end; it is deleted then`;
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
