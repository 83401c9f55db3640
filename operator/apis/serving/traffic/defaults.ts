import type { RouteTarget, ServiceTarget } from './types.ts';

/** All traffic goes to the latest ready revision (API reference, ServiceSpec: traffic). */
const ALL_TO_LATEST: ServiceTarget = { latestRevision: true, percent: 100 };

/** The targets of a service with their defaults set; without any, 100 % goes to the latest revision. */
export function defaultServiceTraffic(traffic: readonly ServiceTarget[] | undefined): ServiceTarget[] {
  return traffic && traffic.length > 0 ? traffic.map(withLatest) : [ALL_TO_LATEST];
}

/** The targets of a route with their defaults set. */
export function defaultRouteTraffic(traffic: readonly RouteTarget[] | undefined): RouteTarget[] {
  return (traffic ?? []).map(withLatest);
}

/** A target that names no revision follows the latest one (API reference, TrafficTarget: latestRevision). */
function withLatest<T extends ServiceTarget>(target: T): T {
  return { ...target, latestRevision: target.latestRevision ?? !target.revisionName };
}
