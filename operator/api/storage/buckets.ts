import { projectId } from '../../apis/identity.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import { namespaceOf } from '../projects.ts';

/** What decides which bucket a project has. */
export type BucketConfig = Pick<ApiContext['config'], 'namespaces' | 'metadata'>;

/**
 * The bucket for the sources of a project, by the name that gcloud gives it (`gcloud run deploy --source`). There are no
 * others, so none can be taken by somebody else first, and the name alone says whose it is.
 */
export function bucketOf(project: string, { metadata }: BucketConfig): string {
  return `run-sources-${safe(project)}-${metadata.region}`;
}

/** A bucket's name has no `google` in it, nor what a project of a domain has in its ID. */
function safe(project: string): string {
  return project.replaceAll(/[:.]/g, '_').replaceAll('google', 'elgoog');
}

/**
 * The namespace whose sources are in a bucket. A namespace with `elgoog` in its name has none: its bucket's name stands for
 * the one with `google`.
 * @throws {ApiError} NOT_FOUND for any other bucket, PERMISSION_DENIED for that of a namespace that is not served.
 */
export function namespaceOfBucket(bucket: string, config: BucketConfig): string {
  const { region, projectId: template } = config.metadata;
  const [start, end] = ['run-sources-', `-${region}`];
  const project =
    bucket.startsWith(start) && bucket.endsWith(end) ? bucket.slice(start.length, -end.length) : '';
  const [before = '', after = ''] = safe(template).split('{namespace}');
  const isId =
    project.startsWith(before) && project.endsWith(after) && project.length > before.length + after.length;
  const middle = isId ? project.slice(before.length, project.length - after.length) : project;
  const namespace = middle.replaceAll('elgoog', 'google');
  const named = isId ? projectId(template, namespace) : namespace;
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace) || bucketOf(named, config) !== bucket) {
    const message = `Bucket '${bucket.slice(0, 100)}' does not exist. A project has one, for its sources: ${bucketOf('PROJECT', config)}.`;
    throw new ApiError('NOT_FOUND', message);
  }
  return namespaceOf(namespace, { ...config, metadata: { projectId: '{namespace}' } });
}
