import { defaultRevisionSpec } from '../revision/defaults.ts';
import type { RevisionTemplate } from '../revision/types.ts';
import type { Configuration } from './types.ts';

/** A template with its defaults filled in; `name` is that of the service or configuration. */
export function defaultTemplate(template: RevisionTemplate, name: string): RevisionTemplate {
  const { annotations } = template.metadata ?? {};
  return { ...template, spec: defaultRevisionSpec(template.spec, { annotations, name }) };
}

/** A configuration with its defaults filled in. Pure; applying it again changes nothing. */
export function defaultConfiguration(configuration: Configuration): Configuration {
  const { spec, metadata } = configuration;
  return { ...configuration, spec: { ...spec, template: defaultTemplate(spec.template, metadata.name) } };
}
