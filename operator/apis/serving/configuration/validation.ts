import { isDeepStrictEqual } from 'node:util';
import { type FieldError, formatted } from '../../fieldError.ts';
import type { RevisionTemplate } from '../revision/types.ts';
import { validateTemplate } from '../revision/validation.ts';
import { defaultTemplate } from './defaults.ts';
import type { Configuration } from './types.ts';

/** Validates a configuration; `previous` is the stored one that it replaces. */
export function validateConfiguration(configuration: Configuration, previous?: Configuration): FieldError[] {
  const { name } = configuration.metadata;
  const { template } = configuration.spec;
  return [
    ...validateTemplate(template, name, 'spec.template'),
    ...validateNameChange(template, previous?.spec.template, (part) => defaultTemplate(part, name)),
  ];
}

/** Revisions are immutable, so a changed template cannot keep its revision's name (Knative API, Revision). */
export function validateNameChange(
  template: RevisionTemplate,
  previous: RevisionTemplate | undefined,
  fill: (template: RevisionTemplate) => RevisionTemplate,
): FieldError[] {
  const name = template.metadata?.name;
  if (!name || name !== previous?.metadata?.name) return [];
  if (isDeepStrictEqual(fill(template), fill(previous))) return [];
  const message = `is ${formatted(name)}, the name of the previous revision; a changed template needs a new name, or none`;
  return [{ path: 'spec.template.metadata.name', value: name, message }];
}
