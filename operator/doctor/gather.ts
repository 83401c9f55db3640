import { X509Certificate } from 'node:crypto';
import { customResourceDefinition } from '../apis/definition.ts';
import { KINDS } from '../apis/kinds.ts';
import type { Config } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import { DAEMON_SETS, DEPLOYMENTS, LEASES } from '../kube/core.ts';
import { isSubset } from '../kube/json.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { CONFIGURATIONS, isTrustedBy, type WebhookConfiguration } from '../webhook/certificates/caBundle.ts';
import { callWebhook } from './callWebhook.ts';
import type {
  ApiServerFacts,
  CertificateFacts,
  DefinitionFacts,
  Facts,
  Found,
  LeaseFacts,
  RuntimeClassFacts,
  WorkloadFacts,
} from './facts.ts';
import { found } from './found.ts';
import { gatherGateways } from './gatherGateways.ts';
import { gatherObjects } from './gatherObjects.ts';
import type { Installation, Reach } from './reach.ts';
import { registrationOf } from './registration.ts';

const LATENCY_TRIES = 5;
const OF_HOMERUN = 'app.kubernetes.io/name=homerun';
const COMPONENT = 'app.kubernetes.io/component';

const clusterWide = (apiVersion: string, kind: string, plural: string): ResourceType => ({
  apiVersion,
  kind,
  plural,
  namespaced: false,
});
const DEFINITIONS = clusterWide(
  'apiextensions.k8s.io/v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
);
const RUNTIME_CLASSES = clusterWide('node.k8s.io/v1', 'RuntimeClass', 'runtimeclasses');

/** What an installation is like now. Each part that cannot be read says why; it writes nothing. */
export async function gather(installation: Installation): Promise<Facts> {
  const { client, reach, namespace, version, now } = installation;
  const unknown = { unknown: 'the API server does not answer' };
  const apiServer = await found(() => measure(client));
  const nothing = {
    wanted: unknown,
    definitions: unknown,
    webhook: { configurations: unknown, call: unknown, certificate: unknown },
    lease: unknown,
    workloads: unknown,
    gateways: unknown,
    runtimeClasses: unknown,
    objects: unknown,
  };
  if ('unknown' in apiServer) return { version, namespace, now: now(), apiServer, ...nothing };
  const config = await found(() => reach.config());
  const configured = <T>(read: (config: Config) => Promise<T>): Promise<Found<T>> =>
    found(() => ('found' in config ? read(config.found) : Promise.reject(new Error(config.unknown))));
  return {
    version,
    namespace,
    apiServer,
    wanted: await configured(async ({ metadata }) => ({ metadata: metadata.enabled })),
    definitions: await found(() => definitionsOf(client)),
    webhook: await webhookOf(installation, configured),
    lease: await found(() => leaseOf(installation)),
    workloads: await found(() => workloadsOf(installation)),
    gateways: await configured(({ namespaces }) => gatherGateways(installation, namespaces)),
    runtimeClasses: await configured(({ instance }) => runtimeClassesOf(client, instance.runtimeClasses)),
    objects: await configured(({ namespaces }) => gatherObjects(client, namespaces, now())),
    // A lease is judged by the time at which it was read.
    now: now(),
  };
}

async function measure(client: KubeClient): Promise<ApiServerFacts> {
  const times: number[] = [];
  let version = '';
  for (let left = LATENCY_TRIES; left > 0; left--) {
    const begun = performance.now();
    ({ gitVersion: version } = await client.request<{ gitVersion: string }>('GET', '/version', {
      timeoutMs: 5_000,
    }));
    times.push(performance.now() - begun);
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(LATENCY_TRIES / 2)] ?? 0;
  return { version, latencyMs: Math.ceil(median) };
}

