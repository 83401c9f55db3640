import { MAX_NAME } from '../../names.ts';
import type { KindDefinition } from '../../schema.ts';
import { REVISION_NAME_RULE } from '../revision/schema.ts';
import { READY_COLUMNS } from '../statusSchema.ts';
import { ServiceSpecSchema, ServiceStatusSchema } from './schema.ts';

/** Service: a container image that answers requests. The kind that people write. */
export const SERVICE: KindDefinition = {
  group: 'serving.knative.dev',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['kservice', 'ksvc'],
  categories: ['all', 'knative', 'serving'],
  description:
    'A container image that answers requests at a URL, with its revisions and their shares of the traffic.',
  columns: [
    { name: 'URL', type: 'string', jsonPath: '.status.url' },
    { name: 'LatestCreated', type: 'string', jsonPath: '.status.latestCreatedRevisionName' },
    { name: 'LatestReady', type: 'string', jsonPath: '.status.latestReadyRevisionName' },
    ...READY_COLUMNS,
  ],
  maxNameLength: MAX_NAME,
  spec: ServiceSpecSchema,
  status: ServiceStatusSchema,
  rules: [
    REVISION_NAME_RULE,
    {
      rule: "!has(self.spec.traffic) || self.spec.traffic.all(t, !has(t.tag) || t.tag == '' || t.tag.size() + 3 + self.metadata.name.size() <= 63)",
      message:
        'a tag, --- and the name of the service must have at most 63 characters together: they are one label of a host name',
      fieldPath: '.spec.traffic',
    },
  ],
};
