import type { KindDefinition } from '../../schema.ts';
import { REVISION_NAME_RULE } from '../revision/schema.ts';
import { READY_COLUMNS } from '../statusSchema.ts';
import { ConfigurationSpecSchema, ConfigurationStatusSchema } from './schema.ts';

/** Configuration: the template that revisions are made from. */
export const CONFIGURATION: KindDefinition = {
  group: 'serving.knative.dev',
  version: 'v1',
  kind: 'Configuration',
  plural: 'configurations',
  singular: 'configuration',
  shortNames: ['config', 'cfg'],
  categories: ['all', 'knative', 'serving'],
  description: 'The template that revisions are made from: each change of it makes one.',
  columns: [
    { name: 'LatestCreated', type: 'string', jsonPath: '.status.latestCreatedRevisionName' },
    { name: 'LatestReady', type: 'string', jsonPath: '.status.latestReadyRevisionName' },
    ...READY_COLUMNS,
  ],
  maxNameLength: 63,
  spec: ConfigurationSpecSchema,
  status: ConfigurationStatusSchema,
  rules: [REVISION_NAME_RULE],
};
