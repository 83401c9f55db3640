import { DOMAIN_MAPPINGS } from '../../apis/domains/domainMapping/types.ts';
import { EXECUTIONS } from '../../apis/run/execution/types.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { WORKER_POOLS } from '../../apis/run/workerPool/types.ts';
import { CONFIGURATIONS } from '../../apis/serving/configuration/types.ts';
import { REVISIONS } from '../../apis/serving/revision/types.ts';
import { ROUTES } from '../../apis/serving/route/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { namespaced, type ResourceType } from '../../kube/types.ts';

/** A kind of the API v1 (Cloud Run Admin API v1, REST resources). */
export interface ServedKind {
  type: ResourceType;
  /** What may be done besides get and list. */
  writes: readonly ('create' | 'replace' | 'delete')[];
}

/** Tasks are no objects of the cluster: what is shown follows from executions and their pods. */
export const TASKS = namespaced('run.googleapis.com/v1', 'Task', 'tasks');

const ALL = ['create', 'replace', 'delete'] as const;

export const SERVED_KINDS: readonly ServedKind[] = [
  { type: SERVICES, writes: ALL },
  { type: CONFIGURATIONS, writes: [] },
  { type: ROUTES, writes: [] },
  { type: REVISIONS, writes: ['delete'] },
  { type: JOBS, writes: ALL },
  { type: EXECUTIONS, writes: ['delete'] },
  { type: TASKS, writes: [] },
  { type: WORKER_POOLS, writes: ALL },
  { type: DOMAIN_MAPPINGS, writes: ['create', 'delete'] },
];

/** @param apiVersion left out where a path has none; the names in the plural are unique. */
export function servedKind(plural: string, apiVersion?: string): ServedKind | undefined {
  return SERVED_KINDS.find(
    ({ type }) => type.plural === plural && (apiVersion === undefined || type.apiVersion === apiVersion),
  );
}
