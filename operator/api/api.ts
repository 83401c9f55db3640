import type { Identity } from '../config.ts';
import { KubeClient } from '../kube/client.ts';
import { KnownObjects } from '../kube/knownObjects.ts';
import { Projects } from '../metadata/projects.ts';
import type { Permission } from '../rbac.ts';
import type { RoleConfig } from '../roles.ts';
import { SOURCE_LIMITS } from '../source/limits.ts';
import { startAdmin } from '../telemetry/admin.ts';
import type { Logger } from '../telemetry/log.ts';
import { setApiIssuers } from '../telemetry/metrics.ts';
import { Authentication } from './authentication/authentication.ts';
import { asPerson } from './authentication/impersonation.ts';
import { Oidc } from './authentication/oidc.ts';
import { authenticationPermissions, tokenReview } from './authentication/tokenReview.ts';
import type { ApiContext, ApiPart, Verb } from './context.ts';
import { PARTS } from './parts.ts';
import { namespaceOf } from './projects.ts';
import { KubeResources } from './resources/kubeResources.ts';
import { createApp } from './server/app.ts';
import { ApiCertificates, certificatePermissions } from './server/certificates.ts';
import { type Listener, startListener } from './server/listener.ts';
import { servedHosts } from './server/region.ts';
import { cleaningPermissions, cleanUntil } from './storage/cleaning.ts';
import { FileStore } from './storage/fileStore.ts';
import { s3Client } from './storage/s3/create.ts';
import { S3Store } from './storage/s3/store.ts';
import type { ObjectStore } from './storage/store.ts';
import { runPermissions } from './v1/jobVerbs.ts';
import { grpcHandler } from './v2/grpc.ts';

/**
 * Who asks, and to be that person: whatever else the API does, it does with that person's rights. The UID of a namespace is
 * where its project's number comes from.
 */
export const clusterPermissions: readonly Permission[] = [
  ...authenticationPermissions,
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
];

/** Where people's objects are: to run a job, and to see which sources are in use. */
export const permissions: readonly Permission[] = [...runPermissions, ...cleaningPermissions];

/** In the operator's own namespace: the Secret with the certificates, and what instances know of the API. */
export const namespacePermissions: readonly Permission[] = certificatePermissions;

/** How long requests in hand may take when the process is to end. */
const DRAIN_MS = 5_000;

/** The api role: serves the Admin API until `signal` aborts. */
export async function runApi(
  config: RoleConfig<'api'>,
  identity: Identity,
  client: KubeClient,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let unready = (): string | undefined => 'the server is starting';
  const admin = await startAdmin({ port: config.adminPort, unready: () => unready() });
  try {
    const api = await startApi({ config, identity, client, log });
    unready = () => (signal.aborted ? 'the Admin API is ending' : api.unready());
    await api.run(signal);
  } finally {
    admin.close();
  }
}

export interface Api {
  readonly port: number;
  /** Why requests cannot be answered yet; undefined when they can. */
  unready(): string | undefined;
  /** Serves until `signal` aborts and requests in hand are answered. */
  run(signal: AbortSignal): Promise<void>;
}

/** Starts the server, which answers once there is a certificate. */
export async function startApi({
  config,
  identity: { namespace },
  client,
  log,
  now = Date.now,
  host,
  parts = PARTS,
}: {
  config: RoleConfig<'api'>;
  identity: Pick<Identity, 'namespace'>;
  client: KubeClient;
  log: Logger;
  now?: () => number;
  /** Address to listen at; all when left out. */
  host?: string;
  parts?: readonly ApiPart[];
}): Promise<Api> {
  const { api, clusterDomain, metadata } = config;
  const ended = new AbortController();
  const oidc = new Oidc({ configured: api.issuers, log, signal: ended.signal, now });
  const context = contextOf({ config, client, log, now, parts, oidc });
  const app = await createApp(context, parts);
  const listener = await startListener({
    port: api.port,
    host,
    plainHttp: api.plainHttp,
    rest: (request, response) => app.answer(request, response),
    grpc: grpcHandler(context),
  });
  const service = `${api.service}.${namespace}.svc`;
  const certificates = new ApiCertificates({
    client,
    namespace,
    secret: api.tlsSecret,
    names: [api.service, service, `${service}.${clusterDomain}`, ...servedHosts(api.host, metadata.region)],
    contact: api.storage.folder
      ? {
          address: `https://${service}:${api.servicePort}`,
          serverName: (api.tlsSecret && api.host) || service,
        }
      : undefined,
    serve: (pair) => listener.serve(pair),
    now,
    log,
  });
  return {
    port: listener.port,
    unready: () => certificates.unready(),
    async run(signal) {
      setApiIssuers(oidc.issuers);
      oidc.issuers.need();
      const cleaning = context.objects && { ...context, store: context.objects };
      await Promise.all([
        serveUntil(signal, certificates, app, listener).finally(() => ended.abort()),
        cleaning && cleanUntil(signal, cleaning),
      ]);
    },
  };
}

async function serveUntil(
  signal: AbortSignal,
  certificates: ApiCertificates,
  app: Awaited<ReturnType<typeof createApp>>,
  listener: Listener,
): Promise<void> {
  try {
    await certificates.run(signal);
  } finally {
    app.drain();
    await listener.close(DRAIN_MS);
    await app.close();
  }
}

function contextOf({
  config,
  client,
  log,
  now,
  parts,
  oidc,
}: Pick<ApiContext, 'config' | 'client' | 'log' | 'now'> & {
  parts: readonly ApiPart[];
  oidc: Oidc;
}): ApiContext {
  const known = new KnownObjects();
  const clientOf: ApiContext['clientOf'] = (person, warn) =>
    new KubeClient(asPerson(client.connection, person, warn), { known });
  return {
    config,
    client,
    authentication: new Authentication([(token) => oidc.personOf(token), tokenReview(client)], now),
    clientOf,
    resourcesOf: (person, project, warn) =>
      new KubeResources(clientOf(person, warn), person, namespaceOf(project, config), config),
    projects: new Projects(client, config.metadata, now),
    verbs: Object.assign({}, ...parts.map(({ verbs }) => verbs)) as Readonly<Record<string, Verb>>,
    objects: objectsOf(config, now),
    log,
    now,
  };
}

function objectsOf({ api: { storage } }: RoleConfig<'api'>, now: () => number): ObjectStore | undefined {
  const limits = { objectBytes: SOURCE_LIMITS.archiveBytes, bucketBytes: storage.projectMiB * 2 ** 20 };
  if (storage.s3.endpoint) return new S3Store(s3Client(storage.s3), limits, now);
  return storage.folder ? new FileStore(storage.folder, limits, now) : undefined;
}
