import { RUN } from '../../annotations/run.ts';
import { validateAnnotations, validateScale } from '../../annotations/validation.ts';
import { type FieldError, formatted, keyed } from '../../fieldError.ts';
import { adviseLabels } from '../../labelRules.ts';
import { MAX_NAME } from '../../names.ts';
import { defaultTemplate } from '../configuration/defaults.ts';
import { validateNameChange } from '../configuration/validation.ts';
import { validateTemplate } from '../revision/validation.ts';
import { validateServiceTraffic } from '../traffic/validation.ts';
import { MAX_CLOUD_RUN_NAME } from './schema.ts';
import type { Service } from './types.ts';

/** Validates a service; `previous` is the stored one that it replaces. */
export function validateService(
  service: Service,
  previous?: Service,
  baseImages?: Readonly<Record<string, string>>,
): FieldError[] {
  const { name, labels, annotations } = service.metadata;
  const { template, traffic } = service.spec;
  return [
    ...validateName(name),
    ...adviseLabels(labels, 'metadata.labels'),
    ...validateAnnotations('service', annotations, 'metadata.annotations'),
    ...validateScale(annotations, 'metadata.annotations'),
    ...validateManual(annotations, 'metadata.annotations'),
    ...validateTemplate(template, name, 'spec.template', { ingress: true, baseImages }),
    ...validateServiceTraffic(traffic, name, 'spec.traffic'),
    ...validateNameChange(template, previous?.spec.template, (part) => defaultTemplate(part, name)),
  ];
}

/** The manual number of instances has an effect only in manual mode (Cloud Run, Manual scaling). */
function validateManual(annotations: Record<string, string> = {}, path: string): FieldError[] {
  const value = annotations[RUN.manualInstanceCount];
  if (value === undefined || annotations[RUN.scalingMode] === 'manual') return [];
  const message = `has no effect without ${RUN.scalingMode}: manual`;
  return [{ path: keyed(path, RUN.manualInstanceCount), value, message, strict: true }];
}

/** A name becomes part of host names and revision names; Cloud Run allows at most 49 characters. */
export function validateName(name: string): FieldError[] {
  const form = 'lowercase letters, digits and dashes, starting with a letter and not ending with a dash';
  if (name.length > MAX_NAME || !/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    const message = `is ${formatted(name)} (${name.length} characters); it must have 1 to ${MAX_NAME} characters: ${form}`;
    return [{ path: 'metadata.name', value: name, message }];
  }
  if (name.length <= MAX_CLOUD_RUN_NAME) return [];
  const message = `is ${formatted(name)} (${name.length} characters); it must have 1 to ${MAX_CLOUD_RUN_NAME} characters`;
  return [{ path: 'metadata.name', value: name, message, strict: true }];
}
