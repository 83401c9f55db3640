import { DOMAIN_MAPPINGS, type DomainMapping } from '../apis/domains/domainMapping/types.ts';
import type { ObjectMeta } from '../kube/types.ts';
import { EPOCH } from './serving.ts';

/** A domain mapping to the service `hello`, as the API server would hold it. */
export function domainMapping(
  name = 'www.example.com',
  spec: Partial<DomainMapping['spec']> = {},
  metadata: Partial<ObjectMeta> = {},
): DomainMapping {
  const { apiVersion, kind } = DOMAIN_MAPPINGS;
  const creationTimestamp = new Date(EPOCH).toISOString();
  const made = { name, namespace: 'demo', uid: `mapping-${name}`, generation: 1, creationTimestamp };
  return {
    apiVersion,
    kind,
    metadata: { ...made, ...metadata },
    spec: { routeName: 'hello', certificateMode: 'AUTOMATIC', ...spec },
  };
}
