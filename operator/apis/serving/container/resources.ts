import { type FieldError, keyed, mustBe } from '../../fieldError.ts';
import { bytes, cores, isQuantity, parseQuantity } from '../../quantity.ts';
import { DEFAULT_LIMITS } from './defaults.ts';
import type { ResourceList, TemplateContainer } from './types.ts';

export const GPU = 'nvidia.com/gpu';

const GIB = 2 ** 30;

/** CPU -> minimum and maximum memory in GiB (Cloud Run, CPU limits and memory limits). */
const MEMORY_OF_CPU: readonly { cpu: number; least: number; greatest: number }[] = [
  { cpu: 1, least: 0, greatest: 4 },
  { cpu: 2, least: 0, greatest: 8 },
  { cpu: 4, least: 2, greatest: 16 },
  { cpu: 6, least: 4, greatest: 24 },
  { cpu: 8, least: 4, greatest: 32 },
];

/** Minimum memory of a container in GiB (Cloud Run, memory limits: 128 MiB). */
const LEAST_MEMORY = 1 / 8;

/** Minimum CPU and memory in GiB with any GPU but the following (Cloud Run, GPU support: NVIDIA L4). */
const GPU_NEEDS = { cpu: 4, memory: 16 };

/** A GPU with its own sizes: an even number of CPUs, and up to 4 GiB of memory per CPU. */
const LARGE_GPU = {
  type: 'nvidia-rtx-pro-6000',
  cpu: { least: 20, greatest: 30 },
  memory: { least: 80, ofCpu: 4 },
};

/**
 * Validates the resources of a container.
 * @param accelerator type of GPU of the instance.
 */
export function validateResources(
  { resources = {} }: TemplateContainer,
  accelerator: string | undefined,
  path: string,
): FieldError[] {
  const { limits = {}, requests = {} } = resources;
  const errors = [
    ...validateList(limits, `${path}.resources.limits`),
    ...validateList(requests, `${path}.resources.requests`),
  ];
  if (errors.some(({ strict }) => !strict)) return errors;
  return [
    ...errors,
    ...validateRequests(limits, requests, path),
    ...validateSizes(limits, accelerator, path),
  ];
}

function validateList(list: ResourceList, path: string): FieldError[] {
  return Object.entries(list).flatMap(([resource, value]) => {
    const where = keyed(path, resource);
    if (!isQuantity(value) || parseQuantity(value) < 0n) {
      return [mustBe(where, value, 'a quantity of 0 or more, such as 500m, 2 or 512Mi')];
    }
    if (Object.hasOwn(DEFAULT_LIMITS, resource) || resource === GPU) return [];
    const message = `is not known to Cloud Run; it must be cpu, memory or ${GPU}`;
    return [{ path: where, value, message, strict: true }];
  });
}

/** Kubernetes rejects a pod whose requests exceed its limits. */
function validateRequests(limits: ResourceList, requests: ResourceList, path: string): FieldError[] {
  return Object.entries(requests).flatMap(([resource, value]) => {
    const limit = Object.hasOwn(limits, resource) ? limits[resource] : undefined;
    if (limit === undefined || parseQuantity(value) <= parseQuantity(limit)) return [];
    const message = `is ${value}; it must be at most the limit, ${limit}`;
    return [{ path: keyed(`${path}.resources.requests`, resource), value, message }];
  });
}

function validateSizes(limits: ResourceList, accelerator: string | undefined, path: string): FieldError[] {
  const where = `${path}.resources.limits`;
  const cpu = cores(limits.cpu ?? DEFAULT_LIMITS.cpu ?? '');
  const memory = bytes(limits.memory ?? DEFAULT_LIMITS.memory ?? '') / GIB;
  const gpus = cores(limits[GPU] ?? 0);
  const errors: FieldError[] = [];
  const say = (key: string, message: string) =>
    errors.push({ path: keyed(where, key), value: limits[key], message, strict: true });
  if (gpus > 1) say(GPU, `is ${limits[GPU]}; it must be 0 or 1`);
  if (memory < LEAST_MEMORY) say('memory', `is ${limits.memory}; it must be at least 128Mi`);
  if (gpus > 0 && accelerator === LARGE_GPU.type) {
    const { cpu: cpus, memory: sizes } = LARGE_GPU;
    if (cpu < cpus.least || cpu > cpus.greatest || cpu % 2 !== 0) {
      say('cpu', `is ${limits.cpu ?? cpu}; with ${accelerator} it must be an even number from 20 to 30`);
    } else if (memory < sizes.least || memory > sizes.ofCpu * cpu) {
      const range = `from ${sizes.least}Gi to ${sizes.ofCpu * cpu}Gi`;
      say('memory', `is ${limits.memory ?? DEFAULT_LIMITS.memory}; with ${accelerator} it must be ${range}`);
    }
    return errors;
  }
  const size = MEMORY_OF_CPU.find((entry) => entry.cpu === cpu);
  if (cpu >= 1 && !size) say('cpu', `is ${limits.cpu}; it must be 1, 2, 4, 6, 8 or less than 1`);
  if (cpu < 0.08) say('cpu', `is ${limits.cpu}; it must be at least 80m`);
  if (cpu < 1 && memory > (cpu < 0.5 ? 0.5 : 1)) {
    const most = cpu < 0.5 ? '512Mi' : '1Gi';
    say('memory', `is ${limits.memory}; with ${limits.cpu} CPU it must be at most ${most}`);
  }
  if (size && (memory < size.least || memory > size.greatest)) {
    const range = `${size.least === 0 ? '' : `at least ${size.least}Gi and `}at most ${size.greatest}Gi`;
    say('memory', `is ${limits.memory ?? DEFAULT_LIMITS.memory}; with ${cpu} CPU it must be ${range}`);
  }
  if (gpus > 0 && (cpu < GPU_NEEDS.cpu || memory < GPU_NEEDS.memory)) {
    const least = `${GPU_NEEDS.cpu} CPU and ${GPU_NEEDS.memory}Gi of memory`;
    say(GPU, `is ${limits[GPU]}; a GPU requires at least ${least}`);
  }
  return errors;
}
