import { SERVING } from '../../annotations/serving.ts';
import { defineKind } from '../../kind.ts';
import { MAX_NAME } from '../../names.ts';
import { REVISION_NAME_RULE } from '../revision/schema.ts';
import { templateWarnings } from '../revision/warnings.ts';
import { READY_COLUMNS } from '../statusSchema.ts';
import { defaultService } from './defaults.ts';
import { ServiceSpecSchema, ServiceStatusSchema } from './schema.ts';
import { SERVICES, type Service } from './types.ts';
import { validateService } from './validation.ts';

/** Service: a container image that answers requests. The kind that people write. */
export const SERVICE = defineKind<Service>(SERVICES, {
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
  parts: ['spec.template', 'spec.traffic'],
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
  authors: SERVING,
  healthCondition: 'Ready',
  default: defaultService,
  validate: (service, previous, referenced) => validateService(service, previous, referenced?.baseImages),
  warnings: templateWarnings,
});
