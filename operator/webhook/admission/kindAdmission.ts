import type { TObject, TSchema } from 'typebox';
import type { FieldError } from '../../apis/fieldError.ts';
import { RUN, workerPoolOf } from '../../apis/labels.ts';
import { completeExecution, isComplete, settledExecution } from '../../apis/run/execution/fromJob.ts';
import { EXECUTION } from '../../apis/run/execution/kind.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import { type KnownJob, validateExecution } from '../../apis/run/execution/validation.ts';
import { canonicalExecutionTemplate } from '../../apis/run/job/canonical.ts';
import { defaultExecutionTemplate } from '../../apis/run/job/defaults.ts';
import { JOB } from '../../apis/run/job/kind.ts';
import type { Job } from '../../apis/run/job/types.ts';
import { validateJob } from '../../apis/run/job/validation.ts';
import { defaultPoolTemplate } from '../../apis/run/workerPool/defaults.ts';
import { WORKER_POOL } from '../../apis/run/workerPool/kind.ts';
import { settledCount } from '../../apis/run/workerPool/scaling.ts';
import type { WorkerPool } from '../../apis/run/workerPool/types.ts';
import { validateWorkerPool } from '../../apis/run/workerPool/validation.ts';
import type { KindDefinition } from '../../apis/schema.ts';
import { defaultTemplate } from '../../apis/serving/configuration/defaults.ts';
import { CONFIGURATION } from '../../apis/serving/configuration/kind.ts';
import type { Configuration } from '../../apis/serving/configuration/types.ts';
import { validateConfiguration } from '../../apis/serving/configuration/validation.ts';
import { canonicalTemplate } from '../../apis/serving/revision/canonical.ts';
import { defaultRevisionSpec } from '../../apis/serving/revision/defaults.ts';
import { REVISION } from '../../apis/serving/revision/kind.ts';
import { RevisionTemplateSchema } from '../../apis/serving/revision/schema.ts';
import type { Revision, RevisionTemplate } from '../../apis/serving/revision/types.ts';
import { validateRevision } from '../../apis/serving/revision/validation.ts';
import { ROUTE } from '../../apis/serving/route/kind.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import { validateRoute } from '../../apis/serving/route/validation.ts';
import { SERVICE } from '../../apis/serving/service/kind.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import { validateService } from '../../apis/serving/service/validation.ts';
import { defaultRouteTraffic, defaultServiceTraffic } from '../../apis/serving/traffic/defaults.ts';
import type { KubeObject, ObjectMeta } from '../../kube/types.ts';
import { type AuthorKeys, RUN_AUTHORS, SERVING_AUTHORS } from './authors.ts';
import { keepStored } from './keepStored.ts';

/** What admission must know of a kind: its schema, its defaults and its law. */
export interface KindAdmission<T extends KubeObject = KubeObject> {
  definition: KindDefinition;
  /** The schema of `spec` before its defaults are filled in. */
  written: TSchema;
  /** Where those who ask are named as creator and lastModifier; a revision's come from its configuration. */
  authors?: AuthorKeys;
  /** The object with its defaults filled in; where nothing but defaults would change, `previous` stays. */
  fill(object: T, previous?: T, known?: ReferencedObjects): T;
  validate(object: T, previous?: T, known?: ReferencedObjects): FieldError[];
}

/** What the law asks of the cluster beyond the object itself; where something is left out, it is not looked at. */
export interface ReferencedObjects {
  job?: KnownJob;
  /** Names of a worker pool's revisions. */
  revisions?: readonly string[];
}

function settledTemplate(
  next: RevisionTemplate,
  previous: RevisionTemplate | undefined,
  name: string,
  fill: (template: RevisionTemplate, name: string) => RevisionTemplate = defaultTemplate,
): RevisionTemplate {
  return keepStored(next, previous, (part) => fill(part, name), previous, canonicalTemplate);
}

const service: KindAdmission<Service> = {
  definition: SERVICE,
  written: SERVICE.spec,
  authors: SERVING_AUTHORS,
  fill(object, previous) {
    const { spec, metadata } = object;
    const template = settledTemplate(spec.template, previous?.spec.template, metadata.name);
    const traffic = keepStored(spec.traffic, previous?.spec.traffic, defaultServiceTraffic, previous);
    return { ...object, spec: { ...spec, template, traffic } };
  },
  validate: validateService,
};

