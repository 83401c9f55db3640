import { request } from 'undici';
import { KINDS } from '../../apis/kinds.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import { parseConfig } from '../../config.ts';
import { resourcePath } from '../../kube/client.ts';
import { KubeError } from '../../kube/errors.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { freePort } from '../../testing/freePort.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { silent, until } from '../../testing/until.ts';
import { CONFIGURATION_TYPES } from '../certificates/caBundle.ts';
import { startWebhook, type Webhook } from '../webhook.ts';

/** Namespace of the services. */
export const NAMESPACE = 'demo';
/** Namespace of the operator. */
export const SYSTEM = 'homerun-system';
const HOST = '127.0.0.1';

/** Registers the webhook like the chart, but at a local port. */
export async function register({ client }: ApiServer, port: number): Promise<void> {
  for (const [i, type] of CONFIGURATION_TYPES.entries()) {
    const path = ['default', 'validate'][i];
    await client.apply(
      type,
      {
        apiVersion: type.apiVersion,
        kind: type.kind,
        metadata: { name: 'homerun-webhook' },
        webhooks: [
          {
            name: `${path}.homerun.dev`,
            admissionReviewVersions: ['v1'],
            clientConfig: { url: `https://${HOST}:${port}/${path}` },
            rules: [
              {
                apiGroups: ['serving.knative.dev'],
                apiVersions: ['v1'],
                operations: ['CREATE', 'UPDATE'],
                resources: ['services', 'configurations', 'routes', 'revisions'],
              },
              {
                apiGroups: ['run.googleapis.com'],
                apiVersions: ['v1'],
                operations: ['CREATE', 'UPDATE'],
                resources: ['jobs', 'executions', 'workerpools'],
              },
              {
                apiGroups: ['domains.cloudrun.com'],
                apiVersions: ['v1'],
                operations: ['CREATE', 'UPDATE'],
                resources: ['domainmappings'],
              },
            ],
            failurePolicy: 'Fail',
            sideEffects: 'None',
            timeoutSeconds: 10,
          },
        ],
      } as KubeObject,
      { fieldManager: 'chart' },
    );
  }
}

/** A replica of the webhook until `stop` is called. */
export interface Replica extends Webhook {
  port: number;
  stop(): Promise<void>;
}

/** Starts a replica; the caller waits until it is ready. */
export async function startReplica(
  { client }: Pick<ApiServer, 'client'>,
  {
    port = 0,
    strict = false,
    now,
  }: {
    port?: number;
    strict?: boolean;
    now?: () => number;
  } = {},
): Promise<Replica> {
  const stop = new AbortController();
  const config = parseConfig({ strict });
  // Any free port, where it is 0.
  config.webhook.port = port;
  const webhook = await startWebhook({
    client,
    config,
    identity: { namespace: SYSTEM, podName: 'test' },
    capabilities: { resizesPods: true },
    log: silent,
    host: HOST,
    now,
    drainMs: 50,
  });
  const running = webhook.run(stop.signal);
  return {
    ...webhook,
    async stop() {
      stop.abort();
      await running;
    },
  };
}

/** Resolves when API servers can use a replica. */
export async function ready(replica: Replica): Promise<void> {
  await until('the webhook is ready', () => replica.unready() === undefined);
}

/** An API server with our kinds, and the replica of the webhook that it calls. */
export interface Installation {
  server: ApiServer;
  client: ApiServer['client'];
  port: number;
  replica: Replica;
}

/** Gives a suite an installation, filled in before its first test. */
export function useInstallation(): Installation {
  const installation = {} as Installation;
  before(async () => {
    const server = await takeApiServer(SYSTEM, NAMESPACE);
    Object.assign(installation, { server, client: server.client });
    installation.port = await freePort();
    await register(server, installation.port);
    installation.replica = await startReplica(server, { port: installation.port });
    await ready(installation.replica);
  });
  after(async () => {
    await installation.replica?.stop();
    await giveBackApiServer(installation.server);
  });
  return installation;
}

type Spec = Service['spec']['template']['spec'];

/** A service as users write it: an image and the given fields. */
export function service(name: string, spec: Partial<Spec> = {}, more: object = {}): Service {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE },
    spec: { template: { spec: { containers: [{ image: 'gcr.io/p/app:1' }], ...spec } }, ...more },
  } as Service;
}

/** Creates an object and returns what kubectl shows: the object or the error, and the warnings. */
export async function post<T extends KubeObject>({ connection }: ApiServer, object: T, query = '') {
  const kind = KINDS.find(({ kind }) => kind === object.kind);
  if (!kind) throw new Error(`there is no kind ${object.kind}`);
  const type = { apiVersion: object.apiVersion, kind: kind.kind, plural: kind.plural, namespaced: true };
  const path = resourcePath(type, { namespace: NAMESPACE });
  const answer = await request(`${connection.server}${path}${query}`, {
    dispatcher: connection.dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(object),
  });
  const warnings = [answer.headers.warning ?? []].flat();
  return { status: answer.statusCode, warnings, body: (await answer.body.json()) as T };
}

/** The error with which the API server rejects a request. */
export async function rejectionOf(attempt: Promise<unknown>): Promise<KubeError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof KubeError) return error;
    throw error;
  }
  throw new Error('it was not rejected');
}
