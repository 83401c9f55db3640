import type { BatchJob, Pod } from '../../kube/core.ts';
import { BUILD } from './names.ts';
import { type BuildStatus, type Outcome, outcomeOf } from './outcome.ts';
import type { BuildRequest } from './request.ts';

/** Where a build is asked for, and what it is shown with. */
export interface ViewPlace {
  /** The project and the location, as the client named them. */
  project: string;
  location: string;
  /** The bucket of the project, where the log is to be had. */
  bucket: string;
}

/** A build (Cloud Build API v1, Build). */
export interface BuildView {
  id: string;
  name: string;
  status: BuildStatus;
  statusDetail?: string;
  createTime?: string;
  [field: string]: unknown;
}

/** The codes of google.rpc of an operation whose build did not succeed: CANCELLED, DEADLINE_EXCEEDED, FAILED_PRECONDITION. */
const CODES: Partial<Record<BuildStatus, number>> = { CANCELLED: 1, TIMEOUT: 4, EXPIRED: 4, FAILURE: 9 };
const TYPE = 'type.googleapis.com/google.devtools.cloudbuild.v1';

/** A build from its Job and its pod. Pure. */
export function buildView(job: BatchJob, pod: Pod | undefined, place: ViewPlace): BuildView {
  const id = job.metadata.labels?.[BUILD.id] ?? '';
  const outcome = outcomeOf(job, pod);
  const { status, detail, started, finished } = outcome;
  const { source, image, tags } = requestOf(job);
  const { timeout, queue } = limitsOf(job);
  const { project, location, bucket } = place;
  return {
    id,
    name: `projects/${project}/locations/${location}/builds/${id}`,
    projectId: project,
    status,
    ...(detail === undefined ? {} : { statusDetail: detail }),
    ...(source ? { source: { storageSource: sourceView(source) } } : {}),
    createTime: job.metadata.creationTimestamp,
    ...(started ? { startTime: started } : {}),
    ...(finished ? { finishTime: finished } : {}),
    timeout: `${timeout}s`,
    queueTtl: `${queue}s`,
    ...(image ? { images: [image] } : {}),
    ...results(image, outcome),
    ...failureInfo(outcome),
    logsBucket: `gs://${bucket}`,
    logUrl: `https://storage.googleapis.com/${bucket}/${logName(id)}`,
    ...(tags.length > 0 ? { tags } : {}),
  };
}

/** The object that the log of a build is read as (Cloud Build, Store and view build logs). */
export function logName(id: string): string {
  return `log-${id}.txt`;
}

/** The operation of a build (google.longrunning.Operation); gcloud names it after the build. */
export function buildOperation(build: BuildView, { project, location }: ViewPlace): Record<string, unknown> {
  const name = `projects/${project}/locations/${location}/operations/${build.id}`;
  const metadata = { '@type': `${TYPE}.BuildOperationMetadata`, build };
  if (build.status === 'QUEUED' || build.status === 'WORKING') return { name, metadata };
  const code = CODES[build.status];
  if (code === undefined)
    return { name, metadata, done: true, response: { '@type': `${TYPE}.Build`, ...build } };
  return { name, metadata, done: true, error: { code, message: build.statusDetail ?? build.status } };
}

type Known = Partial<Pick<BuildRequest, 'source' | 'image'>> & { tags: readonly string[] };

/** What was asked for; an annotation that somebody has changed tells no more than it does. */
function requestOf({ metadata }: BatchJob): Known {
  let written: unknown;
  try {
    written = JSON.parse(metadata.annotations?.[BUILD.request] ?? '');
  } catch {
    return { tags: [] };
  }
  const { source, image, tags } = (written ?? {}) as Record<string, unknown>;
  const { bucket, name, generation } = (source ?? {}) as Record<string, unknown>;
  const isSource = typeof bucket === 'string' && typeof name === 'string';
  return {
    ...(isSource
      ? { source: { bucket, name, ...(generation ? { generation: String(generation) } : {}) } }
      : {}),
    ...(typeof image === 'string' ? { image } : {}),
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
  };
}

function sourceView({ bucket, name, generation }: BuildRequest['source']): object {
  return { bucket, object: name, ...(generation && /^\d{1,18}$/.test(generation) ? { generation } : {}) };
}

function limitsOf({ spec }: BatchJob): { timeout: number; queue: number } {
  const timeout = Number(spec?.template?.spec?.activeDeadlineSeconds ?? 0);
  return { timeout, queue: Math.max(0, Number(spec?.activeDeadlineSeconds ?? 0) - timeout) };
}

function results(image: string | undefined, { digest }: Outcome): object {
  return image && digest ? { results: { images: [{ name: image, digest }] } } : {};
}

function failureInfo({ failure, detail }: Outcome): object {
  return failure ? { failureInfo: { type: failure, detail } } : {};
}
