import type { Route } from '../route/types.ts';
import type { Service } from '../service/types.ts';

/** An entry of `spec.traffic` of a service. */
export type ServiceTarget = NonNullable<Service['spec']['traffic']>[number];

/** An entry of `spec.traffic` of a route: it may also name a configuration. */
export type RouteTarget = NonNullable<Route['spec']['traffic']>[number];
