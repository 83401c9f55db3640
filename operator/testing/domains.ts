import { type Condition, conditionOf } from '../apis/condition.ts';
import { DOMAIN_MAPPINGS, type DomainMapping } from '../apis/domains/domainMapping/types.ts';
import { ROUTES } from '../apis/serving/route/types.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ObjectMeta } from '../kube/types.ts';
import type { FakeApiServer } from './fakeApiServer.ts';
import { EPOCH, route } from './serving.ts';

const SERVED = { traffic: [{ revisionName: 'hello-1', percent: 100 }] };

/** A domain mapping to the service `hello`, as the API server would hold it. */
export function domainMapping(
  name = 'www.example.com',
  spec: Partial<DomainMapping['spec']> = {},
  metadata: Partial<ObjectMeta> = {},
): DomainMapping {
  const { apiVersion, kind } = DOMAIN_MAPPINGS;
  const creationTimestamp = new Date(EPOCH).toISOString();
  const made = { name, namespace: 'demo', uid: `mapping-${name}`, generation: 1, creationTimestamp };
  return {
    apiVersion,
    kind,
    metadata: { ...made, ...metadata },
    spec: { routeName: 'hello', certificateMode: 'AUTOMATIC', ...spec },
  };
}

/** Has a person map a domain to the service `hello`. */
export function addDomainMapping(
  client: KubeClient,
  name: string,
  namespace = 'demo',
): Promise<DomainMapping> {
  const { metadata: _, ...made } = domainMapping(name);
  return client.create(DOMAIN_MAPPINGS, { ...made, metadata: { name, namespace } });
}

/** The route `hello` with a revision that serves, in each of some namespaces of a fake API server. */
export function putServedRoutes(server: FakeApiServer, ...namespaces: string[]): void {
  for (const namespace of namespaces) {
    const { metadata, ...rest } = route('hello');
    server.put({ ...rest, metadata: { ...metadata, namespace, uid: `hello-${namespace}` }, status: SERVED });
  }
}

/** The same in namespace `demo` of a real API server. */
export async function createServedRoute(client: KubeClient): Promise<void> {
  const { spec, apiVersion, kind } = route('hello');
  const metadata = { name: 'hello', namespace: 'demo' };
  await client.create(ROUTES, { apiVersion, kind, metadata, spec });
  const served = { apiVersion, kind, metadata, status: SERVED };
  await client.apply(ROUTES, served, { fieldManager: 'test', subresource: 'status' });
}

/** The condition of a type when it has this status and reason, as `STATUS REASON`; undefined otherwise. */
export function conditionAs(
  conditions: Condition[] | undefined,
  type: string,
  want: string,
): Condition | undefined {
  const found = conditionOf(conditions, type);
  return `${found?.status} ${found?.reason ?? ''}`.trimEnd() === want ? found : undefined;
}
