import { request } from 'undici';
import { KINDS } from '../../apis/kinds.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import { parseConfig } from '../../config.ts';
import { resourcePath } from '../../kube/client.ts';
import { CORE_SERVICES } from '../../kube/core.ts';
import { KubeError } from '../../kube/errors.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { freePort } from '../../testing/freePort.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { silent, until } from '../../testing/until.ts';
import { type ClientConfig, CONFIGURATIONS } from '../certificates/caBundle.ts';
import { startWebhook, type Webhook } from '../webhook.ts';

/** Namespace of the services. */
export const NAMESPACE = 'demo';
/** Namespace of the operator. */
export const SYSTEM = 'homerun-system';
const HOST = '127.0.0.1';

/** The kinds as the chart names them. */
const RULES = [
  { apiGroups: ['serving.knative.dev'], resources: ['services', 'configurations', 'routes', 'revisions'] },
  { apiGroups: ['run.googleapis.com'], resources: ['jobs', 'executions', 'workerpools'] },
  { apiGroups: ['domains.cloudrun.com'], resources: ['domainmappings'] },
];
/** The kinds that refer to others. */
const REFERRING = [{ apiGroups: ['run.googleapis.com'], resources: ['executions', 'workerpools'] }];
const SERVICE = { namespace: SYSTEM, name: 'homerun-webhook' };

/** Registers the webhook like the chart, but at a local port. */
export async function register({ client }: Pick<ApiServer, 'client'>, port: number): Promise<void> {
  const service = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: SERVICE },
    spec: { type: 'ExternalName', externalName: 'localhost' },
  };
  await client.apply(CORE_SERVICES, service, { fieldManager: 'chart' });
  const at = (path: string) => ({ url: `https://${HOST}:${port}/${path}` });
  const webhooks = [
    hook('lookup', secretAt(port), { rules: REFERRING, failurePolicy: 'Ignore' }),
    hook('default', at('default'), { rules: RULES, failurePolicy: 'Fail' }),
    hook('validate', at('validate'), { rules: RULES, failurePolicy: 'Fail' }),
  ];
  for (const [i, { type, name }] of CONFIGURATIONS.entries()) {
    const { apiVersion, kind } = type;
    const object = { apiVersion, kind, metadata: { name }, webhooks: [webhooks[i]] };
    await client.apply(type, object as KubeObject, { fieldManager: 'chart' });
  }
}

/** Where API servers ask at a secret path: at the chart's Service, which leads to a port of this machine. */
export function secretAt(port: number): ClientConfig {
  return { service: { ...SERVICE, port } };
}

function hook(
  name: string,
  clientConfig: ClientConfig,
  { rules, failurePolicy }: { rules: object[]; failurePolicy: string },
): object {
  return {
    name: `${name}.homerun.dev`,
    admissionReviewVersions: ['v1'],
    clientConfig,
    rules: rules.map((rule) => ({ ...rule, apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'] })),
    failurePolicy,
    sideEffects: 'None',
    timeoutSeconds: 10,
  };
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
