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

/** What is known of an execution before its job is asked. */
export interface ExecutionRequest {
  name: string;
  overrides?: Overrides;
  /** Beside those of the job's template. */
  annotations?: Record<string, string>;
}

/**
 * The execution that runs a job once (API reference, jobs.run). It belongs to the job: it goes when the job goes. Its
 * creator is who changed the job last.
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
 * An execution made by hand with everything that it leaves out as its job has it: the spec field by field (containers
 * and volumes as a whole), labels and annotations of the template, and the reference to the job. The overrides of its
 * annotation are in the spec then. Pure; completing it again changes nothing but the generation of the job.
 * @param job the one that label run.googleapis.com/job names.
 */
export function completeExecution(execution: Execution, job: Job): CompleteExecution {
  return completed(execution, job, parseOverrides(execution.metadata.annotations?.[HOMERUN.overrides]));
}

/** Whether nothing is missing, so that the execution can be started; overrides are in its spec then. */
export function isComplete(execution: Execution): execution is CompleteExecution {
  const { taskCount, template } = execution.spec ?? {};
  const { containers = [], maxRetries, timeoutSeconds, serviceAccountName } = template?.spec ?? {};
  const numbers = [taskCount, maxRetries, timeoutSeconds];
  const named = containers.length > 0 && containers.every(({ name }) => name);
  return named && serviceAccountName !== undefined && numbers.every((number) => number !== undefined);
}

/** Labels by which an execution is tied to the job as it was. */
const LINKS = [RUN.job, RUN.jobUid, RUN.jobGeneration, RUN.jobResourceVersion];

/**
 * What a client sends in place of a complete execution: where it repeats parts of the spec, the rest is as it is
 * stored, and so are the ties to the job. Writing the same YAML again then changes nothing.
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

/** Whether an execution says nothing else than what is stored. */
export function repeats({ spec = {} }: Execution, previous: Pick<Execution, 'spec'>): boolean {
  return isSubset(spec, previous.spec);
}

/** Name of the job that an execution runs; undefined when its label is missing. */
export function jobOf({ metadata }: Pick<Execution, 'metadata'>): string | undefined {
  return metadata.labels?.[RUN.job];
}

function completed(execution: Execution, job: Job, overrides: Overrides = {}): CompleteExecution {
  const merged = mergedSpec(execution.spec ?? {}, job.spec.template.spec, overrides);
  const spec = defaultExecutionSpec(merged, job.metadata.name);
  // With its names made up, so that an override finds a container by the name that the job shows.
  return {
    ...execution,
    metadata: completedMetadata(execution.metadata, job),
    spec: withOverrides<CompleteExecutionSpec>(spec, overrides),
  };
}

type Written = NonNullable<Execution['spec']>;

function mergedSpec(own: Written, job: ExecutionSpec, overrides: Overrides): ExecutionSpec {
  const taskCount = own.taskCount ?? job.taskCount ?? DEFAULT_TASKS;
  // What the job says of more tasks does not hold for fewer.
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

/** What is not empty: clients of Cloud Run write an empty text, list or map for what is unset. */
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
    // Who makes an execution by hand need not be allowed to hold back the deletion of its job (OpenShift checks).
    ownerReferences: [...others, { ...controllerReference(job), blockOwnerDeletion: false }],
  };
}
