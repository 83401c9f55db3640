import { keepStored } from '../../keepStored.ts';
import { defaultRouteTraffic } from '../traffic/defaults.ts';
import type { Route } from './types.ts';

/** A route with its defaults set. Pure and idempotent. */
export function defaultRoute(route: Route, previous?: Route): Route {
  const { spec } = route;
  const traffic = keepStored(
    spec.traffic,
    previous?.spec.traffic,
    (targets) => targets && defaultRouteTraffic(targets),
    previous,
  );
  return { ...route, spec: { ...spec, traffic } };
}
