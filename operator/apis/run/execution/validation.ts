import { HOMERUN } from '../../annotations/homerun.ts';
import { validateAnnotations } from '../../annotations/validation.ts';
import { at, type FieldError, formatted, keyed } from '../../fieldError.ts';
import { RUN } from '../../labels.ts';
import { MAX_NAME } from '../../names.ts';
import { DNS_LABEL } from '../../schema.ts';
import { schemaErrors } from '../../schemaValidation.ts';
import { validateEnvironment } from '../../serving/container/environment.ts';
import type { Job } from '../job/types.ts';
import { usesGpu, validateExecutionSpec, validateTimeout } from '../task/validation.ts';
import { completeExecution, isComplete, jobOf, repeats } from './fromJob.ts';
import { type ContainerOverride, OverridesSchema, overriddenContainer, parseOverrides } from './overrides.ts';
import type { Execution, ExecutionSpec } from './types.ts';

const ANNOTATIONS = 'metadata.annotations';
const OVERRIDES = keyed(ANNOTATIONS, HOMERUN.overrides);
const JOB_LABEL = keyed('metadata.labels', RUN.job);

/** The job that an execution names, or that it does not exist; undefined when it was not looked up. */
export type ReferencedJob = { job: Job | undefined } | undefined;

/** Validates an execution; `previous` is the stored one that it replaces. */
export function validateExecution(
  execution: Execution,
  previous?: Execution,
  referenced?: ReferencedJob,
): FieldError[] {
  const { metadata } = execution;
  const own = [
    ...validateName(metadata.name),
    ...validateAnnotations('execution', metadata.annotations, ANNOTATIONS),
    ...validateJobLabel(execution, referenced),
  ];
  if (previous && isComplete(previous)) return [...own, ...validateUnchanged(execution, previous)];
  const overrides = referenced?.job ? validateOverrides(execution, referenced.job) : [];
  const effective = overrides.some(({ strict }) => !strict) ? withoutOverrides(execution) : execution;
  return [...own, ...overrides, ...validateSpec(effective, referenced?.job)];
}

function validateName(name: string): FieldError[] {
  if (name.length <= MAX_NAME && new RegExp(DNS_LABEL).test(name)) return [];
  const form = 'lowercase letters, digits and dashes, starting with a letter and not ending with a dash';
  const message = `is ${formatted(name)} (${name.length} characters); it must have 1 to ${MAX_NAME} characters: ${form}`;
  return [{ path: 'metadata.name', value: name, message }];
}

/** An execution must name an existing job. */
function validateJobLabel(execution: Execution, referenced: ReferencedJob): FieldError[] {
  const name = jobOf(execution);
  if (!name) return [{ path: JOB_LABEL, message: 'must be set to the name of the job to run' }];
  if (!referenced || referenced.job) return [];
  const message = `is ${formatted(name)}; there is no such job in namespace ${formatted(execution.metadata.namespace)}`;
  return [{ path: JOB_LABEL, value: name, message }];
}

/** Validates the spec that will run: completed from the job if that was looked up. */
function validateSpec(execution: Execution, job: Job | undefined): FieldError[] {
  const whole = job ? completeExecution(execution, job) : execution;
  const { spec, metadata } = whole;
  if (!spec?.template?.spec?.containers) return [];
  const context = { annotations: metadata.annotations, annotationsPath: ANNOTATIONS };
  return validateExecutionSpec(spec as ExecutionSpec, context, 'spec');
}

/** Validates annotation homerun.dev/overrides (API reference, RunJobRequest: overrides). */
function validateOverrides(execution: Execution, job: Job): FieldError[] {
  const text = execution.metadata.annotations?.[HOMERUN.overrides];
  if (text === undefined) return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  const bySchema = schemaErrors(OverridesSchema, parsed, OVERRIDES);
  const overrides = parseOverrides(text);
  if (!overrides) return bySchema;
  const { containers } = completeExecution(withoutOverrides(execution), job).spec.template.spec;
  const { containerOverrides = [], timeoutSeconds } = overrides;
  const found = [
    ...unknownKeys(overrides, OverridesSchema.properties, OVERRIDES),
    ...containerOverrides.flatMap((override, i) =>
      validateContainerOverride(override, containers, at(`${OVERRIDES}.containerOverrides`, i)),
    ),
    ...validateTimeout(timeoutSeconds, usesGpu(containers), `${OVERRIDES}.timeoutSeconds`),
  ];
  const validated = new Set(found.map(({ path }) => path));
  return [...bySchema.filter(({ path }) => !validated.has(path)), ...found];
}

function withoutOverrides(execution: Execution): Execution {
  const { [HOMERUN.overrides]: _, ...annotations } = execution.metadata.annotations ?? {};
  return { ...execution, metadata: { ...execution.metadata, annotations } };
}

type Container = ExecutionSpec['template']['spec']['containers'][number];

const CONTAINER_KEYS = { name: true, args: true, clearArgs: true, env: true };

function validateContainerOverride(
  override: ContainerOverride,
  containers: readonly Container[],
  path: string,
): FieldError[] {
  const { name, args = [], clearArgs, env } = override;
  const errors: FieldError[] = unknownKeys(override, CONTAINER_KEYS, path);
  if (!overriddenContainer(containers, override)) {
    const names = containers.map((container) => container.name).join(', ');
    const problem = name
      ? `is ${formatted(name)}; there is no such container`
      : 'must be set, because the job has several containers';
    const message = `${problem}; the job's containers are ${names}`;
    errors.push({ path: `${path}.name`, value: name, message });
  }
  if (clearArgs && args.length > 0) {
    errors.push({ path: `${path}.args`, message: 'must be empty when clearArgs is true' });
  }
  return [...errors, ...validateEnvironment({ env }, { ingress: false, task: true }, path)];
}

function unknownKeys(object: object, fields: object, path: string): FieldError[] {
  return Object.keys(object)
    .filter((key) => !Object.hasOwn(fields, key))
    .map((key) => ({
      path: `${path}.${key}`,
      message: `is not a known field; the fields are ${Object.keys(fields).join(', ')}`,
    }));
}

/** A complete execution is immutable. */
function validateUnchanged(execution: Execution, previous: Execution): FieldError[] {
  const errors: FieldError[] = [];
  const job = jobOf(previous);
  if (job !== undefined && jobOf(execution) !== job) {
    errors.push({
      path: JOB_LABEL,
      value: jobOf(execution),
      message: `is ${formatted(jobOf(execution))}; it is immutable and must be ${formatted(job)}`,
    });
  }
  if (!repeats(execution, previous)) {
    errors.push({ path: 'spec', message: 'must not change: an execution is immutable; run its job again' });
  }
  return errors;
}
