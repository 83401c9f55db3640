import { validateAnnotations } from '../../annotationRules.ts';
import type { Fault } from '../../fault.ts';
import { validateRouteTraffic } from '../traffic/validation.ts';
import type { Route } from './types.ts';

/** The faults of a route. */
export function validateRoute(route: Route): Fault[] {
  const { name, annotations } = route.metadata;
  return [
    ...validateAnnotations('service', annotations, 'metadata.annotations'),
    ...validateRouteTraffic(route.spec.traffic, name, 'spec.traffic'),
  ];
}
