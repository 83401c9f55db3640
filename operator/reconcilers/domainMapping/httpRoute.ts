import type { Condition } from '../../apis/condition.ts';
import {
  DOMAIN_MAPPING_REASONS as REASONS,
  DOMAIN_MAPPING_CONDITIONS as TYPES,
} from '../../apis/domains/domainMapping/conditions.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import type { Config } from '../../config.ts';
import { NO_CHANGES, type Plan } from '../../kube/plan.ts';
import {
  type ChildKind,
  type ChildState,
  childMetadata,
  type DomainMappingConfig,
  type Finding,
  findingOf,
  planChild,
  sentence,
} from './child.ts';
import { acceptanceOf, HTTP_ROUTES, type HttpRoute, routingOf } from './gatewayApi.ts';

/** The HTTPRoutes of mappings, in the namespace of the gateways' Service. */
export const HTTP_ROUTE: ChildKind<HttpRoute> = {
  type: HTTP_ROUTES,
  api: 'the Gateway API',
  namespace: (config) => routingOf(config)?.namespace,
  hosts: ({ spec }) => spec.hostnames,
  reasons: {
    unavailable: REASONS.gatewayApiMissing,
    refused: REASONS.httpRouteNotAccepted,
    notOwned: REASONS.httpRouteNotOwned,
    notReady: REASONS.httpRouteNotReady,
  },
};

/** What is known of a domain's HTTPRoute. */
export type HttpRouteState = ChildState<HttpRoute>;

/** The HTTPRoute that leads the domain of a mapping to the gateways; which service answers is theirs to decide. */
export function desiredHttpRoute(
  mapping: Pick<DomainMapping, 'metadata'>,
  { namespace, parentRefs, service, port }: Config['gatewayApi'],
): HttpRoute {
  const { apiVersion, kind } = HTTP_ROUTES;
  const rules = [{ backendRefs: [{ name: service, port }] }];
  return {
    apiVersion,
    kind,
    metadata: childMetadata(mapping, namespace),
    spec: { parentRefs, hostnames: [mapping.metadata.name], rules },
  };
}

/** What to do about the HTTPRoute of a mapping. */
export function planHttpRoute(
  mapping: DomainMapping,
  state: HttpRouteState,
  routable: Condition,
  config: DomainMappingConfig,
): Plan {
  const routing = routingOf(config);
  if (!routing) return NO_CHANGES;
  return planChild(HTTP_ROUTE, mapping, state, routable, desiredHttpRoute(mapping, routing));
}

/**
 * Whether the domain's HTTPRoute is accepted, where the values name parents. No more than a warning: the gateways serve the
 * domain whatever becomes of it.
 */
export function httpRouteConditions(
  mapping: DomainMapping,
  state: HttpRouteState,
  config: DomainMappingConfig,
): Condition[] {
  if (!routingOf(config)) return [];
  const type = TYPES.httpRouteAccepted;
  const finding = findingOf(HTTP_ROUTE, mapping, state, config, unaccepted);
  if (!finding) return [{ type, status: 'True' }];
  const { status, reason, why } = finding;
  const message = sentence(`The HTTPRoute for '${mapping.metadata.name}' is not accepted: ${why}`);
  return [{ type, status, severity: 'Warning', reason, message }];
}

/** Why not all parents accept an HTTPRoute; undefined when they do. */
function unaccepted(found: HttpRoute): Finding | undefined {
  const { status, message: why = '' } = acceptanceOf(found);
  if (status === 'accepted') return undefined;
  return status === 'rejected'
    ? { status: 'False', reason: REASONS.httpRouteNotAccepted, why }
    : { status: 'Unknown', reason: REASONS.httpRouteNotReady, why };
}
