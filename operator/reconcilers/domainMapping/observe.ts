import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { certificateName } from '../../apis/names.ts';
import type { KubeError } from '../../kube/errors.ts';
import { keyOf } from '../../kube/types.ts';
import { routeOfMapping, type Stores } from '../informers.ts';
import { ageOfMapping, keeperOf } from '../route/hosts.ts';
import { holdersOf } from '../route/observe.ts';
import type { CertificateState } from './certificate.ts';
import { type Certificate, issuingOf, lastRequest } from './certManager.ts';
import type { DomainMappingConfig, DomainMappingInput } from './plan.ts';

type Read = Stores<'domainMappings' | 'routes' | 'certificates' | 'certificateRequests'>;

/**
 * A domain mapping, its route and certificate, and what else has its domain; undefined when it is gone or going.
 * @param unavailable why the API of cert-manager cannot be used.
 */
export function observe(
  key: string,
  stores: Read,
  config: DomainMappingConfig,
  unavailable?: KubeError,
): DomainMappingInput | undefined {
  const mapping = stores.domainMappings.get(key);
  if (!mapping || mapping.metadata.deletionTimestamp) return undefined;
  const host = mapping.metadata.name;
  const [route = ''] = routeOfMapping(mapping);
  const age = mapping.status?.mappedRouteName ? ageOfMapping(mapping) : undefined;
  return {
    mapping,
    route: stores.routes.get(route),
    takenBy: keeperOf(host, holdersOf([host], mapping, stores, config), age)?.by,
    certificate: certificateState(mapping, stores, config, unavailable),
  };
}

/** The Certificate for a domain, whoever has made it. */
export function certificateAt(
  host: string,
  { certificates }: Stores<'certificates'>,
  config: DomainMappingConfig,
): Certificate | undefined {
  const { namespace } = issuingOf(config) ?? {};
  return namespace === undefined
    ? undefined
    : certificates.get(keyOf({ namespace, name: certificateName(host) }));
}

function certificateState(
  { metadata: { name } }: DomainMapping,
  stores: Read,
  config: DomainMappingConfig,
  unavailable: KubeError | undefined,
): CertificateState {
  return {
    found: certificateAt(name, stores, config),
    request: lastRequest(stores.certificateRequests.byIndex('certificate', certificateName(name))),
    unavailable: unavailable && whyUnavailable(unavailable),
  };
}

function whyUnavailable({ code, said }: KubeError): string {
  if (code === 'KUBE_NOT_FOUND') return 'cert-manager is not installed in this cluster';
  return `the API of cert-manager cannot be used: ${said}`;
}
