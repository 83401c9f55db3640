import type { DescMessage } from '@bufbuild/protobuf';
import { AUTOSCALING } from '../../../apis/annotations/autoscaling.ts';
import { SERVING } from '../../../apis/labels.ts';
import { EXECUTIONS } from '../../../apis/run/execution/types.ts';
import { JOBS } from '../../../apis/run/job/types.ts';
import { WORKER_POOLS } from '../../../apis/run/workerPool/types.ts';
import { REVISIONS } from '../../../apis/serving/revision/types.ts';
import { SERVICES } from '../../../apis/serving/service/types.ts';
import { cloned } from '../../../kube/json.ts';
import type { KubeObject, ResourceType } from '../../../kube/types.ts';
import { messageOf } from '../registry.ts';
import { CONDITIONS, reconciling } from './condition.ts';
import { instance, type TemplatePaths } from './instance.ts';
import { EXECUTION_STATUS, JOB_STATUS, TASK_STATUS, TOKENS, tasks } from './job.ts';
import { field, group, type Lens, locate, type Path, readAll, shown, writeAll } from './lens.ts';
import { DESCRIPTION, derived, IDENTITY, LAUNCH_STAGE, textsOf } from './metadata.ts';
import { nameOf } from './names.ts';
import { BINARY_AUTHORIZATION, POOL_FIELDS, SERVICE_FIELDS, SERVICE_STATUS } from './service.ts';
import { COUNT, type Fields } from './value.ts';

/** A resource of the v2 API, and how it is stored. */
export interface Conversion {
  message: DescMessage;
  /** Undefined for tasks, which are a view of pods. */
  type?: ResourceType;
  /** The condition that says when an operation on it is done. */
  settled: 'Ready' | 'Completed';
  lenses: readonly Lens[];
}

/** One that is stored as an object of its own. */
export type StoredConversion = Conversion & { type: ResourceType };

const TEMPLATE: Path = ['spec', 'template'];
const OWN: TemplatePaths = { metadata: ['metadata'], spec: ['spec'], requests: true };
const REVISION_TEMPLATE: TemplatePaths = {
  metadata: [...TEMPLATE, 'metadata'],
  spec: [...TEMPLATE, 'spec'],
  requests: true,
};
const POOL_TEMPLATE: TemplatePaths = { ...REVISION_TEMPLATE, requests: false };
const JOB_TASK: TemplatePaths = { ...POOL_TEMPLATE, spec: [...POOL_TEMPLATE.spec, 'template', 'spec'] };
const EXECUTION_TASK: TemplatePaths = { ...OWN, spec: [...TEMPLATE, 'spec'], requests: false };

const REVISION_NAME = field('revision', [...TEMPLATE, 'metadata', 'name']);

/** The lenses on fields that a message has: what its descriptor leaves out of a template, it cannot say. */
function within(message: string, lenses: readonly Lens[]): Lens[] {
  const names = new Set(messageOf(message).fields.map(({ jsonName }) => jsonName));
  return lenses.filter(({ fields }) => fields.some((name) => names.has(name)));
}

function conversion<R extends Omit<Conversion, 'message' | 'lenses'>>(
  message: string,
  rest: R,
  ...lenses: Lens[]
): R & Pick<Conversion, 'message' | 'lenses'> {
  const name = derived('name', (stored, place) => nameOf(stored as unknown as KubeObject, place));
  const all = [name, reconciling(rest.settled), ...IDENTITY, ...lenses];
  return { message: messageOf(message), ...rest, lenses: within(message, all) };
}

/** Every resource that is stored, by the name of its message: one line for each field, read in both directions. */
export const CONVERSIONS = {
  Service: conversion(
    'Service',
    { type: SERVICES, settled: 'Ready' as const },
    ...DESCRIPTION,
    ...SERVICE_FIELDS,
    ...SERVICE_STATUS,
    group('template', REVISION_NAME, ...within('RevisionTemplate', instance(REVISION_TEMPLATE))),
  ),
  Revision: conversion(
    'Revision',
    { type: REVISIONS, settled: 'Ready' as const },
    LAUNCH_STAGE,
    CONDITIONS,
    shown('service', ['metadata', 'labels', SERVING.service]),
    shown('logUri', ['status', 'logUrl']),
    group(
      'scalingStatus',
      shown('desiredMinInstanceCount', ['metadata', 'annotations', AUTOSCALING.minScale], COUNT),
    ),
    ...instance(OWN).filter(({ fields }) => !fields.includes('labels') && !fields.includes('annotations')),
  ),
  Job: conversion(
    'Job',
    { type: JOBS, settled: 'Ready' as const },
    ...DESCRIPTION,
    BINARY_AUTHORIZATION,
    ...TOKENS,
    ...JOB_STATUS,
    group(
      'template',
      textsOf('labels', POOL_TEMPLATE.metadata),
      textsOf('annotations', POOL_TEMPLATE.metadata),
      ...tasks(POOL_TEMPLATE.spec),
      group('template', ...within('TaskTemplate', instance(JOB_TASK))),
    ),
  ),
  Execution: conversion(
    'Execution',
    { type: EXECUTIONS, settled: 'Completed' as const },
    LAUNCH_STAGE,
    ...EXECUTION_STATUS,
    ...tasks(['spec']),
    group('template', ...within('TaskTemplate', instance(EXECUTION_TASK))),
  ),
  Task: conversion('Task', { settled: 'Completed' as const }, ...TASK_STATUS, ...instance(OWN)),
  WorkerPool: conversion(
    'WorkerPool',
    { type: WORKER_POOLS, settled: 'Ready' as const },
    ...DESCRIPTION,
    ...POOL_FIELDS,
    group('template', REVISION_NAME, ...within('WorkerPoolRevisionTemplate', instance(POOL_TEMPLATE))),
  ),
} as const satisfies Record<string, Conversion>;

/** The message that shows a stored object. Pure. @param place `projects/PROJECT/locations/LOCATION`. */
export function toMessage({ lenses }: Conversion, stored: KubeObject, place: string): Fields {
  return readAll(lenses, stored as unknown as Fields, { place, aliases: new Map() });
}

/**
 * The object that says what the message says, and beside it what only the previous one can say. Fields of the message
 * that are output only have no effect. Pure.
 * @throws {FieldValueError}
 */
export function toResource(
  { lenses }: Conversion,
  message: Fields,
  previous: KubeObject,
  place: string,
): KubeObject {
  const stored = cloned(previous);
  writeAll(lenses, message, stored as unknown as Fields, { place, aliases: new Map() }, '');
  return stored;
}

/**
 * The field of the message that says what is at a path of the stored object, as errors of the cluster name it
 * (`spec.template.spec.containers[0].image`); undefined for what only the stored object can say.
 */
export function fieldAt({ lenses }: Conversion, path: string): string | undefined {
  const keys = [...path.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map(([whole, inner]) => inner ?? whole);
  return locate(lenses, keys);
}
