import type { UrlConfig } from '../../apis/url.ts';
import { routeOfMapping, type Stores } from '../informers.ts';
import { ageOfMapping, keeperOf } from '../route/hosts.ts';
import { holdersOf } from '../route/observe.ts';
import type { DomainMappingInput } from './plan.ts';

/** A domain mapping, its route, and what else has its domain; undefined when it is gone or going. */
export function observe(
  key: string,
  stores: Stores<'domainMappings' | 'routes'>,
  urls: UrlConfig,
): DomainMappingInput | undefined {
  const mapping = stores.domainMappings.get(key);
  if (!mapping || mapping.metadata.deletionTimestamp) return undefined;
  const host = mapping.metadata.name;
  const [route = ''] = routeOfMapping(mapping);
  const age = mapping.status?.mappedRouteName ? ageOfMapping(mapping) : undefined;
  return {
    mapping,
    route: stores.routes.get(route),
    takenBy: keeperOf(host, holdersOf([host], mapping, stores, urls), age)?.by,
  };
}
