import { RUN } from '../../annotations/run.ts';
import { parseFlag } from '../../annotations/values.ts';
import { at, type FieldError, keyed } from '../../fieldError.ts';
import { bytes, cores, isQuantity } from '../../quantity.ts';
import { DEFAULT_LIMITS } from '../container/defaults.ts';
import { GPU } from '../container/resources.ts';
import type { TemplateContainer } from '../container/types.ts';

/** Most variables, and most arguments, of all containers together (Cloud Run, quotas; the API counts them so). */
const MOST_TOGETHER = 1000;
/** Least CPU and memory of an instance in the second generation environment (Cloud Run, CPU and memory limits). */
const LEAST_OF_GEN2 = { cpu: 1, memory: 512 * 2 ** 20 };

/** What stands around the containers of one instance. */
export interface InstanceContext {
  annotations: Record<string, string> | undefined;
  /** Path of the annotations. */
  annotationsPath: string;
  /** What it is for. Only one of a service may be of the first generation and throttle its CPU. */
  of: 'service' | 'task' | 'workerPool';
}

/**
 * The errors of the containers of an instance taken together: each may be sound where their sum is not. All of them
 * are Cloud Run's alone.
 * @param path that of the containers.
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
    .filter(([, count]) => count > MOST_TOGETHER)
    .map(([what, count]) => ({
      path,
      value: count,
      message: `have ${count} ${what} in total; they may have at most ${MOST_TOGETHER}`,
      strict: true,
    }));
}

/** Jobs and worker pools run there, and services that say so (container contract, Container sandbox). */
function validateSecondGeneration(
  containers: readonly TemplateContainer[],
  { annotations = {}, of }: InstanceContext,
  path: string,
): FieldError[] {
  if (of === 'service' && annotations[RUN.executionEnvironment] !== 'gen2') return [];
  const say = (resource: string, wanted: string): FieldError => {
    const [only] = containers;
    if (containers.length > 1) {
      return {
        path,
        message: `have limits of less than ${wanted} of ${resource} in total; they must be at least ${wanted} in gen2`,
        strict: true,
      };
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
    // For a service a fraction of a CPU is an error of the annotation, told there.
    ...(of !== 'service' && cpu !== undefined && cpu < LEAST_OF_GEN2.cpu ? [say('cpu', '1')] : []),
    ...(memory !== undefined && memory < LEAST_OF_GEN2.memory ? [say('memory', '512Mi')] : []),
  ];
}

/** A GPU belongs to one container, and its CPU is never throttled (Cloud Run, GPU support). */
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

/** CPU limits of all containers in cores; undefined when one is no quantity. */
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
