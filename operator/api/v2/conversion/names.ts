import { RUN, SERVING } from '../../../apis/labels.ts';
import type { KubeObject } from '../../../kube/types.ts';

/** Message -> the labels that name its parents, each with the collection that the parent is in. */
const PARENTS: Readonly<Record<string, readonly (readonly [collection: string, label: string])[]>> = {
  Execution: [['jobs', RUN.job]],
  Task: [
    ['jobs', RUN.job],
    ['executions', RUN.execution],
  ],
};

const COLLECTIONS: Readonly<Record<string, string>> = {
  Service: 'services',
  Revision: 'revisions',
  Job: 'jobs',
  Execution: 'executions',
  Task: 'tasks',
  WorkerPool: 'workerPools',
};

/** `projects/PROJECT/locations/LOCATION` and what is below it. */
export function locationName(project: string, location: string): string {
  return `projects/${project}/locations/${location}`;
}

/**
 * The full name of an object: `projects/PROJECT/locations/LOCATION/services/SERVICE`, with the parents of those that have
 * some.
 */
export function nameOf({ kind, metadata }: KubeObject, location: string): string {
  const { namespace = '', name, labels = {} } = metadata;
  const parents = kind === 'Revision' ? [ownerOf(labels)] : (PARENTS[kind] ?? []);
  // A revision of a Configuration that stands alone has no service.
  const parts = parents.flatMap(([collection, label]) => [collection, labels[label] || '-']);
  return [locationName(namespace, location), ...parts, COLLECTIONS[kind], name].join('/');
}

/** The label of the service or worker pool that a revision belongs to. */
function ownerOf(labels: Readonly<Record<string, string>>) {
  return labels[RUN.workerPool] === undefined
    ? (['services', SERVING.service] as const)
    : (['workerPools', RUN.workerPool] as const);
}
