import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isKubeError } from '../../operator/kube/errors.ts';
import type { KubeObject, ResourceType } from '../../operator/kube/types.ts';
import { ApiServer } from '../../operator/testing/apiServer.ts';
import { until } from '../../operator/testing/until.ts';
import { chartCopy, helm, NAMESPACE, temporaryFolder, toolFolder, withOpenSchema } from './helm.ts';

export type Definition = KubeObject & {
  spec: { versions: { additionalPrinterColumns: { name: string }[] }[] };
};

export const DEFINITIONS: ResourceType<Definition> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

/** Helm's own check has the API server put all schemas together, and takes longer than all that Helm does besides. */
const UNCHECKED = '--disable-openapi-validation';

/**
 * Helm at a real API server, where no controller runs, so that nothing becomes ready and nothing is waited for. The
 * definitions have open schemas here: Helm and the API server would spend most of their time on them, and other files
 * install the chart as it is.
 */
export class Releases {
  readonly server: ApiServer;
  /** The present chart. */
  readonly chart = chartCopy(withOpenSchema);
  readonly #env: NodeJS.ProcessEnv;

  private constructor(server: ApiServer) {
    this.server = server;
    const home = temporaryFolder();
    const kube = toolFolder('kube');
    this.#env = {
      ...process.env,
      KUBECONFIG: server.kubeconfig,
      HELM_CACHE_HOME: home,
      HELM_CONFIG_HOME: home,
      PATH: `${kube}:${process.env.PATH}`,
    };
  }

  static async start(): Promise<Releases> {
    helm(['version']);
    return new Releases(await ApiServer.start());
  }

  /** @throws with Helm's `stderr` when it refuses. */
  run(command: string, args: string[], values: object = {}): string {
    return helm([command, 'homerun', ...args], { input: JSON.stringify(values), env: this.#env });
  }

  /** With the defaults of the chart. @throws with Helm's `stderr` when it refuses. */
  install(namespace = NAMESPACE, chart = this.chart, name = 'homerun'): string {
    const args = ['install', name, chart, '--namespace', namespace, '--create-namespace', UNCHECKED];
    return helm(args, { env: this.#env });
  }

  /** What the defaults make was checked when it was installed first. */
  upgrade(values?: object): string {
    const args = [this.chart, '--reset-values', '--namespace', NAMESPACE, '-f', '-'];
    return this.run('upgrade', [...args, ...(values ? [] : [UNCHECKED])], values);
  }

  uninstall(namespace = NAMESPACE): string {
    return this.run('uninstall', ['--namespace', namespace]);
  }

  rollback(revision: number): string {
    return this.run('rollback', [String(revision), '--namespace', NAMESPACE]);
  }

  /** The objects of the release as it is now, but for those of hooks. */
  manifest(): string {
    return helm(['get', 'manifest', 'homerun', '--namespace', NAMESPACE], { env: this.#env });
  }

  /** The names of all releases in all namespaces, in whatever state. */
  names(): string {
    return helm(['list', '--all', '--all-namespaces', '--short'], { env: this.#env }).trim();
  }

  /** `helm test`, which waits for what a kubelet would say; its end, and what it has printed. */
  async test(...options: string[]): Promise<{ code: number | null; output: string }> {
    const program = join(toolFolder('helm'), 'helm');
    const args = ['test', 'homerun', '--namespace', NAMESPACE, '--timeout', '2m', ...options];
    const child = spawn(program, args, { env: this.#env, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'close');
    const output = await text(child.stdout);
    const [code] = await ended;
    return { code, output };
  }

  /** What a command of a shell prints, with kubectl on its path. */
  shell(command: string, input = ''): string {
    return execFileSync('bash', ['-c', command], { env: this.#env, encoding: 'utf8', stdio: 'pipe', input });
  }

  /** Those of these objects, as YAML, that are there: `service/homerun-gateway`. */
  present(manifest: string): string[] {
    const command = 'kubectl get --filename - --ignore-not-found --output name';
    return this.shell(command, manifest)
      .split('\n')
      .filter((line) => line !== '');
  }

  /**
   * The API server (seen in 1.34) gives a definition up for minutes when its storage was still starting:
   * "could not list instances: storage is (re)initializing", and the repetition is lost to a conflict with its own
   * status. A change to the definition makes it look again.
   */
  async removeDefinitions(): Promise<void> {
    const { client } = this.server;
    for (const { metadata } of (await client.list(DEFINITIONS)).items)
      await client.delete(DEFINITIONS, metadata);
    let looks = 0;
    const areGone = async () => {
      const left = (await client.list(DEFINITIONS)).items;
      looks += 1;
      const nudge = { metadata: { annotations: { looks: String(looks) } } };
      for (const { metadata } of left)
        await client.mergePatch(DEFINITIONS, metadata, nudge).catch((error) => {
          if (!isKubeError(error, 'KUBE_NOT_FOUND')) throw error;
        });
      return left.length === 0;
    };
    await until('the definitions are removed', areGone, { everyMs: 500 });
  }
}

let shared: Promise<Releases> | undefined;

/** One for all files of a run, which leave nothing behind in it; it ends after the last test. */
export function releases(): Promise<Releases> {
  shared ??= Releases.start();
  return shared;
}

after(async () => (await shared)?.server.stop());
