import type { Stores } from '../informers.ts';
import type { ServiceInput } from './plan.ts';

/** A service with its configuration and its route; undefined when it is gone or going. */
export function observe(
  key: string,
  { services, configurations, routes }: Stores<'services' | 'configurations' | 'routes'>,
): ServiceInput | undefined {
  const service = services.get(key);
  if (!service || service.metadata.deletionTimestamp) return undefined;
  return { service, configuration: configurations.get(key), route: routes.get(key) };
}
