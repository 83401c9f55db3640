import type { Static } from 'typebox';
import { type KubeObject, namespaced } from '../../../kube/types.ts';
import type { DomainMappingSpecSchema, DomainMappingStatusSchema } from './schema.ts';

/** A domain mapping as the API server returns it; its name is the domain. */
export interface DomainMapping extends KubeObject {
  spec: Static<typeof DomainMappingSpecSchema>;
  status?: Static<typeof DomainMappingStatusSchema>;
}

/** Resource type of domain mappings. */
export const DOMAIN_MAPPINGS = namespaced<DomainMapping>(
  'domains.cloudrun.com/v1',
  'DomainMapping',
  'domainmappings',
);
