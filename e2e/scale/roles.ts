import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { resourcePath } from '../../operator/kube/client.ts';
import { PODS, type Pod, SERVICE_ACCOUNTS } from '../../operator/kube/core.ts';
import type { Role } from '../../operator/roles.ts';
import { seriesAt } from '../bench/pods.ts';
import { cpuMicrosOf, residentMb } from '../bench/servers.ts';
import { NAMESPACE as SYSTEM } from '../chart/helm.ts';
import type { Program } from '../lib/programs.ts';
import { roleCommand } from '../lib/roleCommand.ts';
import { until } from '../lib/wait.ts';
import type { Cluster } from './cluster.ts';

const OWN_ADDRESS = fileURLToPath(new URL('./ownAddress.ts', import.meta.url));
const ADMIN_PORT = 9090;
const TOKEN_SECONDS = 24 * 3600;
/** A node that nobody plays: what runs there are the roles, which no kubelet has started. */
const NODE = 'operators';

/** What a role is started from: what the chart renders for it. */
export interface RoleSource {
  role: Role;
  template: Pick<Pod, 'metadata' | 'spec'>;
  /** Its configuration file. */
  config: string;
  /** The folder with main.js. */
  bundle: string;
  /** The address that stands for its pod's. */
  address: string;
  /** The address from which its connections come, which is how others know its pod. */
  from: string;
}

/**
 * A role of Homerun in a process of its own, as its pod would run it: our bundle with the arguments and environment, the
 * service account and the share of memory that the chart gives it.
 */
export class RoleProcess {
  readonly role: Role;
  readonly #program: Program;
  readonly #admin: string;

  private constructor(role: Role, program: Program, admin: string) {
    this.role = role;
    this.#program = program;
    this.#admin = admin;
  }

  /** Started, and known to the others by its pod; not ready yet. */
  static async start(cluster: Cluster, source: RoleSource): Promise<RoleProcess> {
    const { role, address } = source;
    const folder = join(cluster.folder, role);
    const { command, env } = roleCommand({
      ...source,
      folder,
      apiServer: { port: cluster.server.port, ca: join(dirname(cluster.server.kubeconfig), 'ca.crt') },
      token: await tokenOf(cluster, role),
      namespace: SYSTEM,
      podName: podName(role),
      preloads: [OWN_ADDRESS],
    });
    const program = cluster.run(role, folder, command, { ...env, POD_IP: address });
    await showPod(cluster, source);
    return new RoleProcess(role, program, `http://${address}:${ADMIN_PORT}`);
  }

  /** Waits until the kubelet would find it ready. */
  async ready(): Promise<void> {
    const isReady = async () => {
      const { statusCode, body } = await request(`${this.#admin}/readyz`);
      await body.dump();
      return statusCode === 200;
    };
    await until(`${this.role} to be ready`, isReady, { timeoutMs: 300_000, everyMs: 50 });
  }

  /** Resident memory, in MB. */
  get residentMb(): number {
    return residentMb(this.#program.child);
  }

  /** Processor time of all threads so far, in microseconds. */
  get cpuMicros(): number {
    return cpuMicrosOf(this.#program.child.pid as number);
  }

  /** The value of a metric; of several series with this name, their sum. */
  series(name: string): Promise<number> {
    return seriesAt(this.#admin, name);
  }

  /** Asks it to end, as the kubelet does, and waits for that. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    return this.#program.stop(signal);
  }
}

function podName(role: Role): string {
  return `homerun-${role}-0`;
}

async function tokenOf({ server }: Cluster, role: Role): Promise<string> {
  const account = { namespace: SYSTEM, name: `homerun-${role}` };
  const path = `${resourcePath(SERVICE_ACCOUNTS, account)}/token`;
  const body = { spec: { expirationSeconds: TOKEN_SECONDS } };
  const { status } = await server.client.request<{ status: { token: string } }>('POST', path, { body });
  return status.token;
}

/** Shows the role's pod, by which gateways and controller find each other, as running and ready. */
async function showPod({ client }: Cluster, { role, template, from }: RoleSource): Promise<void> {
  const ref = { namespace: SYSTEM, name: podName(role) };
  if (await client.get(PODS, ref)) return;
  const metadata = { ...template.metadata, ...ref };
  const spec = { ...template.spec, nodeName: NODE };
  await client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec } as Pod);
  const now = new Date().toISOString();
  const status = {
    phase: 'Running',
    podIP: from,
    podIPs: [{ ip: from }],
    startTime: now,
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: now }],
    containerStatuses: [
      {
        name: role,
        image: '',
        imageID: '',
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: now } },
      },
    ],
  };
  await client.mergePatch(PODS, ref, { status }, { subresource: 'status' });
}
