import { RUN } from '../../annotations/run.ts';
import { firstGeneration, validateAnnotations, validateScale } from '../../annotations/validation.ts';
import { ADVICE, at, type FieldError, formatted, keyed, mustBe } from '../../fieldError.ts';
import { adviseLabels } from '../../labelRules.ts';
import { validateNameChange } from '../../serving/configuration/validation.ts';
import { needlessPorts } from '../../serving/container/validation.ts';
import type { RevisionTemplate } from '../../serving/revision/types.ts';
import { validateTemplate } from '../../serving/revision/validation.ts';
import { validateName } from '../../serving/service/validation.ts';
import { validateShares } from '../../serving/traffic/validation.ts';
import { defaultPoolTemplate } from './defaults.ts';
import type { InstanceSplit, WorkerPool } from './types.ts';

const ANNOTATIONS = 'metadata.annotations';
/** Maximum number of revisions that a message lists. */
const MOST_LISTED = 10;

/** Set by the platform in every container (container contract, Environment variables for worker pools). */
const PLATFORM_VARIABLES = new Set(['CLOUD_RUN_WORKER_POOL', 'CLOUD_RUN_WORKER_POOL_REVISION']);

/**
 * Validates a worker pool; `previous` is the stored one that it replaces.
 * @param revisions names of the pool's revisions; undefined when they were not looked up, and then
 *   the revisions of the splits are not validated.
 */
export function validateWorkerPool(
  pool: WorkerPool,
  previous?: WorkerPool,
  revisions?: readonly string[],
): FieldError[] {
  const { name, labels, annotations } = pool.metadata;
  const { template, instanceSplits } = pool.spec;
  return [
    ...validateName(name),
    ...validateAnnotations('workerPool', annotations, ANNOTATIONS).filter(({ path }) => path !== MODE),
    ...adviseLabels(labels, 'metadata.labels'),
    ...validateScale(annotations, ANNOTATIONS),
    ...validateMode(annotations),
    ...validateSteps(annotations),
    ...validateTemplate(template, name, 'spec.template', { ingress: false }),
    ...validateEnvironment(template.metadata?.annotations),
    ...validateRequests(template, 'spec.template.spec'),
    ...validateShares(instanceSplits, 'spec.instanceSplits'),
    ...validateRevisions(pool, revisions, 'spec.instanceSplits'),
    ...validateNameChange(template, previous?.spec.template, (part) => defaultPoolTemplate(part, name)),
  ];
}

const MODE = keyed(ANNOTATIONS, RUN.scalingMode);

/** A pool does not scale by requests: the number of instances is set by a user or an external autoscaler. */
function validateMode(annotations: Record<string, string> = {}): FieldError[] {
  const { [RUN.scalingMode]: value, [RUN.manualInstanceCount]: count } = annotations;
  if (value === 'manual') return [];
  if (value === undefined) return /^\d+$/.test(count ?? '') ? [withoutMode(count ?? '')] : [];
  const wanted = `manual: ${RUN.manualInstanceCount} sets the number of instances of a worker pool`;
  // gcloud accepts this mode for pools although its help denies that it exists.
  return [mustBe(MODE, value, wanted, value === 'automatic' ? ADVICE : {})];
}

/** The API requires the mode together with the number, at least for services; a pool has no other mode. */
function withoutMode(value: string): FieldError {
  const message = `should be set together with ${RUN.scalingMode}: manual, as gcloud does`;
  return { path: keyed(ANNOTATIONS, RUN.manualInstanceCount), value, message, strict: true, advice: true };
}

function validateEnvironment(annotations: Record<string, string> = {}): FieldError[] {
  const value = annotations[RUN.executionEnvironment] ?? '';
  const path = keyed('spec.template.metadata.annotations', RUN.executionEnvironment);
  const error = firstGeneration(RUN.executionEnvironment, value);
  return error ? [{ path, value, ...error }] : [];
}

/** Surge and unavailable must not both be 0, or instances could not move to another revision. */
function validateSteps(annotations: Record<string, string> = {}): FieldError[] {
  const { [RUN.maxSurge]: surge, [RUN.maxUnavailable]: unavailable = '0' } = annotations;
  if (surge === undefined || Number(surge) !== 0 || Number(unavailable) !== 0) return [];
  const message = `is 0; it must be a whole number from 1 to 100 while ${RUN.maxUnavailable} is 0`;
  return [{ path: keyed(ANNOTATIONS, RUN.maxSurge), value: surge, message }];
}

/** A pool receives no requests, so settings of requests must be unset. */
function validateRequests({ spec }: RevisionTemplate, path: string): FieldError[] {
  const errors: FieldError[] = spec.containers.flatMap(({ ports, env = [] }, i) => {
    const container = at(`${path}.containers`, i);
    const variables = env.flatMap(({ name }, j): FieldError[] => {
      const where = { path: `${at(`${container}.env`, j)}.name`, value: name };
      if (PLATFORM_VARIABLES.has(name)) {
        return [{ ...where, message: `is ${formatted(name)}, which the platform sets; remove it` }];
      }
      const message = 'is "PORT", which Cloud Run reserves; a worker pool receives no requests';
      return name === 'PORT' ? [{ ...where, message, strict: true }] : [];
    });
    if (!ports || ports.length === 0) return variables;
    return [needlessPorts(ports, 'a worker pool', container), ...variables];
  });
  const { containerConcurrency: concurrency, timeoutSeconds: timeout } = spec;
  if (concurrency) {
    const wanted = 'unset or 0: a worker pool receives no requests';
    errors.push(mustBe(`${path}.containerConcurrency`, concurrency, wanted));
  }
  if (timeout) {
    const message = `is ${timeout} and has no effect: a worker pool receives no requests`;
    errors.push({ path: `${path}.timeoutSeconds`, value: timeout, message, strict: true });
  }
  return errors;
}

function validateRevisions(
  { metadata, spec }: WorkerPool,
  revisions: readonly string[] | undefined,
  path: string,
): FieldError[] {
  const own = new Set([...(revisions ?? []), spec.template.metadata?.name ?? '']);
  const isUnknown = ({ revisionName = '' }: InstanceSplit) => {
    if (revisionName === '' || own.has(revisionName)) return false;
    return revisions !== undefined || !revisionName.startsWith(`${metadata.name}-`);
  };
  const names = [...own].filter((name) => name !== '');
  const listed = names.slice(0, MOST_LISTED).join(', ');
  const more = names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : '';
  const wanted = names.length > 0 ? `one of this pool's revisions: ${listed}${more}` : NONE_YET;
  return (spec.instanceSplits ?? []).flatMap((split, i) =>
    isUnknown(split) ? [mustBe(`${at(path, i)}.revisionName`, split.revisionName, wanted)] : [],
  );
}

const NONE_YET = 'a revision of this pool, or the name in spec.template.metadata.name';
