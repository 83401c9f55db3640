import { SERVING } from '../../annotations/serving.ts';
import { defineKind } from '../../kind.ts';
import { REVISION_NAME_RULE } from '../revision/schema.ts';
import { templateWarnings } from '../revision/warnings.ts';
import { READY_COLUMNS } from '../statusSchema.ts';
import { defaultConfiguration } from './defaults.ts';
import { ConfigurationSpecSchema, ConfigurationStatusSchema } from './schema.ts';
import { CONFIGURATIONS, type Configuration } from './types.ts';
import { validateConfiguration } from './validation.ts';

/** Configuration: the template that revisions are made from. */
export const CONFIGURATION = defineKind<Configuration>(CONFIGURATIONS, {
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
  parts: ['spec.template'],
  status: ConfigurationStatusSchema,
  rules: [REVISION_NAME_RULE],
  authors: SERVING,
  default: defaultConfiguration,
  validate: validateConfiguration,
  warnings: templateWarnings,
});
