import { Controller } from '../../kube/controller.ts';
import { isKubeError, isUnanswered, type KubeError } from '../../kube/errors.ts';
import { keyOf, keyOfObject, refOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { storesFor } from '../informers.ts';
import { hostsOfRoute } from '../route/hosts.ts';
import { orphanedCertificate } from './certificate.ts';
import { certificateOfRequest, mappingsOfCertificate } from './certManager.ts';
import { certificateAt, observe } from './observe.ts';
import { planCertificateOf, planDomainMapping } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['domains.cloudrun.com'], resources: ['domainmappings/status'], verbs: ['patch'] },
];

/**
 * DomainMapping -> the route that the gateways serve at its domain (its status), and a Certificate for it where an issuer is
 * configured.
 */
export function domainMappingController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const reconcile = async (key: string) => {
    const input = observe(key, stores, config, informers.certificates.unavailable);
    if (!input) return collect(key);
    const failure = await failureOf(() => executor.execute(input.mapping, planCertificateOf(input, config)));
    const refused = failure && !isPassing(failure) ? failure.said : undefined;
    const certificate = { ...input.certificate, refused };
    const plan = planDomainMapping({ ...input, certificate }, config, now());
    const outcome = await executor.execute(input.mapping, plan);
    if (failure) throw failure;
    return outcome;
  };
  /** Removes the Certificate of a mapping that is gone; what is in other namespaces is not Homerun's. */
  const collect = async (key: string) => {
    const { namespace = '', name } = refOf(key);
    if (config.namespaces.length > 0 && !config.namespaces.includes(namespace)) return;
    const found = certificateAt(name, stores, config);
    const remove = orphanedCertificate(key, found);
    if (found && remove.length > 0) await executor.execute(found, { apply: [], remove, events: [] });
  };
  const controller = new Controller({ name: 'domainMapping', workers: 2, reconcile, log });
  const stores = storesFor(
    controller,
    informers,
    'domainMappings',
    'routes',
    'certificates',
    'certificateRequests',
  );
  const { domainMappings } = stores;
  const executor = executorOf(context, 'domainMapping', stores, () => undefined);
  const hosts = hostsOfRoute(config);
  const mappingsAt = (certificate: string) =>
    domainMappings.byIndex('certificate', certificate).map(keyOfObject);
  informers.certificates.onAvailability(() => {
    for (const key of domainMappings.keys()) controller.enqueue(key);
  });
  return controller
    .watch(informers.domainMappings, (mapping) =>
      [mapping, ...domainMappings.byIndex('host', mapping.metadata.name)].map(keyOfObject),
    )
    .watch(informers.routes, (route) =>
      [
        ...domainMappings.byIndex('route', keyOf(route.metadata)),
        ...hosts(route).flatMap((host) => domainMappings.byIndex('host', host)),
      ].map(keyOfObject),
    )
    .watch(informers.certificates, (certificate) => [
      ...mappingsOfCertificate(certificate),
      ...mappingsAt(certificate.metadata.name),
    ])
    .watch(informers.certificateRequests, (request) => certificateOfRequest(request).flatMap(mappingsAt));
}

/**
 * Why a write failed: the domain is served whatever becomes of its certificate, so the status is written first.
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

/** Whether the next attempt may succeed, without anything to report. */
function isPassing(failure: KubeError): boolean {
  return isUnanswered(failure) || isKubeError(failure, 'KUBE_CONFLICT', 'KUBE_TOO_MANY_REQUESTS');
}
