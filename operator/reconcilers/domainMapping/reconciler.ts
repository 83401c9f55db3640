import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { Controller } from '../../kube/controller.ts';
import { isKubeError, isUnanswered, type KubeError } from '../../kube/errors.ts';
import { NO_CHANGES } from '../../kube/plan.ts';
import type { Store } from '../../kube/store.ts';
import { type KubeObject, keyOf, keyOfObject, refOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { storesFor } from '../informers.ts';
import { hostsOfRoute } from '../route/hosts.ts';
import { CERTIFICATE } from './certificate.ts';
import { certificateOfRequest } from './certManager.ts';
import { type ChildKind, childAt, mappingsOf, orphaned } from './child.ts';
import { HTTP_ROUTE } from './httpRoute.ts';
import { observe } from './observe.ts';
import { planChildren, planDomainMapping } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['domains.cloudrun.com'], resources: ['domainmappings/status'], verbs: ['patch'] },
];

/**
 * DomainMapping -> the route that the gateways serve at its domain (its status), a Certificate for it where an issuer is
 * configured, and an HTTPRoute where a Gateway is before the gateways.
 */
export function domainMappingController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const reconcile = async (key: string) => {
    const input = await observe(key, stores, informers, context);
    if (!input) return collect(key);
    const { mapping } = input;
    const children = planChildren(input, config);
    const failures = {
      certificate: await failureOf(() => executor.execute(mapping, children.certificate)),
      httpRoute: await failureOf(() => executor.execute(mapping, children.httpRoute)),
    };
    const certificate = { ...input.certificate, refused: refusal(failures.certificate) };
    const httpRoute = { ...input.httpRoute, refused: refusal(failures.httpRoute) };
    const plan = planDomainMapping({ ...input, certificate, httpRoute }, config, now());
    const outcome = await executor.execute(mapping, plan);
    throwFirst(Object.values(failures));
    return outcome;
  };
  /** Removes what was made for a mapping that is gone; what is in other namespaces is not Homerun's. */
  const collect = async (key: string) => {
    const { namespace = '', name } = refOf(key);
    if (config.namespaces.length > 0 && !config.namespaces.includes(namespace)) return;
    const remove = async <T extends KubeObject>(kind: ChildKind<T>, store: Store<T>) => {
      const found = childAt(kind, name, store, config);
      const plan = { ...NO_CHANGES, remove: orphaned(kind, key, found) };
      return found && failureOf(() => executor.execute(found, plan));
    };
    throwFirst([await remove(CERTIFICATE, stores.certificates), await remove(HTTP_ROUTE, stores.httpRoutes)]);
  };
  const controller = new Controller({ name: 'domainMapping', workers: 2, reconcile, log });
  const stores = storesFor(
    controller,
    informers,
    'domainMappings',
    'routes',
    'certificates',
    'certificateRequests',
    'httpRoutes',
  );
  const executor = executorOf(context, 'domainMapping', stores, () => undefined);
  return watched(controller, context, stores.domainMappings);
}

/** Each mapping is looked at when it changes, and when anything does that it follows from. */
function watched(
  controller: Controller,
  { informers, config }: Pick<Context, 'informers' | 'config'>,
  mappings: Store<DomainMapping>,
): Controller {
  const hosts = hostsOfRoute(config);
  const at = (index: string, value: string) => mappings.byIndex(index, value).map(keyOfObject);
  const enqueueAll = () => {
    for (const key of mappings.keys()) controller.enqueue(key);
  };
  informers.certificates.onAvailability(enqueueAll);
  informers.httpRoutes.onAvailability(enqueueAll);
  const ofChild =
    <T extends KubeObject>(kind: ChildKind<T>) =>
    (child: T) => [...mappingsOf(kind, child), ...at('child', child.metadata.name)];
  return controller
    .watch(informers.domainMappings, (mapping) => [
      keyOfObject(mapping),
      ...at('host', mapping.metadata.name),
    ])
    .watch(informers.routes, (route) => [
      ...at('route', keyOf(route.metadata)),
      ...hosts(route).flatMap((host) => at('host', host)),
    ])
    .watch(informers.certificates, ofChild(CERTIFICATE))
    .watch(informers.certificateRequests, (request) =>
      certificateOfRequest(request).flatMap((name) => at('child', name)),
    )
    .watch(informers.httpRoutes, ofChild(HTTP_ROUTE));
}

/**
 * Why a write failed: the domain is served whatever becomes of what is made for it, so the status is written first.
 * @throws {StaleError} when what was decided is out of date.
 */
async function failureOf(write: () => Promise<unknown>): Promise<KubeError | undefined> {
  try {
    await write();
    return undefined;
  } catch (error) {
    if (isKubeError(error)) return error;
    throw error;
  }
}

/** @throws {KubeError} the first failure, so that all is tried again. */
function throwFirst(failures: (KubeError | undefined)[]): void {
  const failure = failures.find((each) => each !== undefined);
  if (failure) throw failure;
}

/** What a condition says of a failed write; undefined when that is nothing to report. */
function refusal(failure: KubeError | undefined): string | undefined {
  return failure && !isPassing(failure) ? failure.said : undefined;
}

/** Whether the next attempt may succeed, without anything to report. */
function isPassing(failure: KubeError): boolean {
  return isUnanswered(failure) || isKubeError(failure, 'KUBE_CONFLICT', 'KUBE_TOO_MANY_REQUESTS');
}