async function definitionsOf(client: KubeClient): Promise<DefinitionFacts[]> {
  const facts: DefinitionFacts[] = [];
  for (const kind of KINDS) {
    const wanted = JSON.parse(JSON.stringify(customResourceDefinition(kind))) as KubeObject & {
      spec: unknown;
    };
    const { name } = wanted.metadata;
    const live = (await client.get(DEFINITIONS, { name })) as typeof wanted | undefined;
    const same = live && isSubset(wanted.spec, live.spec);
    facts.push({ name, state: same ? 'as declared' : live ? 'different' : 'missing' });
  }
  return facts;
}

async function webhookOf(
  { client, reach }: Installation,
  configured: <T>(read: (config: Config) => Promise<T>) => Promise<Found<T>>,
): Promise<Facts['webhook']> {
  const registered = await found(() =>
    Promise.all(CONFIGURATIONS.map(({ type, name }) => client.get(type, { name }))),
  );
  if ('unknown' in registered) {
    return { configurations: registered, call: registered, certificate: registered };
  }
  const configurations = CONFIGURATIONS.map(({ type, name, optional }, i) => {
    const configuration = registered.found[i];
    const hasAuthorities = configuration?.webhooks?.every(({ clientConfig }) => clientConfig.caBundle);
    return {
      kind: type.kind,
      name,
      optional,
      exists: !!configuration,
      hasAuthorities: hasAuthorities ?? false,
    };
  });
  return {
    configurations: { found: configurations },
    call: await configured(({ namespaces }) => callWebhook(client, namespaces[0] ?? 'default')),
    certificate: await found(() => certificateOf(reach, registered.found)),
  };
}

async function certificateOf(
  reach: Reach,
  configurations: readonly (WebhookConfiguration | undefined)[],
): Promise<CertificateFacts> {
  const present = configurations.filter((each) => each !== undefined);
  const [first] = CONFIGURATIONS.flatMap(({ optional }, i) => (optional ? [] : (configurations[i] ?? [])));
  if (!first) throw new Error('the webhook is not registered');
  const pem = await reach.certificate(registrationOf(first));
  const expiresAt = new X509Certificate(pem).validToDate.getTime();
  return { expiresAt, trusted: present.every((each) => isTrustedBy(each, pem)) };
}

async function leaseOf({ client, namespace }: Installation): Promise<LeaseFacts | undefined> {
  const lease = await client.get(LEASES, { namespace, name: 'homerun-controller' });
  if (!lease?.spec) return undefined;
  const { holderIdentity: holder = '', renewTime, leaseDurationSeconds: seconds = 0 } = lease.spec;
  return { holder, renewedAt: renewTime === undefined ? undefined : Date.parse(String(renewTime)), seconds };
}

async function workloadsOf({ client, namespace }: Installation): Promise<WorkloadFacts[]> {
  const options = { namespace, labelSelector: OF_HOMERUN };
  const deployments = (await client.list(DEPLOYMENTS, options)).items.map(
    ({ metadata, spec, status = {} }) => ({
      role: metadata.labels?.[COMPONENT] ?? '',
      wanted: spec?.replicas ?? 1,
      ready: status.readyReplicas ?? 0,
      updated: status.updatedReplicas ?? 0,
    }),
  );
  const daemonSets = (await client.list(DAEMON_SETS, options)).items.map(({ metadata, status }) => ({
    role: metadata.labels?.[COMPONENT] ?? '',
    wanted: status?.desiredNumberScheduled ?? 0,
    ready: status?.numberReady ?? 0,
    updated: status?.updatedNumberScheduled ?? 0,
  }));
  return [...deployments, ...daemonSets];
}

async function runtimeClassesOf(
  client: KubeClient,
  classes: Readonly<Record<string, string>>,
): Promise<RuntimeClassFacts[]> {
  const named = Object.entries(classes).filter(([, name]) => name !== '');
  return Promise.all(
    named.map(async ([environment, name]) => ({
      environment,
      name,
      exists: (await client.get(RUNTIME_CLASSES, { name })) !== undefined,
    })),
  );
}
