import { isSubset } from '../../../kube/json.ts';
import { controllerReference } from '../../../kube/owner.ts';
import type { ObjectMeta } from '../../../kube/types.ts';
import { HOMERUN } from '../../annotations/homerun.ts';
import { RUN as RUN_ANNOTATIONS } from '../../annotations/run.ts';
import { notInheritedBy } from '../../annotations/table.ts';
import { LOCATION, RUN } from '../../labels.ts';
import type { Job } from '../job/types.ts';
import { DEFAULT_TASKS, defaultExecutionSpec } from '../task/defaults.ts';
import { type Overrides, parseOverrides, withOverrides } from './overrides.ts';
import {
  type CompleteExecution,
  type CompleteExecutionSpec,
  EXECUTIONS,
  type Execution,
  type ExecutionSpec,
} from './types.ts';

const NOT_INHERITED = notInheritedBy('execution');

/** The part of an execution that its job does not determine. */
export interface ExecutionRequest {
  name: string;
  overrides?: Overrides;
  /** In addition to those of the job's template. */
  annotations?: Record<string, string>;
}

/**
 * The execution that runs a job once (API reference, jobs.run). The job owns it, so it is deleted with the job. Its
 * creator is the last modifier of the job.
 */
export function executionOf(job: Job, { name, overrides, annotations }: ExecutionRequest): CompleteExecution {
  const { apiVersion, kind } = EXECUTIONS;
  const bare: Execution = {
    apiVersion,
    kind,
    metadata: { name, namespace: job.metadata.namespace, annotations: { ...creatorOf(job), ...annotations } },
  };
  return completed(bare, job, overrides);
}

function creatorOf({ metadata }: Job): Record<string, string> {
  const creator = metadata.annotations?.[RUN_ANNOTATIONS.lastModifier];
  if (creator === undefined) return {};
  return { [RUN_ANNOTATIONS.creator]: creator, [RUN_ANNOTATIONS.lastModifier]: creator };
}

/**
 * A manually created execution with its unset fields taken from its job: the spec field by field (containers and
 * volumes as a whole), the template's labels and annotations, and the owner reference. The overrides of its annotation
 * are applied to the spec. Pure; repeating it changes nothing but the job's generation.
 * @param job the job that label run.googleapis.com/job names.
 */
export function completeExecution(execution: Execution, job: Job): CompleteExecution {
  return completed(execution, job, parseOverrides(execution.metadata.annotations?.[HOMERUN.overrides]));
}

/** Whether every field needed for starting the execution is set; its overrides are in the spec then. */
export function isComplete(execution: Execution): execution is CompleteExecution {
  const { taskCount, template } = execution.spec ?? {};
  const { containers = [], maxRetries, timeoutSeconds, serviceAccountName } = template?.spec ?? {};
  const numbers = [taskCount, maxRetries, timeoutSeconds];
  const named = containers.length > 0 && containers.every(({ name }) => name);
  return named && serviceAccountName !== undefined && numbers.every((number) => number !== undefined);
}

/** Labels that link an execution to its job at a generation. */
const LINKS = [RUN.job, RUN.jobUid, RUN.jobGeneration, RUN.jobResourceVersion];

/**
 * The update of a complete execution: where it repeats parts of the spec, the rest is kept as stored, and so are the
 * links to the job. Applying the same YAML again therefore changes nothing.
 */
export function keepStoredExecution(next: Execution, previous: CompleteExecution): Execution {
  const { labels = {}, ownerReferences } = previous.metadata;
  const links = LINKS.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]]));
  const metadata = {
    ...next.metadata,
    labels: { ...Object.fromEntries(links), ...next.metadata.labels },
    ownerReferences: next.metadata.ownerReferences ?? ownerReferences,
  };
  return { ...next, metadata, ...(repeats(next, previous) ? { spec: previous.spec } : {}) };
}

/** Whether the spec of an execution is a subset of the stored one. */
export function repeats({ spec = {} }: Execution, previous: Pick<Execution, 'spec'>): boolean {
  return isSubset(spec, previous.spec);
}

/** Name of the job that an execution runs; undefined without the label. */
export function jobOf({ metadata }: Pick<Execution, 'metadata'>): string | undefined {
  return metadata.labels?.[RUN.job];
}

function completed(execution: Execution, job: Job, overrides: Overrides = {}): CompleteExecution {
  const merged = mergedSpec(execution.spec ?? {}, job.spec.template.spec, overrides);
  const spec = defaultExecutionSpec(merged, job.metadata.name);
  // Container names are generated first, so that an override finds a container by the name that the job shows.
  return {
    ...execution,
    metadata: completedMetadata(execution.metadata, job),
    spec: withOverrides<CompleteExecutionSpec>(spec, overrides),
  };
}

type DeclaredSpec = NonNullable<Execution['spec']>;

function mergedSpec(own: DeclaredSpec, job: ExecutionSpec, overrides: Overrides): ExecutionSpec {
  const taskCount = own.taskCount ?? job.taskCount ?? DEFAULT_TASKS;
  // The job's parallelism may exceed the execution's number of tasks.
  const most = Math.min(job.parallelism ?? 0, overrides.taskCount ?? taskCount);
  const parallelism = own.parallelism ?? (most || undefined);
  const task = { ...job.template.spec, ...declared(own.template?.spec ?? {}) };
  const { parallelism: _, ...rest } = { ...job, ...own };
  return {
    ...rest,
    taskCount,
    ...(parallelism === undefined ? {} : { parallelism }),
    template: { ...job.template, ...own.template, spec: task },
  };
}

/** The fields that are not empty: clients of Cloud Run write an empty string, list or map for an unset field. */
function declared<T extends object>(fields: T): Partial<T> {
  const isEmpty = (value: unknown) =>
    value === undefined ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value ?? {}).length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value))) as Partial<T>;
}

function completedMetadata(own: ObjectMeta, job: Job): ObjectMeta {
  const { labels = {}, annotations = {} } = job.spec.template.metadata ?? {};
  const { [LOCATION]: _, ...inherited } = labels;
  const { name, uid = '', generation = 1, resourceVersion = '' } = job.metadata;
  const kept = Object.entries(annotations).filter(([key]) => !NOT_INHERITED.has(key));
  const others =
    own.ownerReferences?.filter(({ controller, uid: other }) => !controller && other !== uid) ?? [];
  return {
    ...own,
    labels: {
      ...inherited,
      ...own.labels,
      [RUN.job]: name,
      [RUN.jobUid]: uid,
      [RUN.jobGeneration]: String(generation),
      [RUN.jobResourceVersion]: resourceVersion,
    },
    annotations: { ...Object.fromEntries(kept), ...own.annotations },
    // A user who creates an execution may lack the permission to block the deletion of its job (OpenShift checks).
    ownerReferences: [...others, { ...controllerReference(job), blockOwnerDeletion: false }],
  };
}