const configuration: KindAdmission<Configuration> = {
  definition: CONFIGURATION,
  written: CONFIGURATION.spec,
  authors: SERVING_AUTHORS,
  fill(object, previous) {
    const { spec, metadata } = object;
    const template = settledTemplate(spec.template, previous?.spec.template, metadata.name);
    return { ...object, spec: { ...spec, template } };
  },
  validate: validateConfiguration,
};

const route: KindAdmission<Route> = {
  definition: ROUTE,
  written: ROUTE.spec,
  authors: SERVING_AUTHORS,
  fill(object, previous) {
    const { spec } = object;
    const traffic = keepStored(
      spec.traffic,
      previous?.spec.traffic,
      (targets) => (targets ? defaultRouteTraffic(targets) : targets),
      previous,
    );
    return { ...object, spec: { ...spec, traffic } };
  },
  validate: validateRoute,
};

const revision: KindAdmission<Revision> = {
  definition: REVISION,
  written: (RevisionTemplateSchema as unknown as TObject).properties.spec as TSchema,
  fill(object, previous) {
    // It is immutable: what is stored stays, and what is not must not be filled in later.
    if (previous) return object;
    const { name, annotations } = object.metadata;
    const ingress = workerPoolOf(object) === undefined;
    return { ...object, spec: defaultRevisionSpec(object.spec, { annotations, name, ingress }) };
  },
  validate: validateRevision,
};

const job: KindAdmission<Job> = {
  definition: JOB,
  written: JOB.spec,
  authors: RUN_AUTHORS,
  fill(object, previous) {
    const { spec, metadata } = object;
    const template = keepStored(
      spec.template,
      previous?.spec.template,
      (part) => defaultExecutionTemplate(part, metadata.name),
      previous,
      canonicalExecutionTemplate,
    );
    return { ...object, metadata: withoutServerLabels(metadata), spec: { ...spec, template } };
  },
  validate: validateJob,
};

/** Exports carry the time of the last change, which is no label value that Kubernetes takes. */
function withoutServerLabels(metadata: ObjectMeta): ObjectMeta {
  if (metadata.labels?.[RUN.lastUpdatedTime] === undefined) return metadata;
  const { [RUN.lastUpdatedTime]: _, ...labels } = metadata.labels;
  return { ...metadata, labels };
}

const execution: KindAdmission<Execution> = {
  definition: EXECUTION,
  written: EXECUTION.spec,
  authors: RUN_AUTHORS,
  fill(object, previous, known) {
    if (previous && isComplete(previous)) return settledExecution(object, previous);
    if (!known?.job?.job) return object;
    return completeExecution(object, known.job.job) as Execution;
  },
  validate: (object, previous, known) => validateExecution(object, previous, known?.job),
};

const workerPool: KindAdmission<WorkerPool> = {
  definition: WORKER_POOL,
  written: WORKER_POOL.spec,
  authors: SERVING_AUTHORS,
  fill(object, previous) {
    const { spec, metadata } = object;
    const earlier = previous?.spec;
    const template = settledTemplate(spec.template, earlier?.template, metadata.name, defaultPoolTemplate);
    const splits = keepStored(spec.instanceSplits, earlier?.instanceSplits, defaultServiceTraffic, previous);
    const manualInstanceCount = settledCount(object, previous);
    return { ...object, spec: { ...spec, template, instanceSplits: splits, manualInstanceCount } };
  },
  validate: (object, previous, known) => validateWorkerPool(object, previous, known?.revisions),
};

/** By kind, in the order of the documents. */
export const KIND_ADMISSIONS: Readonly<Record<string, KindAdmission>> = {
  Service: service as unknown as KindAdmission,
  Configuration: configuration as unknown as KindAdmission,
  Route: route as unknown as KindAdmission,
  Revision: revision as unknown as KindAdmission,
  Job: job as unknown as KindAdmission,
  Execution: execution as unknown as KindAdmission,
  WorkerPool: workerPool as unknown as KindAdmission,
};
