import { defineKind } from '../../kind.ts';
import { instanceWarnings } from '../instance/warnings.ts';
import { READY_COLUMNS } from '../statusSchema.ts';
import { defaultRevision } from './defaults.ts';
import { RevisionSpecSchema, RevisionStatusSchema, RevisionTemplateSchema } from './schema.ts';
import { REVISIONS, type Revision } from './types.ts';
import { validateRevision } from './validation.ts';

/** Revision: one immutable state of a service. */
export const REVISION = defineKind<Revision>(REVISIONS, {
  shortNames: ['rev'],
  categories: ['all', 'knative', 'serving'],
  description:
    'One immutable state of a service or worker pool: image, settings, and the instances that run it.',
  columns: [
    {
      name: 'Config Name',
      type: 'string',
      jsonPath: ".metadata.labels['serving\\.knative\\.dev/configuration']",
    },
    {
      name: 'Generation',
      type: 'string',
      jsonPath: ".metadata.labels['serving\\.knative\\.dev/configurationGeneration']",
    },
    ...READY_COLUMNS,
    { name: 'Actual Replicas', type: 'integer', jsonPath: '.status.actualReplicas' },
    { name: 'Desired Replicas', type: 'integer', jsonPath: '.status.desiredReplicas' },
    { name: 'Scaling', type: 'string', jsonPath: '.status.scaling', priority: 1 },
  ],
  maxNameLength: 63,
  spec: RevisionSpecSchema,
  written: RevisionTemplateSchema.properties.spec,
  parts: [],
  status: RevisionStatusSchema,
  rules: [
    {
      rule: 'self.spec == oldSelf.spec',
      message: 'a revision is immutable: change the service, which makes a new revision',
      fieldPath: '.spec',
    },
  ],
  default: defaultRevision,
  validate: validateRevision,
  warnings: ({ metadata, spec }) => instanceWarnings(spec, 'spec', metadata.annotations),
});
