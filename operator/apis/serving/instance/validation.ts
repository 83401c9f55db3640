import { RUN } from '../../annotations/run.ts';
import { parseFlag } from '../../annotations/values.ts';
import { at, type FieldError, keyed } from '../../fieldError.ts';
import { bytes, cores, isQuantity } from '../../quantity.ts';
import { DEFAULT_LIMITS } from '../container/defaults.ts';
import { GPU } from '../container/resources.ts';
import type { TemplateContainer } from '../container/types.ts';

/** Maximum number of variables, and of arguments, of all containers in total (Cloud Run, quotas). */
const MOST_IN_TOTAL = 1000;
/** Minimum CPU and memory of an instance in the second generation environment (Cloud Run, CPU and memory limits). */
const LEAST_OF_GEN2 = { cpu: 1, memory: 512 * 2 ** 20 };

/** The context in which the containers of an instance are validated. */
export interface InstanceContext {
  annotations: Record<string, string> | undefined;
  /** Path of the annotations. */
  annotationsPath: string;
  /** The workload. Only instances of a service may run in the first generation or throttle their CPU. */
  of: 'service' | 'task' | 'workerPool';
}

/**
 * Validates the containers of an instance in total. All of these rules are Cloud Run's alone.
 * @param path path of the containers.
 */
export function validateInstance(
  containers: readonly TemplateContainer[],
  around: InstanceContext,
  path: string,
): FieldError[] {
  return [
    ...validateSums(containers, path),
    ...validateSecondGeneration(containers, around, path),
    ...validateGpus(containers, around, path),
  ];
}

function validateSums(containers: readonly TemplateContainer[], path: string): FieldError[] {
  if (containers.length <= 1) return [];
  const counts = {
    'environment variables': containers.reduce((sum, { env = [] }) => sum + env.length, 0),
    arguments: containers.reduce((sum, { args = [] }) => sum + args.length, 0),
  };
  return Object.entries(counts)
    .filter(([, count]) => count > MOST_IN_TOTAL)
    .map(([what, count]) => ({
      path,
      value: count,
      message: `have ${count} ${what} in total; they may have at most ${MOST_IN_TOTAL}`,
      strict: true,
    }));
}

/** Jobs and worker pools run in gen2, and services that ask for it (container contract, Container sandbox). */
function validateSecondGeneration(
  containers: readonly TemplateContainer[],
  { annotations = {}, of }: InstanceContext,
  path: string,
): FieldError[] {
  if (of === 'service' && annotations[RUN.executionEnvironment] !== 'gen2') return [];
  const say = (resource: string, wanted: string): FieldError => {
    const [only] = containers;
    if (containers.length > 1) {
      const message = `have limits of less than ${wanted} of ${resource} in total; they must be at least ${wanted} in gen2`;
      return { path, message, strict: true };
    }
    const value = only?.resources?.limits?.[resource];
    const where = keyed(`${at(path, 0)}.resources.limits`, resource);
    return {
      path: where,
      value,
      message: `is ${value}; it must be at least ${wanted} in gen2`,
      strict: true,
    };
  };
  const cpu = totalCpu(containers);
  const memory = total(containers, 'memory', bytes);
  return [
    // For a service, less than one CPU is an error of the annotation, reported in revision/validation.ts.
    ...(of !== 'service' && cpu !== undefined && cpu < LEAST_OF_GEN2.cpu ? [say('cpu', '1')] : []),
    ...(memory !== undefined && memory < LEAST_OF_GEN2.memory ? [say('memory', '512Mi')] : []),
  ];
}

/** Only one container may have a GPU, and the CPU must not be throttled (Cloud Run, GPU support). */
function validateGpus(
  containers: readonly TemplateContainer[],
  { annotations = {}, annotationsPath, of }: InstanceContext,
  path: string,
): FieldError[] {
  const holders = containers.flatMap((container, i) => (hasGpu(container) ? [i] : []));
  const say = (key: string, message: string, advice = false): FieldError => ({
    path: keyed(annotationsPath, key),
    value: annotations[key],
    message,
    strict: true,
    ...(advice ? { advice } : {}),
  });
  const zonal = annotations[RUN.gpuZonalRedundancyDisabled];
  if (holders.length === 0) {
    return zonal === undefined
      ? []
      : [say(RUN.gpuZonalRedundancyDisabled, 'is set although no container has a GPU')];
  }
  const errors: FieldError[] = [];
  if (holders.length > 1) {
    const message = `have a GPU in containers ${holders.join(', ')}; only one container may have a GPU`;
    errors.push({ path, value: holders.length, message, strict: true });
  }
  if (of === 'service' && parseFlag(annotations[RUN.cpuThrottling])) {
    errors.push(say(RUN.cpuThrottling, 'is "true"; with a GPU it must be false'));
  }
  if (of === 'service' && annotations[RUN.executionEnvironment] === 'gen1') {
    errors.push(say(RUN.executionEnvironment, 'is "gen1"; with a GPU it must be gen2'));
  }
  if (of === 'task' && zonal === undefined) {
    const message = 'is not set; without it Cloud Run requires quota for GPUs with zonal redundancy';
    errors.push(say(RUN.gpuZonalRedundancyDisabled, message, true));
  }
  return errors;
}

function hasGpu({ resources }: TemplateContainer): boolean {
  const gpus = resources?.limits?.[GPU];
  return gpus !== undefined && isQuantity(gpus) && cores(gpus) > 0;
}

/** Total CPU limit of all containers in cores; undefined when a limit is not a quantity. */
export function totalCpu(containers: readonly TemplateContainer[]): number | undefined {
  return total(containers, 'cpu', cores);
}

function total(
  containers: readonly TemplateContainer[],
  resource: string,
  measure: (quantity: string | number) => number,
): number | undefined {
  let sum = 0;
  for (const { resources } of containers) {
    const limit = resources?.limits?.[resource] ?? DEFAULT_LIMITS[resource] ?? '0';
    if (!isQuantity(limit)) return undefined;
    sum += measure(limit);
  }
  return sum;
}
