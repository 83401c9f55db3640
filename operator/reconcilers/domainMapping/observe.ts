import { mappingChildName } from '../../apis/names.ts';
import { ROUTES } from '../../apis/serving/route/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import type { KubeError } from '../../kube/errors.ts';
import type { Store } from '../../kube/store.ts';
import { type KubeObject, refOf } from '../../kube/types.ts';
import type { Context } from '../context.ts';
import { routeOfMapping, type Stores } from '../informers.ts';
import { ageOfMapping, keeperOf } from '../route/hosts.ts';
import { holdersOf } from '../route/observe.ts';
import { unseen } from '../unseen.ts';
import { CERTIFICATE } from './certificate.ts';
import { lastRequest } from './certManager.ts';
import { type ChildKind, type ChildState, childAt, whyUnavailable } from './child.ts';
import { HTTP_ROUTE } from './httpRoute.ts';
import type { DomainMappingInput } from './plan.ts';

type Read = Stores<'domainMappings' | 'routes' | 'certificates' | 'certificateRequests' | 'httpRoutes'>;

/** Why the APIs of others cannot be used, where they cannot. */
type Apis = Record<'certificates' | 'httpRoutes', { unavailable: KubeError | undefined }>;

/** A domain mapping, its route, what was made for it and what else has its domain; undefined when it is gone or going. */
export async function observe(
  key: string,
  stores: Read,
  { certificates, httpRoutes }: Apis,
  { client, config }: Pick<Context, 'client' | 'config'>,
): Promise<DomainMappingInput | undefined> {
  const mapping = stores.domainMappings.get(key);
  if (!mapping || mapping.metadata.deletionTimestamp) return undefined;
  const host = mapping.metadata.name;
  const [routeKey = ''] = routeOfMapping(mapping);
  const [unseenRoute] = await unseen([routeKey], stores.routes, ROUTES, client);
  const route = stores.routes.get(routeKey) ?? unseenRoute;
  const age = mapping.status?.mappedRouteName ? ageOfMapping(mapping) : undefined;
  const childState = <T extends KubeObject>(
    kind: ChildKind<T>,
    store: Store<T>,
    error: KubeError | undefined,
  ): ChildState<T> => ({
    found: childAt(kind, host, store, config),
    unavailable: whyUnavailable(kind, error),
  });
  const request = lastRequest(stores.certificateRequests.byIndex('certificate', mappingChildName(host)));
  return {
    mapping,
    route,
    service: route ? undefined : await client.get(SERVICES, refOf(routeKey)),
    takenBy: keeperOf(host, holdersOf([host], mapping, stores, config), age)?.by,
    certificate: { ...childState(CERTIFICATE, stores.certificates, certificates.unavailable), request },
    httpRoute: childState(HTTP_ROUTE, stores.httpRoutes, httpRoutes.unavailable),
  };
}
