import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { bytes } from '../../operator/apis/quantity.ts';
import type { Pod } from '../../operator/kube/core.ts';

/** What V8 takes of a container's memory for its heap; the chart says the same where it says anything. */
const HEAP_SHARE = 0.5;

const OWN_ACCOUNT = fileURLToPath(new URL('ownAccount.ts', import.meta.url));

/** What a role's process is started from. */
export interface RoleSettings {
  /** The template of its pods, as the chart renders it. */
  template: Pick<Pod, 'spec'>;
  /** The folder with main.js. */
  bundle: string;
  /** Where it runs, made here: with its configuration and the files of its service account. */
  folder: string;
  /** The text of its configuration. */
  config: string;
  /** The port on 127.0.0.1 of an API server that serves TLS, by a certificate of this authority, a file. */
  apiServer: { port: number | string; ca: string };
  /** The token of its service account. */
  token: string;
  namespace: string;
  podName: string;
  /** Modules in TypeScript that it loads before all others, and that import nothing but Node's. */
  preloads?: readonly string[];
}

/** A program with its arguments, and what its environment has besides. */
export interface RoleCommand {
  command: [string, ...string[]];
  env: Record<string, string>;
}

/**
 * A role of Homerun as a process of its own that runs as in its pod: our bundle with the arguments, the environment, the
 * share of memory and the way to the API server that the chart gives it. What it reads there is written to its folder.
 */
export function roleCommand(options: RoleSettings): RoleCommand {
  const { folder, apiServer, preloads = [] } = options;
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.json');
  writeFileSync(config, options.config);
  writeFileSync(join(folder, 'token'), options.token);
  copyFileSync(apiServer.ca, join(folder, 'ca.crt'));
  const { args, env, memory } = containerOf(options.template);
  const heap = Math.floor((memory * HEAP_SHARE) / 2 ** 20);
  const loaded = [...preloads, OWN_ACCOUNT].map((file) => `--import=${asJavaScript(file, folder)}`);
  const flags = [`--max-old-space-size=${heap}`, ...loaded];
  return {
    command: [process.execPath, ...flags, join(options.bundle, 'main.js'), ...args],
    env: {
      ...env,
      // As in a pod: a kubeconfig file takes a library of 85 MB.
      KUBECONFIG: '',
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(apiServer.port),
      HOMERUN_CONFIG: config,
      POD_NAMESPACE: options.namespace,
      POD_NAME: options.podName,
    },
  };
}

/** A module without its types, in a folder: to remove them, each thread of the process would load a compiler, which takes memory. */
function asJavaScript(file: string, folder: string): string {
  const copy = join(folder, `${basename(file, '.ts')}.mjs`);
  writeFileSync(copy, transformSync(readFileSync(file, 'utf8'), { loader: 'ts' }).code);
  return copy;
}

type Container = NonNullable<NonNullable<Pod['spec']>['containers']>[number];

/** What the chart says of the role's container, but for what a pod says of itself and shares of the limit, which Node reads. */
function containerOf({ spec }: Pick<Pod, 'spec'>) {
  const [container] = spec?.containers ?? [];
  const { args = [], env = [], resources } = container as Container;
  const given = env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, ownHeap(value)]]));
  return {
    args,
    env: Object.fromEntries(given) as Record<string, string>,
    memory: bytes(String(resources?.limits?.memory)),
  };
}

function ownHeap(options: string): string {
  return options.replace(/--max-old-space-size-percentage=\d+ ?/, '');
}
