import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DOMAIN_MAPPINGS } from '../../apis/domains/domainMapping/types.ts';
import { NOT_POOLED, SERVING } from '../../apis/labels.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES } from '../../apis/serving/route/types.ts';
import type { Identity } from '../../config.ts';
import type { KubeClient } from '../../kube/client.ts';
import { aborted } from '../../kube/clock.ts';
import { PODS, type Pod, ROLE_BINDINGS, SECRETS } from '../../kube/core.ts';
import { Informer } from '../../kube/informer.ts';
import { identityOf, type KubeObject } from '../../kube/types.ts';
import type { RoleConfig } from '../../roles.ts';
import { startAdmin } from '../../telemetry/admin.ts';
import type { Logger } from '../../telemetry/log.ts';
import { checkAddresses, MAX_ADDRESSES_BYTES } from '../shared/addressProtocol.ts';
import { clock } from '../shared/clock.ts';
import { checkOrders } from '../shared/drainProtocol.ts';
import { AFFINITY_SECRET } from './affinityKey.ts';
import { certificateInformers } from './certificateWatch.ts';
import { Control } from './control.ts';
import { addressesOf } from './gatewayPods.ts';
import { INVOKER_BINDINGS } from './invokers.ts';
import { publishMetrics } from './metrics.ts';
import { Peers } from './peers.ts';
import { GATEWAY_SELECTOR, watchGateways } from './replicas.ts';
import { StatsReporter } from './report.ts';

/** One serves while the other is replaced. */
const FEWEST_THREADS = 2;
/** More than four threads would only compete with the programs for the same cores. */
const MOST_THREADS = 4;
/**
 * How long to wait for the autoscaler's first orders, which it sends once a second, for the first list of the Secret with
 * the key of the affinity cookies, and for the keys of identity tokens. A gateway can serve without them.
 */
const FIRST_ORDERS_MS = 2000;
/**
 * From this pod's termination until no new connection reaches it: endpoints take 50 to 150 ms to change, node proxies
 * and load balancers up to a second or two more. New connections are served in the meantime.
 */
const PROPAGATION_MS = 3000;

/**
 * The gateway role: serves the requests of all services until `signal` aborts, then ends without losing one.
 * @throws when the data threads cannot run.
 */
export async function runGateway(
  config: RoleConfig<'gateway'>,
  identity: Identity,
  client: KubeClient,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, podName } = identity;
  const threads = config.gateway.threads || dataThreads(availableParallelism());
  // Informers and probes run on while requests drain: instances may still start and end.
  const stop = new AbortController();
  const common = { client, log, namespaces: config.namespaces };
  const routes = new Informer({ ...common, type: ROUTES });
  // Compiled as they come. There may be tens of thousands, so no more than their identities remain.
  const compiled = { ...common, remains: withoutContent };
  const revisions = new Informer<Revision>({ ...compiled, type: REVISIONS, labelSelector: NOT_POOLED });
  const pods = new Informer<Pod>({
    ...compiled,
    type: PODS,
    labelSelector: `${SERVING.revision},${NOT_POOLED}`,
  });
  const domainMappings = new Informer({ ...common, type: DOMAIN_MAPPINGS });
  const bindings = new Informer({ ...common, type: ROLE_BINDINGS, labelSelector: INVOKER_BINDINGS });
  const peers = new Peers({ client, log, namespace });
  const certificates = certificateInformers(config.gateway.tls, namespace, { client, log });
  const gateways = new Informer({
    client,
    type: PODS,
    name: 'gateway-pods',
    namespace,
    labelSelector: GATEWAY_SELECTOR,
    log,
  });
  const watched = { routes, revisions, pods, domainMappings, bindings };
  const informers = [...Object.values(watched), peers.informer, gateways, ...certificates];
  // It is not waited for as the others are: without it all requests are served, and clients only bound to no instance.
  const keys = new Informer({
    client,
    type: SECRETS,
    namespace,
    fieldSelector: `metadata.name=${AFFINITY_SECRET}`,
    log,
  });
  const control = new Control({ config, namespace, podName, client, threads, log, signal: stop.signal });
  control.watch(watched);
  control.watchAffinityKey(keys);
  for (const informer of certificates) control.watchCertificates(informer);
  publishMetrics(control);
  let ready = false;
  const unready = (): string | undefined => {
    if (signal.aborted) return 'the gateway is ending';
    const waiting = informers.filter(({ hasSynced }) => !hasSynced).map(({ type }) => type.plural);
    if (waiting.length > 0) return `waiting for the first list of ${waiting.join(', ')}`;
    if (!ready) return 'the data threads are starting';
    return control.threads.serving > 0 ? undefined : 'no data thread listens';
  };
  // The kubelet restarts the process when this lasts for a minute. A restart would not help while it starts; while it
  // ends, requests are still in flight.
  const dead = (): string | undefined =>
    ready && !signal.aborted && control.threads.serving === 0 ? 'no data thread listens' : undefined;
  const reporter = new StatsReporter(control);
  const pages = { '/stats': () => reporter.report() };
  const posts = {
    // Scaling instances in can stop services, so only orders from the controller's own pods are accepted.
    '/stats': {
      allows: (address: string) => peers.isController(address),
      answer: (body: unknown) => reporter.report(checkOrders(body)),
    },
    '/addresses': {
      allows: (address: string) => peers.nodeAt(address) !== undefined,
      answer: (body: unknown, address: string) => {
        control.addresses.take(checkAddresses(body), peers.nodeAt(address) ?? '', clock());
        return {};
      },
      maxBytes: MAX_ADDRESSES_BYTES,
    },
    '/replicas': {
      allows: (address: string) => addressesOf(gateways.store.list()).includes(address),
      answer: (body: unknown) => control.replicas.answer(body),
    },
  };
  const admin = await startAdmin({ port: config.adminPort, unready, dead, pages, posts });
  const watching = [...informers, keys].map((informer) => informer.run(stop.signal));
  try {
    await Promise.race([Promise.all(informers.map(({ synced }) => synced)), aborted(signal)]);
    if (signal.aborted) return;
    watchGateways(gateways, control);
    await control.start();
    // Before the first orders it could send to an instance that the other gateways have released.
    const { drains, replicas, issuers } = control;
    const expected = Promise.all([drains.firstOrders, keys.synced, replicas.joined, issuers.asked]);
    await Promise.race([expected, sleep(FIRST_ORDERS_MS), aborted(signal)]);
    ready = true;
    log.info(
      {
        pod: identity.podName,
        maxThreads: threads,
        port: config.gateway.port,
        internalPort: config.gateway.internalPort,
      },
      'serving',
    );
    await Promise.race([aborted(signal), control.failed]);
    control.closing();
    await sleep(PROPAGATION_MS);
    log.info('draining');
    await control.stop(config.gateway.drainSeconds * 1000);
  } finally {
    stop.abort();
    admin.close();
    await Promise.allSettled(watching);
  }
}

/** What tells an object from others, and its versions apart. */
function withoutContent<T extends KubeObject>({ apiVersion, kind, metadata }: T): T {
  return { apiVersion, kind, metadata: identityOf(metadata) } as T;
}

/**
 * How many data threads there may be: one processor is left for the programs and the control thread; each thread costs
 * some 15 MB when it is idle.
 */
export function dataThreads(processors: number): number {
  return Math.max(FEWEST_THREADS, Math.min(MOST_THREADS, processors - 1));
}
