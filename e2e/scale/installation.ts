import { join, resolve } from 'node:path';
import { bundle } from '../../operator/generate/bundle.ts';
import type { ConfigMap } from '../../operator/kube/core.ts';
import type { Role } from '../../operator/roles.ts';
import { objectOf, type Rendered, render } from '../chart/helm.ts';
import { kubectl } from '../lib/tools.ts';
import type { Cluster } from './cluster.ts';
import { RoleProcess, type RoleSource } from './roles.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** All roles but `node`, which is about the nodes of a real cluster. */
export const ROLES = ['controller', 'webhook', 'gateway', 'metadata', 'api'] as const satisfies Role[];
/** So soon instances of revisions that others have replaced go: a run is not to wait for a quarter of an hour until it is at rest. */
export const IDLE_SECONDS = 30;
const VALUES = {
  logLevel: 'warn',
  autoscaler: { idleSeconds: IDLE_SECONDS },
  api: { enabled: true },
  gateway: { threads: 2 },
  node: { enabled: false },
};
/** What needs nodes: the roles themselves, which run as processes, and the hooks. */
const LEFT_OUT = new Set(['Deployment', 'DaemonSet', 'Job', 'Pod']);
const WEBHOOK_PORT = 8443;
const GATEWAY_PORT = 8080;

/** Homerun as the chart installs it, its roles as processes of this machine. */
export class Installation {
  readonly cluster: Cluster;
  readonly roles: Map<Role, RoleProcess>;
  readonly #sources: ReadonlyMap<Role, RoleSource>;

  private constructor(cluster: Cluster, sources: ReadonlyMap<Role, RoleSource>) {
    this.cluster = cluster;
    this.roles = new Map();
    this.#sources = sources;
  }

  /** All roles are ready, and the API server asks the webhook. */
  static async start(cluster: Cluster): Promise<Installation> {
    const objects = render(VALUES);
    const folder = join(cluster.folder, 'bundle');
    await bundle(ROOT, folder);
    const sources = new Map(
      ROLES.map((role, index) => [role as Role, sourceOf(objects, role, index, folder)]),
    );
    const address = (sources.get('webhook') as RoleSource).address;
    const items = objects.filter(isApplied).map((object) => withWebhookAt(object, address));
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    await kubectl(cluster.server, ['apply', '--server-side', '-f', '-'], list);
    const installation = new Installation(cluster, sources);
    try {
      for (const role of ROLES) await installation.startRole(role);
      await Promise.all([...installation.roles.values()].map((role) => role.ready()));
      return installation;
    } catch (error) {
      await installation.stop();
      throw error;
    }
  }

  role(role: Role): RoleProcess {
    return this.roles.get(role) as RoleProcess;
  }

  /** Where the gateway serves the public. */
  get gateway(): { host: string; port: number } {
    return { host: (this.#sources.get('gateway') as RoleSource).address, port: GATEWAY_PORT };
  }

  async startRole(role: Role): Promise<RoleProcess> {
    const started = await RoleProcess.start(this.cluster, this.#sources.get(role) as RoleSource);
    this.roles.set(role, started);
    return started;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.roles.values()].map((role) => role.stop('SIGKILL')));
  }
}

function isApplied({ kind, metadata }: Rendered): boolean {
  return (
    !LEFT_OUT.has(kind) &&
    !Object.keys(metadata.annotations ?? {}).some((key) => key.startsWith('helm.sh/hook'))
  );
}

function sourceOf(objects: readonly Rendered[], role: Role, index: number, folder: string): RoleSource {
  const find = (kind: string) => objectOf(objects, kind, role);
  const address = `127.${64 + (process.pid % 64)}.${(process.pid >> 6) % 256}.${index + 1}`;
  // Connections within loopback come from its first address.
  const from = role === 'controller' ? '127.0.0.1' : address;
  const config = (find('ConfigMap') as ConfigMap).data?.['config.json'] ?? '';
  const { template } = find('Deployment').spec as Pick<RoleSource, 'template'>;
  return { role, template, config, bundle: folder, address, from };
}

interface Webhooks {
  webhooks?: { clientConfig: { service?: object } }[];
}

/** No service proxy leads to the webhook here: its Service is an alias of its address, where its port is another. */
function withWebhookAt(object: Rendered, address: string): Rendered {
  const { kind, metadata, webhooks } = object as Rendered & Webhooks;
  if (kind === 'Service' && metadata.name === 'homerun-webhook') {
    return { ...object, spec: { type: 'ExternalName', externalName: address } };
  }
  if (!webhooks) return object;
  const moved = webhooks.map(({ clientConfig, ...rest }) => ({
    ...rest,
    clientConfig: { service: { ...clientConfig.service, port: WEBHOOK_PORT } },
  }));
  return { ...object, webhooks: moved };
}
