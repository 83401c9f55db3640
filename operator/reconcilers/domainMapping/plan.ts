import { type Condition, isTrue, mergeConditions, readyOf } from '../../apis/condition.ts';
import {
  DOMAIN_MAPPING_REASONS as REASONS,
  DOMAIN_MAPPING_CONDITIONS as TYPES,
} from '../../apis/domains/domainMapping/conditions.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import { externalHost, isExternalHost, type UrlConfig } from '../../apis/url.ts';
import type { Plan } from '../../kube/plan.ts';
import { passingMs, readyEvents } from '../readiness.ts';
import { type CertificateState, certificateCondition, planCertificate } from './certificate.ts';
import type { DomainMappingConfig } from './child.ts';
import { type HttpRouteState, httpRouteConditions, planHttpRoute } from './httpRoute.ts';

export interface DomainMappingInput {
  mapping: DomainMapping;
  /** The route that it names, if that exists. */
  route?: Route;
  /** The service that it names and whose route is still to be made. */
  service?: Service;
  /** The kind and name of what has the domain and keeps it. */
  takenBy?: string;
  certificate?: CertificateState;
  httpRoute?: HttpRouteState;
}

/** What to do about the objects that are made for the domain of a mapping. */
export function planChildren(
  input: DomainMappingInput,
  config: DomainMappingConfig,
): Record<'certificate' | 'httpRoute', Plan> {
  const { mapping, certificate = {}, httpRoute = {} } = input;
  const routable = routability(input, config);
  return {
    certificate: planCertificate(mapping, certificate, routable, config),
    httpRoute: planHttpRoute(mapping, httpRoute, routable, config),
  };
}

/**
 * Which route answers at a domain. The gateways serve it for as long as the status names the route; who has a domain
 * keeps it, and a mapping whose route goes gives it up.
 */
export function planDomainMapping(
  input: DomainMappingInput,
  config: DomainMappingConfig,
  now: number,
): Plan<DomainMapping> {
  const { mapping, certificate = {}, httpRoute = {} } = input;
  const { generation } = mapping.metadata;
  const { routeName } = mapping.spec;
  const routable = routability(input, config);
  const provisioned = certificateCondition(mapping, certificate, config);
  const conditions = [routable, provisioned, ...httpRouteConditions(mapping, httpRoute, config)];
  const status = {
    observedGeneration: generation,
    conditions: mergeConditions(mapping.status?.conditions, [...conditions, readyOf(conditions)], now),
    mappedRouteName: routable.status === 'True' ? routeName : undefined,
    resourceRecords: recordsOf(mapping, config),
    url: urlOf(mapping, provisioned, config),
  };
  const decisive = conditions.filter(({ severity }) => severity !== 'Warning');
  return {
    apply: [],
    remove: [],
    status: { ...mapping, status },
    // The gateways serve the domain from this status on, however long the certificate takes.
    statusWaitMs: routable.status === 'Unknown' ? passingMs(mapping.status, status) : undefined,
    events: readyEvents(mapping, decisive),
  };
}

function urlOf(
  { metadata, spec }: DomainMapping,
  provisioned: Condition,
  { urlScheme }: DomainMappingConfig,
): string {
  if (spec.certificateMode === 'NONE') return `http://${metadata.name}`;
  return `${isTrue(provisioned) ? 'https' : urlScheme}://${metadata.name}`;
}

function routability({ mapping, route, service, takenBy }: DomainMappingInput, config: UrlConfig): Condition {
  const { name } = mapping.metadata;
  const { routeName } = mapping.spec;
  const not = (status: 'False' | 'Unknown', reason: string, message: string): Condition => ({
    type: TYPES.domainRoutable,
    status,
    reason,
    message,
  });
  if (isInternal(name, config)) {
    return not('False', REASONS.hostReserved, `Domain '${name}' is a name inside the cluster; map another.`);
  }
  if (isExternalHost(config, name) && !isExternalHost(config, name, mapping.metadata.namespace)) {
    const message = `Domain '${name}' is a name for services of another namespace; map another.`;
    return not('False', REASONS.hostReserved, message);
  }
  if (takenBy !== undefined) {
    return not('False', REASONS.hostTaken, `Domain '${name}' belongs to ${takenBy}, which had it before.`);
  }
  if (!route && service && !service.metadata.deletionTimestamp) {
    return not('Unknown', REASONS.routeNotReady, `Service '${routeName}' is being created.`);
  }
  if (!route || route.metadata.deletionTimestamp) {
    return not('False', REASONS.routeMissing, `Service '${routeName}' does not exist in this namespace.`);
  }
  if (!route.status?.traffic?.some(({ percent = 0 }) => percent > 0)) {
    return not(
      'Unknown',
      REASONS.routeNotReady,
      `Service '${routeName}' has no revision yet that can serve.`,
    );
  }
  return { type: TYPES.domainRoutable, status: 'True' };
}

/** Names that only the cluster's own DNS gives out. */
function isInternal(host: string, { clusterDomain }: UrlConfig): boolean {
  return host.endsWith('.svc') || host.endsWith(`.${clusterDomain}`);
}

/**
 * The DNS record that leads the domain to the gateways: an alias of the service's own host name, wherever that leads. A
 * record is relative to the last two labels, which is where most domains are registered.
 */
function recordsOf({ metadata, spec }: DomainMapping, config: UrlConfig) {
  const name = metadata.name.split('.').slice(0, -2).join('.');
  const target = externalHost(config, { namespace: metadata.namespace, name: spec.routeName });
  return [{ ...(name ? { name } : {}), type: 'CNAME' as const, rrdata: `${target}.` }];
}
