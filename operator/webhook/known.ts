import { RUN } from '../apis/labels.ts';
import { isComplete } from '../apis/run/execution/fromJob.ts';
import { EXECUTION } from '../apis/run/execution/schema.ts';
import type { Execution } from '../apis/run/execution/types.ts';
import { JOBS } from '../apis/run/job/types.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Permission } from '../rbac.ts';
import type { Known } from './laws.ts';
import type { AdmissionRequest } from './review.ts';

/** What is looked up in the whole cluster. */
export const lookUpPermissions: readonly Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['jobs'], verbs: ['get'] },
];

/**
 * Looks up what the law asks of the cluster: the job of an execution that is not complete. Not from a cache, because
 * `kubectl apply` sends a job and its execution one right after the other.
 * @throws {KubeError} when the API server does not answer; the review is then answered with an error.
 */
export async function lookUp(request: AdmissionRequest, client: Pick<KubeClient, 'get'>): Promise<Known> {
  const name = jobToLookUp(request);
  if (name === undefined) return {};
  const job = await client.get(JOBS, { namespace: request.namespace, name });
  // What is on its way out takes its executions along.
  return { job: { job: job?.metadata.deletionTimestamp ? undefined : job } };
}

function jobToLookUp({ kind, operation, object, oldObject }: AdmissionRequest): string | undefined {
  if (kind.group !== EXECUTION.group || kind.kind !== EXECUTION.kind) return undefined;
  if (operation === 'UPDATE' && isComplete(oldObject as Execution)) return undefined;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined;
  const { labels } = (object as { metadata?: { labels?: Record<string, unknown> | null } }).metadata ?? {};
  const name = labels?.[RUN.job];
  return typeof name === 'string' && name !== '' ? name : undefined;
}
