import {
  at,
  errorsOfEach,
  type FieldError,
  formatted,
  missing,
  mustBe,
  unsupported,
} from '../../fieldError.ts';
import { validateDataKey, validateSecretName } from '../../secretRules.ts';
import { MAX_VALUE, RESERVED_NAMES } from './schema.ts';
import type { EnvVar, TemplateContainer } from './types.ts';

const RESERVED: ReadonlySet<string> = new Set(RESERVED_NAMES);

/** Set by the platform in every container of a task (container contract, Environment variables for jobs). */
const RESERVED_IN_TASKS: ReadonlySet<string> = new Set([
  'CLOUD_RUN_JOB',
  'CLOUD_RUN_EXECUTION',
  'CLOUD_RUN_TASK_INDEX',
  'CLOUD_RUN_TASK_ATTEMPT',
  'CLOUD_RUN_TASK_COUNT',
]);

/** Set by the platform in jobs and worker pools; Knative Serving does not reserve them. */
const RESERVED_ELSEWHERE: ReadonlySet<string> = new Set([
  ...RESERVED_IN_TASKS,
  'CLOUD_RUN_WORKER_POOL',
  'CLOUD_RUN_WORKER_POOL_REVISION',
]);

/** The role of a container, on which its reserved variables depend. */
export interface EnvironmentRole {
  /** Whether it is the ingress container. */
  ingress: boolean;
  /** Whether it belongs to a task. */
  task?: boolean;
  /** Whether it belongs to a service, in which the platform sets K_SERVICE and others. */
  service?: boolean;
}

const SOURCES = ['secretKeyRef', 'configMapKeyRef', 'fieldRef', 'resourceFieldRef'] as const;

/**
 * Validates the environment of a container. The platform sets PORT in the ingress container; in a task, which has no
 * port, a PORT of its own would mislead and is a warning.
 */
export function validateEnvironment(
  container: Pick<TemplateContainer, 'env' | 'envFrom'>,
  role: EnvironmentRole,
  path: string,
): FieldError[] {
  const env = container.env ?? [];
  return [
    ...errorsOfEach(env, (variable, i) => validateVariable(variable, role, at(`${path}.env`, i))),
    ...repeatedSecrets(env, `${path}.env`),
    ...unsupported(container, ['envFrom'], path),
    ...(container.envFrom ?? []).flatMap(({ secretRef, configMapRef }, i) => {
      if ((secretRef === undefined) !== (configMapRef === undefined)) return [];
      const message = 'must have exactly one of secretRef and configMapRef';
      return [{ path: at(`${path}.envFrom`, i), message }];
    }),
  ];
}

function validateVariable(
  variable: EnvVar,
  { ingress, task = false, service = false }: EnvironmentRole,
  path: string,
): FieldError[] {
  const { name, value = '', valueFrom } = variable;
  const errors: FieldError[] = [];
  if (!/^[ -<>-~]+$/.test(name)) {
    errors.push(mustBe(`${path}.name`, name, 'printable ASCII without ='));
  }
  const platform =
    (service && RESERVED.has(name)) || (ingress && name === 'PORT') || (task && RESERVED_IN_TASKS.has(name));
  if (platform || RESERVED_ELSEWHERE.has(name)) {
    const message = `is ${formatted(name)}, which the platform sets; remove it`;
    errors.push({ path: `${path}.name`, value: name, message, ...(platform ? {} : { strict: true }) });
  }
  if (!service && RESERVED.has(name)) {
    const message = `is ${formatted(name)}, which Cloud Run sets only in services; a program may mistake its environment for that of a service`;
    errors.push({ path: `${path}.name`, value: name, message, strict: true, advice: true });
  }
  if (task && name === 'PORT') {
    const message = 'is "PORT", which Cloud Run reserves; a task receives no requests';
    errors.push({ path: `${path}.name`, value: name, message, strict: true });
  }
  const size = Buffer.byteLength(value);
  if (size > MAX_VALUE) {
    const message = `of ${formatted(name)} has ${size} bytes; it may have at most ${MAX_VALUE}`;
    errors.push({ path: `${path}.value`, message });
  }
  if (valueFrom) errors.push(...validateSource(valueFrom, value, path));
  return errors;
}

function validateSource(source: NonNullable<EnvVar['valueFrom']>, value: string, path: string): FieldError[] {
  const set = SOURCES.filter((kind) => source[kind] !== undefined);
  const here = `${path}.valueFrom`;
  const errors: FieldError[] = unsupported(source, ['configMapKeyRef', 'fieldRef', 'resourceFieldRef'], here);
  if (value !== '') errors.push({ path: here, message: 'must not be set together with value' });
  if (set.length !== 1)
    errors.push({ path: here, message: `must have exactly one of ${SOURCES.join(', ')}` });
  for (const kind of ['secretKeyRef', 'configMapKeyRef'] as const) {
    const reference = source[kind];
    if (!reference) continue;
    const where = `${here}.${kind}`;
    if (!reference.name) errors.push(missing(`${where}.name`));
    else if (kind === 'secretKeyRef') errors.push(...validateSecretName(reference.name, `${where}.name`));
    errors.push(...validateDataKey(reference.key, `${where}.key`));
  }
  return errors;
}

/** The last of several plain variables with the same name wins; one from a secret must be unique (API reference, EnvVar). */
function repeatedSecrets(env: readonly EnvVar[], path: string): FieldError[] {
  const counts = new Map<string, number>();
  for (const { name } of env) counts.set(name, (counts.get(name) ?? 0) + 1);
  return errorsOfEach(env, ({ name, valueFrom }, i) => {
    if (!valueFrom || counts.get(name) === 1) return [];
    const message = `is ${formatted(name)}, which is set more than once; a variable from a secret must be set only once`;
    return [{ path: `${at(path, i)}.name`, value: name, message, strict: true }];
  });
}
