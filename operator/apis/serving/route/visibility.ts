// Gateways load this module, so it imports one group of annotations and not all of them.
import { ACCESS } from '../../annotations/run/access.ts';
import { parseFlag } from '../../annotations/values.ts';
import { VISIBILITY } from '../../labels.ts';
import type { Route } from './types.ts';

/** Which requests reach a route: all, only those from inside the cluster, or none. */
export type Reach = 'all' | 'internal' | 'none';

/**
 * Whether a route and its tags have external host names. The internal ones exist in any case.
 * (Knative API, Visibility; API reference, default-url-disabled)
 */
export function hasOutsideName(route: Pick<Route, 'metadata'>): boolean {
  if (isClusterLocal(route)) return false;
  return parseFlag(route.metadata.annotations?.[ACCESS.defaultUrlDisabled.key]) !== true;
}

/**
 * Which requests reach a route. Cloud Run's `internal-and-cloud-load-balancing` means `internal` here: a load balancer
 * that may forward requests is one that targets the internal gateway Service. (Knative API, Visibility; Cloud Run's
 * ingress settings)
 */
export function reachOf(route: Pick<Route, 'metadata'>): Reach {
  const reach = reachOfDomains(route);
  return reach === 'all' && !hasOutsideName(route) ? 'internal' : reach;
}

/**
 * Which requests reach a route by the domains that are mapped to it: the same, also where its own URL is disabled.
 * (API reference, default-url-disabled)
 */
export function reachOfDomains(route: Pick<Route, 'metadata'>): Reach {
  const ingress = route.metadata.annotations?.[ACCESS.ingress.key] ?? 'all';
  if (ingress === 'none') return 'none';
  return ingress === 'all' && !isClusterLocal(route) ? 'all' : 'internal';
}

function isClusterLocal({ metadata }: Pick<Route, 'metadata'>): boolean {
  return metadata.labels?.[VISIBILITY] === 'cluster-local';
}
