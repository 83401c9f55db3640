import type { ReferencedObjects } from '../../apis/kind.ts';
import { RUN } from '../../apis/labels.ts';
import { MAX_OBJECT_NAME } from '../../apis/names.ts';
import { isComplete } from '../../apis/run/execution/fromJob.ts';
import { EXECUTION } from '../../apis/run/execution/kind.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { WORKER_POOL } from '../../apis/run/workerPool/kind.ts';
import { DNS_LABEL } from '../../apis/schema.ts';
import { schemaErrors } from '../../apis/schemaValidation.ts';
import { REVISIONS } from '../../apis/serving/revision/types.ts';
import type { KubeClient } from '../../kube/client.ts';
import { deepEqual } from '../../kube/json.ts';
import type { Permission } from '../../rbac.ts';
import type { AdmissionRequest } from './review.ts';

/** Permissions for the lookups, in the namespaces of users. */
export const lookUpPermissions: readonly Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['jobs'], verbs: ['get'] },
  { apiGroups: ['serving.knative.dev'], resources: ['revisions'], verbs: ['list'] },
];

/**
 * Looks up the objects that an object of a review refers to: the job of an incomplete execution, and the revisions of a
 * worker pool whose splits name some; undefined when it refers to none. Without a cache, because `kubectl apply` sends a job
 * and its execution in quick succession. Answers that depend on these objects reveal them, so only API servers may have such
 * answers (docs/adr/0017-lookups-at-a-secret-path.md).
 * @throws {KubeError} when the API server does not respond; the review then fails.
 */
export async function lookUpReferenced(
  request: AdmissionRequest,
  client: Pick<KubeClient, 'get' | 'list'>,
): Promise<ReferencedObjects | undefined> {
  const { namespace } = request;
  const pool = poolToLookUp(request);
  if (pool !== undefined) {
    const labelSelector = `${RUN.workerPool}=${pool}`;
    const { items } = await client.list(REVISIONS, { namespace, labelSelector });
    return { revisions: items.map(({ metadata }) => metadata.name) };
  }
  const name = jobToLookUp(request);
  if (name === undefined) return undefined;
  // No job can have such a name.
  if (name.length > MAX_OBJECT_NAME) return { job: { job: undefined } };
  const job = await client.get(JOBS, { namespace, name });
  // A job that is being deleted takes its executions with it.
  return { job: { job: job?.metadata.deletionTimestamp ? undefined : job } };
}

/** Name of the pool if the revisions in its splits have changed. */
function poolToLookUp({ kind, operation, object, oldObject }: AdmissionRequest): string | undefined {
  if (kind.group !== WORKER_POOL.group || kind.kind !== WORKER_POOL.kind) return undefined;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined;
  const names = revisionsIn(object);
  if (names.length === 0 || deepEqual(names, revisionsIn(oldObject))) return undefined;
  const { name } = metadataOf(object);
  // An invalid name would change the selector; validation rejects it.
  return typeof name === 'string' && new RegExp(DNS_LABEL).test(name) ? name : undefined;
}

/** The object is unvalidated, so any field may have any type. */
function revisionsIn(object: unknown): unknown[] {
  const { spec } = (object ?? {}) as { spec?: { instanceSplits?: unknown } | null };
  const splits = Array.isArray(spec?.instanceSplits) ? spec.instanceSplits : [];
  return splits
    .slice(0, MOST_SPLITS)
    .map((split: { revisionName?: unknown } | null) => split?.revisionName)
    .filter((name) => typeof name === 'string' && name !== '');
}

/** More than the schema allows. */
const MOST_SPLITS = 1000;

/** A stored object may predate its schema. */
function isStoredComplete(object: unknown): boolean {
  const isReadable = schemaErrors(EXECUTION.spec, (object as Partial<Execution> | null)?.spec, 'spec').every(
    ({ unreadable }) => !unreadable,
  );
  return isReadable && isComplete(object as Execution);
}

function metadataOf(object: unknown): { name?: unknown; labels?: unknown } {
  const { metadata } = (object ?? {}) as { metadata?: object | null };
  return metadata ?? {};
}

function jobToLookUp({ kind, operation, object, oldObject }: AdmissionRequest): string | undefined {
  if (kind.group !== EXECUTION.group || kind.kind !== EXECUTION.kind) return undefined;
  if (operation === 'UPDATE' && isStoredComplete(oldObject)) return undefined;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined;
  const { labels } = metadataOf(object);
  const name = (labels as Record<string, unknown> | null | undefined)?.[RUN.job];
  return typeof name === 'string' && name !== '' ? name : undefined;
}
