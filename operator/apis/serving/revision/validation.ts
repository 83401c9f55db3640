import { isDeepStrictEqual } from 'node:util';
import { RUN } from '../../annotations/run.ts';
import { validateAnnotations, validateScale } from '../../annotations/validation.ts';
import { parseFlag, parseUtilizationTarget } from '../../annotations/values.ts';
import { validateConnections } from '../../connectionRules.ts';
import { ADVICE, brief, type FieldError, formatted, keyed, mustBe, unsupported } from '../../fieldError.ts';
import { adviseLabels, validateKeys, validateLabels } from '../../labelRules.ts';
import { placeholderIn } from '../../placeholder.ts';
import { validateAwaited, validateDependencies } from '../container/dependencies.ts';
import { GPU } from '../container/resources.ts';
import type { Volume } from '../container/types.ts';
import { validateContainers } from '../container/validation.ts';
import { ACCELERATOR, BASE_IMAGE_RUNTIME } from '../instance/platform.ts';
import { SERVICE_ACCOUNT } from '../instance/schema.ts';
import { validateSources } from '../instance/sourceValidation.ts';
import { totalCpu, validateInstance } from '../instance/validation.ts';
import { schedulingFields } from '../scheduling/schema.ts';
import { validateVolumes } from '../volume/validation.ts';
import type { Revision, RevisionTemplate, TemplateSpec } from './types.ts';

/** Fields that Knative Serving supports and Cloud Run does not. */
const KNATIVE_ONLY = [
  'imagePullSecrets',
  'enableServiceLinks',
  'automountServiceAccountToken',
  'responseStartTimeoutSeconds',
  'idleTimeoutSeconds',
  ...(Object.keys(schedulingFields) as (keyof typeof schedulingFields)[]),
] as const;

/** Validates the template of a service, configuration or worker pool; a pool's has no ingress container. */
export function validateTemplate(
  template: RevisionTemplate,
  owner: string,
  path: string,
  { ingress, baseImages }: { ingress: boolean; baseImages?: Readonly<Record<string, string>> } = {
    ingress: true,
  },
): FieldError[] {
  const { name, labels, annotations } = template.metadata ?? {};
  const where = `${path}.metadata.annotations`;
  return [
    ...validateName(name, owner, `${path}.metadata.name`),
    ...validateLabels(labels, `${path}.metadata.labels`),
    ...adviseLabels(labels, `${path}.metadata.labels`),
    ...validateKeys(annotations, where),
    ...validateAnnotations('revision', annotations, where),
    ...validateScale(annotations, where),
    ...validateTargets(annotations, where),
    ...validateConnections(annotations, where),
    ...validateDependencies(annotations, template.spec.containers, where),
    ...validateAwaited(annotations, template.spec.containers, where),
    ...validateSources(annotations, template.spec.containers, baseImages, where),
    ...(ingress ? validateFraction(template.spec, annotations, where) : []),
    ...validateInstance(
      template.spec.containers,
      { annotations, annotationsPath: where, of: ingress ? 'service' : 'workerPool' },
      `${path}.spec.containers`,
    ),
    ...validateRevisionSpec(template.spec, { ingress }, `${path}.spec`),
  ];
}

/**
 * One of the two scaling targets must count (Cloud Run, Configure custom scaling controls for services). That page gives
 * 95 % as the highest target for CPU; gcloud lowered it to 90 %.
 */
function validateTargets(annotations: Record<string, string> = {}, path: string): FieldError[] {
  const { [RUN.scalingCpuTarget]: cpu, [RUN.scalingConcurrencyTarget]: concurrency } = annotations;
  const target = parseUtilizationTarget(cpu) ?? 0;
  if (target === Number.POSITIVE_INFINITY && cpu === concurrency) {
    const wanted = `a number while ${RUN.scalingCpuTarget} is disabled, as no target would be left`;
    return [mustBe(keyed(path, RUN.scalingConcurrencyTarget), concurrency, wanted)];
  }
  if (target <= MOST_CPU || target === Number.POSITIVE_INFINITY) return [];
  return [mustBe(keyed(path, RUN.scalingCpuTarget), cpu, `at most ${MOST_CPU}`, ADVICE)];
}

/** Highest target for CPU that newer versions of gcloud accept. */
const MOST_CPU = 0.9;

/** An explicit revision name starts with the owner's name (gcloud: --revision-suffix). */
function validateName(name: string | undefined, owner: string, path: string): FieldError[] {
  if (!name) return [];
  const prefix = `${owner}-`;
  const fits = name.startsWith(prefix) && name.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name);
  if (fits) return [];
  const message = `is ${formatted(name)}; it must start with ${formatted(prefix)} and be a DNS label: at most 63 lowercase letters, digits and dashes`;
  return [{ path, value: name, message }];
}

/** Validates the spec of a revision; a worker pool's has no ingress container. */
export function validateRevisionSpec(
  spec: TemplateSpec,
  { ingress }: { ingress: boolean },
  path: string,
): FieldError[] {
  const volumes = new Map((spec.volumes as Volume[] | undefined)?.map((volume) => [volume.name, volume]));
  return [
    ...validateContainers(
      spec.containers,
      { ingress, volumes, accelerator: acceleratorOf(spec) },
      `${path}.containers`,
    ),
    ...validateVolumes(spec.volumes as Volume[] | undefined, `${path}.volumes`),
    ...validateConcurrency(spec, path),
    ...validateServiceAccount(spec.serviceAccountName, `${path}.serviceAccountName`),
    ...validateNodeSelector(spec, path),
    ...validateRuntimeClass(spec.runtimeClassName, `${path}.runtimeClassName`),
    ...unsupported(spec, KNATIVE_ONLY, path),
  ];
}

