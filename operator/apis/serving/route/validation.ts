import { validateAnnotations } from '../../annotations/validation.ts';
import type { FieldError } from '../../fieldError.ts';
import { validateRouteTraffic } from '../traffic/validation.ts';
import type { Route } from './types.ts';

/** Validates a route. */
export function validateRoute(route: Route): FieldError[] {
  const { name, annotations } = route.metadata;
  return [
    ...validateAnnotations('service', annotations, 'metadata.annotations'),
    ...validateRouteTraffic(route.spec.traffic, name, 'spec.traffic'),
  ];
}
