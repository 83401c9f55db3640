import { KINDS } from '../../apis/kinds.ts';
import { customResourceDefinition } from '../../generate/crd.ts';
import { NAMESPACES } from '../../kube/core.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { silent, until } from '../../testing/until.ts';
import { CONFIGURATION_TYPES } from '../configurations.ts';
import { startWebhook, type Webhook } from '../webhook.ts';

const CRDS: ResourceType = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

/** Where the operator would be. */
export const SYSTEM = 'homerun-system';
const HOST = '127.0.0.1';

/** Makes our kinds and some namespaces on an API server. */
export async function installKinds({ client }: ApiServer, ...namespaces: string[]): Promise<void> {
  for (const name of [SYSTEM, ...namespaces]) {
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  for (const kind of KINDS) {
    await client.create(CRDS, customResourceDefinition(kind) as unknown as KubeObject);
  }
  const served = async () => {
    const list = await client.request<{ resources: { name: string }[] }>(
      'GET',
      '/apis/serving.knative.dev/v1',
    );
    return list.resources.filter(({ name }) => !name.includes('/')).length === KINDS.length;
  };
  await until('all kinds are served', () => served().catch(() => false), { timeoutMs: 20_000, everyMs: 50 });
}

/** Registers the webhook as the chart does, but at a port of this machine. */
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
  { client }: ApiServer,
  { port = 0, strict = false, now }: { port?: number; strict?: boolean; now?: () => number } = {},
): Promise<Replica> {
  const stop = new AbortController();
  const webhook = await startWebhook({
    client,
    config: { strict, webhook: { service: 'homerun-webhook', port } },
    identity: { namespace: SYSTEM, podName: 'test' },
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
  await until('the webhook is ready', () => replica.unready() === undefined, { timeoutMs: 20_000 });
}
