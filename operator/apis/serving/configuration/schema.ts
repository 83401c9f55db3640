import { Type } from 'typebox';
import { RevisionTemplateSchema } from '../revision/schema.ts';
import { latestRevisionFields, statusFields } from '../statusSchema.ts';

/** `spec` of a configuration. */
export const ConfigurationSpecSchema = Type.Object(
  { template: RevisionTemplateSchema },
  { description: 'Desired state.' },
);

/** `status` of a configuration. */
export const ConfigurationStatusSchema = Type.Object(
  { ...statusFields, ...latestRevisionFields },
  { description: 'Observed state of the configuration.' },
);
