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

/**
 * The full name of an object, such as `projects/PROJECT/locations/LOCATION/services/SERVICE`, with the parents of those
 * that have some.
 * @param place `projects/PROJECT/locations/LOCATION`.
 */
export function nameOf({ kind, metadata }: KubeObject, place: string): string {
  const { name, labels = {} } = metadata;
  const parents = kind === 'Revision' ? [ownerOf(labels)] : (PARENTS[kind] ?? []);
  // A revision of a Configuration that stands alone has no service.
  const parts = parents.flatMap(([collection, label]) => [collection, labels[label] || '-']);
  return [place, ...parts, COLLECTIONS[kind], name].join('/');
}

/** The label of the service or worker pool that a revision belongs to. */
function ownerOf(labels: Readonly<Record<string, string>>) {
  return labels[RUN.workerPool] === undefined
    ? (['services', SERVING.service] as const)
    : (['workerPools', RUN.workerPool] as const);
}
