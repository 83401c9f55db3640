import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { exit, stderr, stdout } from 'node:process';
import { build, type Metafile, type Plugin } from 'esbuild';

/** What no role may load before a kubeconfig asks for it: 81 MB and a second of start-up. */
const NOT_AT_START = ['node_modules/@kubernetes/client-node/'];

/** What must never be loaded by a process of the data plane either: 3 MB, 5 MB, 1 MB. */
const NOT_IN_GATEWAY = [
  'node_modules/undici/index.js',
  'node_modules/prom-client/index.js',
  'node_modules/undici/lib/milo/',
];

/** The node role, of which every node has one, asks the API server nothing. */
const NOT_IN_NODE = [...NOT_IN_GATEWAY, 'node_modules/undici/', 'operator/kube/'];

/** What a role must not load, besides what none may. */
const UNWANTED: Readonly<Record<string, readonly string[]>> = {
  gateway: NOT_IN_GATEWAY,
  node: NOT_IN_NODE,
};

/** CommonJS dependencies in an ES module look for `require` by themselves. */
const REQUIRE = "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);";

/** The client of all roles that ask the API server, loaded after them. */
const OWN_CLIENT = 'operator/kube/ownClient.ts';

/** What each role loads, by their source. */
const ROLE_ENTRIES: Readonly<Record<string, readonly string[]>> = {
  controller: ['operator/main.ts', 'operator/controller.ts', OWN_CLIENT],
  webhook: ['operator/main.ts', 'operator/webhook/webhook.ts', OWN_CLIENT],
  gateway: [
    'operator/main.ts',
    'operator/gateway/control/gateway.ts',
    'operator/gateway/data/thread.ts',
    OWN_CLIENT,
  ],
  metadata: ['operator/main.ts', 'operator/metadata/metadata.ts', OWN_CLIENT],
  node: ['operator/main.ts', 'operator/node/node.ts'],
  api: ['operator/main.ts', 'operator/api/api.ts', OWN_CLIENT],
};

type Outputs = Metafile['outputs'];

/** A dynamic import keeps every export: of the client library's 5 MB only KubeConfig is used (operator/kube/connection.ts). */
const onlyKubeConfig: Plugin = {
  name: 'only-kubeconfig',
  setup({ onResolve, onLoad, initialOptions }) {
    onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, namespace: 'only-kubeconfig' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'only-kubeconfig' }, ({ path }) => ({
      contents: `export { KubeConfig } from '${path}';`,
      resolveDir: initialOptions.absWorkingDir,
    }));
  },
};

/**
 * undici's client loads its HTTP/2 half, and node:http2 with TLS and crypto behind it, also where `allowH2` is false: 4 MB
 * for each thread. Here it is loaded with the first connection that speaks it.
 */
const lateHttp2: Plugin = {
  name: 'late-http2',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/client-h2\.js$/ }, ({ path, importer, resolveDir }) =>
      importer.endsWith('/undici/lib/dispatcher/client.js')
        ? { path, namespace: 'late-http2', pluginData: resolveDir }
        : undefined,
    );
    onLoad({ filter: /./, namespace: 'late-http2' }, ({ path, pluginData }) => ({
      contents: `module.exports = (...args) => require('${path}')(...args);`,
      resolveDir: pluginData,
    }));
  },
};

/** The bundle breaks a rule of the product. */
export class BundleError extends Error {
  readonly code = 'BUNDLE';
}

/**
 * Bundles the operator into `outdir`: main.js and thread.js, with what they share in chunks beside them, so
 * that a role loads only its own code. Names stay readable for stack traces.
 * @throws {BundleError} when a role would load what it does not need.
 */
export async function bundle(root: string, outdir: string): Promise<Outputs> {
  const outputs = await bundleEntries(root, outdir, {
    main: 'operator/main.ts',
    thread: 'operator/gateway/data/thread.ts',
  });
  for (const [role, entries] of Object.entries(ROLE_ENTRIES)) {
    const unwanted = [...NOT_AT_START, ...(UNWANTED[role] ?? [])];
    const inputs = closure(outputs, entries).flatMap((name) => Object.keys(outputs[name]?.inputs ?? {}));
    const found = inputs.find((input) => unwanted.some((part) => input.includes(part)));
    if (found) throw new BundleError(`the ${role} would load ${found}`);
  }
  return outputs;
}

/**
 * Bundles these entry points, by the names that their outputs get, as the product is bundled: a test that measures a
 * process wants the code that runs in production.
 */
export async function bundleEntries(
  root: string,
  outdir: string,
  entryPoints: Record<string, string>,
): Promise<Outputs> {
  await rm(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    chunkNames: '[name]-[hash]',
    banner: { js: REQUIRE },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'external',
    metafile: true,
    plugins: [onlyKubeConfig, lateHttp2],
    // undici's own word for a build without Milo, its other parser, which nothing here turns on: 150 kB of source.
    define: { esbuildDetection: 'true' },
    logLevel: 'warning',
  });
  // Without it Node would first try the files as CommonJS.
  await writeFile(join(outdir, 'package.json'), '{"type":"module"}\n');
  return metafile.outputs;
}

/** The outputs that are loaded with the entries: their own and what they import statically. */
export function closure(outputs: Outputs, entries: readonly string[]): string[] {
  const loaded = new Set<string>();
  const queue = Object.entries(outputs)
    .filter(([, { entryPoint }]) => entryPoint && entries.includes(entryPoint))
    .map(([name]) => name);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (loaded.has(name)) continue;
    loaded.add(name);
    const imports = outputs[name]?.imports ?? [];
    queue.push(...imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path));
  }
  return [...loaded].filter((name) => name in outputs);
}

function report(outputs: Outputs): string {
  const files = Object.entries(outputs).filter(([name]) => name.endsWith('.js'));
  const size = (names: readonly string[]) =>
    `${Math.ceil(names.reduce((sum, name) => sum + (outputs[name]?.bytes ?? 0), 0) / 1024)} kB`;
  const loads = Object.entries(ROLE_ENTRIES).map(
    ([role, entries]) => `${role} loads: ${size(closure(outputs, entries))}`,
  );
  return [`all ${files.length} files: ${size(files.map(([name]) => name))}`, ...loads].join('\n');
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '../..');
  try {
    stdout.write(`${report(await bundle(root, resolve(root, 'dist')))}\n`);
  } catch (error) {
    stderr.write(`bundle: ${(error as Error).message}\n`);
    exit(1);
  }
}
