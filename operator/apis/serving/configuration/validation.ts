import { isDeepStrictEqual } from 'node:util';
import { type FieldError, formatted } from '../../fieldError.ts';
import type { RevisionTemplate } from '../revision/types.ts';
import { validateTemplate } from '../revision/validation.ts';
import { defaultTemplate } from './defaults.ts';
import type { Configuration } from './types.ts';

/** The errors of a configuration; `previous` is the state that it replaces. */
export function validateConfiguration(configuration: Configuration, previous?: Configuration): FieldError[] {
  const { name } = configuration.metadata;
  const { template } = configuration.spec;
  return [
    ...validateTemplate(template, name, 'spec.template'),
    ...validateNameChange(template, previous?.spec.template, (part) => defaultTemplate(part, name)),
  ];
}

/** A revision never changes, so a template that changes cannot keep the name it gave to one (Knative API, Revision). */
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
