import { admitEviction, evictionPermissions } from '../autoscaler/evictions.ts';
import type { Config, Identity } from '../config.ts';
import { capabilitiesOf } from '../kube/capabilities.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Capabilities } from '../kube/types.ts';
import type { Permission } from '../rbac.ts';
import type { RoleConfig } from '../roles.ts';
import { startAdmin } from '../telemetry/admin.ts';
import type { Logger } from '../telemetry/log.ts';
import { lookUpPermissions, lookUpReferenced } from './admission/referencedObjects.ts';
import { CertificateController } from './certificates/controller.ts';
import { SECRET_NAME } from './certificates/secret.ts';
import { startServer } from './server.ts';

/** Name of the webhook configurations that the chart makes. */
const CONFIGURATION = 'homerun-webhook';
/** The ServiceAccount of the controller in the chart: its objects are made of admitted ones. */
const ACCOUNT = 'homerun-controller';

/** What the webhook looks up to judge, and the mark on an instance that is to be evicted. */
export const permissions: readonly Permission[] = [...lookUpPermissions, ...evictionPermissions];

/** Its own configurations, which are in no namespace. */
export const clusterPermissions: readonly Permission[] = [
  {
    apiGroups: ['admissionregistration.k8s.io'],
    resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    verbs: ['get', 'list', 'patch', 'watch'],
    resourceNames: [CONFIGURATION],
  },
];

/** What it needs in the operator's own namespace: the Secret with its certificates. */
export const namespacePermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['get', 'list', 'update', 'watch'],
    resourceNames: [SECRET_NAME],
  },
];

export interface Webhook {
  /** Why API servers cannot use it yet; undefined when they can. */
  unready: () => string | undefined;
  /** Answers until `signal` aborts and what has come in is answered. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * The webhook role: answers admission reviews until `signal` aborts. It keeps nothing of the cluster but its own
 * certificate and configurations, so a new one answers at once, and it needs no other role to live.
 */
export async function runWebhook(
  config: RoleConfig<'webhook'>,
  identity: Identity,
  client: KubeClient,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let unready = (): string | undefined => 'waiting for the API server';
  const admin = await startAdmin({ port: config.adminPort, unready: () => unready() });
  try {
    const abilities = await capabilitiesOf(client, { log, signal });
    const webhook = await startWebhook({ client, config, identity, abilities, log });
    unready = webhook.unready;
    await webhook.run(signal);
  } catch (error) {
    // Asked to end while it waited: that is no failure.
    if (!signal.aborted || error !== signal.reason) throw error;
  } finally {
    admin.close();
  }
}

/** The server of admission reviews with its certificates; every replica runs it. */
export async function startWebhook({
  client,
  config,
  identity,
  abilities,
  log,
  now = Date.now,
  host,
  drainMs,
}: {
  client: KubeClient;
  config: Pick<Config, 'strict' | 'webhook'>;
  identity: Identity;
  abilities: Capabilities;
  log: Logger;
  now?: () => number;
  host?: string;
  drainMs?: number;
}): Promise<Webhook & { port: number }> {
  const { namespace } = identity;
  const operator = `system:serviceaccount:${namespace}:${ACCOUNT}`;
  const policy = { strict: config.strict, operator, abilities };
  const server = await startServer({
    port: config.webhook.port,
    host,
    policy,
    lookUp: (request) => lookUpReferenced(request, client),
    evict: (request) => admitEviction(request, { client, now }),
    log,
    drainMs,
  });
  const keeper = new CertificateController({
    client,
    namespace,
    configuration: CONFIGURATION,
    names: [`${config.webhook.service}.${namespace}.svc`, ...(host ? [host] : [])],
    serve: (pair) => server.serve(pair),
    now,
    log,
  });
  return {
    port: server.port,
    unready: () => keeper.unready(),
    async run(signal) {
      try {
        await keeper.run(signal);
      } finally {
        await server.close();
      }
    },
  };
}
