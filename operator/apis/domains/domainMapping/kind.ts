import { SERVING } from '../../annotations/serving.ts';
import { defineKind } from '../../kind.ts';
import { MAX_OBJECT_NAME } from '../../names.ts';
import { READY_COLUMNS } from '../../serving/statusSchema.ts';
import { defaultDomainMapping } from './defaults.ts';
import { DomainMappingSpecSchema, DomainMappingStatusSchema } from './schema.ts';
import { DOMAIN_MAPPINGS, type DomainMapping } from './types.ts';
import { domainMappingWarnings, HOST_NAME, validateDomainMapping } from './validation.ts';

/** DomainMapping: a domain of the user's own at which a service answers. */
export const DOMAIN_MAPPING = defineKind<DomainMapping>(DOMAIN_MAPPINGS, {
  shortNames: ['dm'],
  categories: ['all', 'run'],
  description: "A domain of the user's own at which a service of the same namespace answers.",
  columns: [
    { name: 'Service', type: 'string', jsonPath: '.spec.routeName' },
    { name: 'URL', type: 'string', jsonPath: '.status.url' },
    ...READY_COLUMNS,
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  maxNameLength: MAX_OBJECT_NAME,
  namePattern: HOST_NAME,
  spec: DomainMappingSpecSchema,
  parts: [],
  status: DomainMappingStatusSchema,
  rules: [],
  authors: SERVING,
  healthCondition: 'Ready',
  default: defaultDomainMapping,
  validate: validateDomainMapping,
  warnings: domainMappingWarnings,
});
