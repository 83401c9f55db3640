import { keepStored } from '../../keepStored.ts';
import { canonicalTemplate } from '../revision/canonical.ts';
import { defaultRevisionSpec } from '../revision/defaults.ts';
import type { RevisionTemplate } from '../revision/types.ts';
import type { Configuration } from './types.ts';

/** A template with its defaults set; `name` is the service's or configuration's. */
export function defaultTemplate(template: RevisionTemplate, name: string): RevisionTemplate {
  const { annotations } = template.metadata ?? {};
  return { ...template, spec: defaultRevisionSpec(template.spec, { annotations, name }) };
}

/** The template with its defaults set, or the stored template where only defaults would change. */
export function keepStoredTemplate(
  template: RevisionTemplate,
  previous: RevisionTemplate | undefined,
  name: string,
  fill = defaultTemplate,
): RevisionTemplate {
  return keepStored(template, previous, (part) => fill(part, name), previous, canonicalTemplate);
}

/** A configuration with its defaults set. Pure and idempotent. */
export function defaultConfiguration(configuration: Configuration, previous?: Configuration): Configuration {
  const { spec, metadata } = configuration;
  const template = keepStoredTemplate(spec.template, previous?.spec.template, metadata.name);
  return { ...configuration, spec: { ...spec, template } };
}
