import { Type } from 'typebox';
import { RevisionTemplateSchema } from '../revision/schema.ts';
import { latestRevisionFields, statusFields } from '../statusSchema.ts';

/** `spec` of a configuration. */
export const ConfigurationSpecSchema = Type.Object(
  { template: RevisionTemplateSchema },
  { description: 'What is wanted.' },
);

/** `status` of a configuration. */
export const ConfigurationStatusSchema = Type.Object(
  { ...statusFields, ...latestRevisionFields },
  { description: 'What is known of the configuration.' },
);
