import { type FieldError, mustBe } from '../../fieldError.ts';
import { isQuantity, parseQuantity } from '../../quantity.ts';
import { validateDependencies } from '../../serving/container/dependencies.ts';
import { GPU } from '../../serving/container/resources.ts';
import type { TemplateContainer, Volume } from '../../serving/container/types.ts';
import { validateContainers } from '../../serving/container/validation.ts';
import { validateInstance } from '../../serving/instance/validation.ts';
import {
  acceleratorOf,
  validateNodeSelector,
  validateServiceAccount,
} from '../../serving/revision/validation.ts';
import { validateVolumes } from '../../serving/volume/validation.ts';
import type { ExecutionSpec } from '../execution/types.ts';
import { MAX_GPU_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS } from './schema.ts';

/** The annotations of an execution, one of which declares the start order of its containers. */
export interface SpecContext {
  annotations: Record<string, string> | undefined;
  /** Path of the annotations. */
  annotationsPath: string;
}

/** Validates the spec of an execution, of a job's template or of a complete execution. */
export function validateExecutionSpec(
  { template: { spec } }: ExecutionSpec,
  { annotations, annotationsPath }: SpecContext,
  executionPath: string,
): FieldError[] {
  const path = `${executionPath}.template.spec`;
  const { containers } = spec;
  const volumes = new Map((spec.volumes as Volume[] | undefined)?.map((volume) => [volume.name, volume]));
  return [
    ...validateDependencies(annotations, containers, annotationsPath),
    ...validateContainers(
      containers,
      { ingress: false, task: true, volumes, accelerator: acceleratorOf(spec) },
      `${path}.containers`,
    ),
    ...validateInstance(containers, { annotations, annotationsPath, of: 'task' }, `${path}.containers`),
    ...validateVolumes(spec.volumes as Volume[] | undefined, `${path}.volumes`),
    ...validateTimeout(spec.timeoutSeconds, usesGpu(containers), `${path}.timeoutSeconds`),
    ...validateServiceAccount(spec.serviceAccountName, `${path}.serviceAccountName`),
    ...validateNodeSelector(spec, path),
  ];
}

/** Validates the timeout of an attempt, which clients of Cloud Run write as a number or a string of digits. */
export function validateTimeout(
  value: number | string | undefined,
  gpu: boolean,
  path: string,
): FieldError[] {
  if (value === undefined) return [];
  const seconds = typeof value === 'string' && !/^\d{1,9}$/.test(value) ? Number.NaN : Number(value);
  const most = gpu ? MAX_GPU_TIMEOUT_SECONDS : MAX_TIMEOUT_SECONDS;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= most) return [];
  const range = gpu ? `${most}, one hour, with a GPU` : `${most}, 168 hours`;
  return [mustBe(path, value, `a whole number of seconds from 1 to ${range}`)];
}

/** Whether a container requests a GPU. */
export function usesGpu(containers: readonly TemplateContainer[]): boolean {
  return containers.some(({ resources }) => {
    const gpus = resources?.limits?.[GPU];
    return gpus !== undefined && (!isQuantity(gpus) || parseQuantity(gpus) !== 0n);
  });
}
