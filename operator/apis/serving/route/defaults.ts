import { defaultRouteTraffic } from '../traffic/defaults.ts';
import type { Route } from './types.ts';

/** A route with its defaults filled in. Pure; applying it again changes nothing. */
export function defaultRoute(route: Route): Route {
  return { ...route, spec: { ...route.spec, traffic: defaultRouteTraffic(route.spec.traffic) } };
}