/** Type of GPU of an instance. */
export function acceleratorOf({ nodeSelector = {} }: Pick<TemplateSpec, 'nodeSelector'>): string | undefined {
  return Object.hasOwn(nodeSelector, ACCELERATOR) ? nodeSelector[ACCELERATOR] : undefined;
}

/** Less than one CPU needs request-based billing and the first generation environment (Cloud Run, CPU limits). */
function validateFraction(
  { containers }: TemplateSpec,
  annotations: Record<string, string> = {},
  path: string,
): FieldError[] {
  const cpu = totalCpu(containers);
  if (cpu === undefined || cpu >= 1) return [];
  const { [RUN.cpuThrottling]: throttling, [RUN.executionEnvironment]: environment } = annotations;
  const say = (key: string, value: string, wanted: string): FieldError => ({
    path: keyed(path, key),
    value,
    message: `is ${formatted(value)}; with less than one CPU it must be ${wanted}`,
    strict: true,
  });
  return [
    ...(parseFlag(throttling) === false ? [say(RUN.cpuThrottling, throttling ?? '', 'true')] : []),
    ...(environment === 'gen2' ? [say(RUN.executionEnvironment, environment, 'gen1')] : []),
  ];
}

/** With less than one CPU, concurrency must be 1 (Cloud Run, CPU limits). */
function validateConcurrency(spec: TemplateSpec, path: string): FieldError[] {
  const { containerConcurrency: value = 0 } = spec;
  const cpu = totalCpu(spec.containers);
  if (cpu === undefined || cpu >= 1 || value <= 1) return [];
  const message = `is ${value}; with less than one CPU it must be 1`;
  return [{ path: `${path}.containerConcurrency`, value, message, strict: true }];
}

/** Kubernetes' own message for invalid names of objects. */
const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/**
 * Validates the name of a service account. The message says what Cloud Run accepts, then repeats Kubernetes' message in
 * Knative's form (TestServiceAccountValidation).
 */
export function validateServiceAccount(value: string | undefined, path: string): FieldError[] {
  if (!value || new RegExp(`^${SERVICE_ACCOUNT}$`).test(value)) return [];
  const left = placeholderIn(value);
  if (left) return [{ path, value, message: `is ${formatted(value)}; ${brief(left)} was not filled in` }];
  const message =
    `is ${formatted(value)}; it must be the name of a service account, or its e-mail address, which ends with ` +
    `.gserviceaccount.com (invalid value: ${brief(value)}: ${path}\n${SUBDOMAIN})`;
  return [{ path, value, message }];
}

/** Validates the node selector: Cloud Run supports only the type of GPU, which a container must then use. */
export function validateNodeSelector(
  spec: Pick<TemplateSpec, 'nodeSelector' | 'containers'>,
  path: string,
): FieldError[] {
  const selector = spec.nodeSelector ?? {};
  const where = `${path}.nodeSelector`;
  const unsupportedKeys = Object.keys(selector)
    .filter((key) => key !== ACCELERATOR)
    .map((key) => ({
      path: keyed(where, key),
      message: `is not known to Cloud Run; the only supported key is ${ACCELERATOR}`,
      strict: true,
    }));
  const invalid = validateLabels(spec.nodeSelector, where);
  if (invalid.length > 0) return invalid;
  const gpu = spec.containers.some(({ resources }) => resources?.limits?.[GPU] !== undefined);
  if (selector[ACCELERATOR] === undefined || gpu) return unsupportedKeys;
  const message = `requests a GPU that no container uses; set resources.limits["${GPU}"] of one container to 1`;
  return [
    ...unsupportedKeys,
    { path: keyed(where, ACCELERATOR), value: selector[ACCELERATOR], message, strict: true },
  ];
}

function validateRuntimeClass(value: string | undefined, path: string): FieldError[] {
  if (!value || value === BASE_IMAGE_RUNTIME) return [];
  const message = `is ${formatted(value)}; Cloud Run supports only ${BASE_IMAGE_RUNTIME}`;
  return [{ path, value, message, strict: true }];
}

/** Validates a revision; `previous` is the stored one that it replaces. */
export function validateRevision(revision: Revision, previous?: Revision): FieldError[] {
  const { annotations } = revision.metadata;
  return [
    ...validateUnchanged(revision, previous),
    ...validateAnnotations('revision', annotations, 'metadata.annotations'),
    ...validateScale(annotations, 'metadata.annotations'),
    ...validateTargets(annotations, 'metadata.annotations'),
    ...validateDependencies(annotations, revision.spec.containers, 'metadata.annotations'),
    ...validateRevisionSpec(revision.spec, { ingress: false }, 'spec'),
  ];
}

/** A revision is immutable (Knative API, Revision). */
function validateUnchanged(revision: Revision, previous: Revision | undefined): FieldError[] {
  if (!previous || isDeepStrictEqual(revision.spec, previous.spec)) return [];
  const message = 'must not change: a revision is immutable; change the service, which makes a new revision';
  return [{ path: 'spec', message }];
}
