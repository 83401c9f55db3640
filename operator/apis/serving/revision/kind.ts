import type { KindDefinition } from '../../schema.ts';
import { READY_COLUMNS } from '../statusSchema.ts';
import { RevisionSpecSchema, RevisionStatusSchema } from './schema.ts';

/** Revision: one immutable state of a service. */
export const REVISION: KindDefinition = {
  group: 'serving.knative.dev',
  version: 'v1',
  kind: 'Revision',
  plural: 'revisions',
  singular: 'revision',
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
  ],
  maxNameLength: 63,
  spec: RevisionSpecSchema,
  status: RevisionStatusSchema,
  rules: [
    {
      rule: 'self.spec == oldSelf.spec',
      message: 'a revision is immutable: change the service, which makes a new revision',
      fieldPath: '.spec',
    },
  ],
};
