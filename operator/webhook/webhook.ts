import { admitEviction, evictionPermissions } from '../autoscaler/evictions.ts';
import type { Identity } from '../config.ts';
import { capabilitiesOf } from '../kube/capabilities.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Capabilities } from '../kube/types.ts';
import type { Permission } from '../rbac.ts';
import type { RoleConfig } from '../roles.ts';
import { startAdmin } from '../telemetry/admin.ts';
import type { Logger } from '../telemetry/log.ts';
import { admitReferring, type Policy } from './admission/admit.ts';
import { lookUpPermissions, lookUpReferenced } from './admission/referencedObjects.ts';
import { CONFIGURATIONS } from './certificates/caBundle.ts';
import { CertificateController } from './certificates/controller.ts';
import { SECRET_NAME } from './certificates/secret.ts';
import { startServer } from './server.ts';

/** The chart's ServiceAccount of the controller, whose objects derive from admitted ones. */
const ACCOUNT = 'homerun-controller';
/** That of the Admin API, which runs jobs for people. */
const API_ACCOUNT = 'homerun-api';

/** The objects that admission looks up, and the annotation on an instance to be evicted. */
export const permissions: readonly Permission[] = [...lookUpPermissions, ...evictionPermissions];

/** Its own webhook configurations, which are cluster-scoped. */
export const clusterPermissions: readonly Permission[] = [
  {
    apiGroups: ['admissionregistration.k8s.io'],
    resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    verbs: ['get', 'list', 'patch', 'watch'],
    resourceNames: [...new Set(CONFIGURATIONS.map(({ name }) => name))],
  },
];

/** In the operator's own namespace: the Secret with the certificates. */
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
  /** Why API servers cannot call the webhook yet; undefined when they can. */
  unready: () => string | undefined;
  /** Serves until `signal` aborts and pending reviews are answered. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * The webhook role: answers admission reviews until `signal` aborts. It watches only its own certificate and webhook
 * configurations, so a new replica answers at once, and it depends on no other role.
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
    const capabilities = await capabilitiesOf(client, { log, signal });
    const webhook = await startWebhook({ client, config, identity, capabilities, log });
    unready = webhook.unready;
    await webhook.run(signal);
  } catch (error) {
    // A shutdown while waiting for the API server is not an error.
    if (!signal.aborted || error !== signal.reason) throw error;
  } finally {
    admin.close();
  }
}

/** Starts the admission server and its certificate controller; every replica runs both. */
export async function startWebhook({
  client,
  config,
  identity,
  capabilities,
  log,
  now = Date.now,
  host,
  drainMs,
}: {
  client: KubeClient;
  config: RoleConfig<'webhook'>;
  identity: Identity;
  capabilities: Capabilities;
  log: Logger;
  now?: () => number;
  host?: string;
  drainMs?: number;
}): Promise<Webhook & { port: number }> {
  const { namespace } = identity;
  const userOf = (account: string): string => `system:serviceaccount:${namespace}:${account}`;
  const policy: Policy = {
    strict: config.strict,
    baseImages: config.instance.baseImages,
    operator: userOf(ACCOUNT),
    api: userOf(API_ACCOUNT),
    capabilities,
  };
  const server = await startServer({
    port: config.webhook.port,
    host,
    policy,
    secretPaths: {
      evict: (request) => admitEviction(request, { client, now }),
      lookup: async (request) => admitReferring(request, policy, await lookUpReferenced(request, client)),
    },
    log,
    drainMs,
  });
  const certificates = new CertificateController({
    client,
    namespace,
    names: [`${config.webhook.service}.${namespace}.svc`, ...(host ? [host] : [])],
    serve: (pair) => server.serve(pair),
    acceptTokens: (tokens) => server.acceptTokens(tokens),
    now,
    log,
  });
  return {
    port: server.port,
    unready: () => certificates.unready(),
    async run(signal) {
      try {
        await certificates.run(signal);
      } finally {
        await server.close();
      }
    },
  };
}
