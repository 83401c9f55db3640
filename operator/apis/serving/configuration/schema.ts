import { object } from '../../schema.ts';
import { RevisionTemplateSchema } from '../revision/schema.ts';
import { latestRevisionFields, statusFields } from '../statusSchema.ts';

/** `spec` of a configuration. */
export const ConfigurationSpecSchema = object('Desired state.', { template: RevisionTemplateSchema });

/** `status` of a configuration. */
export const ConfigurationStatusSchema = object('Observed state of the configuration.', {
  ...statusFields,
  ...latestRevisionFields,
});
