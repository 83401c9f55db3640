import { deepEqual, equal, ok } from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { freePort } from '../testing/freePort.ts';
import { until } from '../testing/until.ts';
import { bundle, closure } from './bundle.ts';

const root = resolve(import.meta.dirname, '../..');
const LIBRARY_LOADED = 'the client library is loaded\n';

describe('bundle', () => {
  let outdir: string;
  before(async () => {
    outdir = await mkdtemp(join(tmpdir(), 'homerun-bundle-'));
    const outputs = await bundle(root, outdir);
    // Says so when it is loaded; nothing else in the bundle is changed.
    const [library = ''] = Object.entries(outputs)
      .filter(([, { inputs }]) =>
        Object.keys(inputs).some((input) => input.includes('@kubernetes/client-node/')),
      )
      .map(([name]) => basename(name));
    await appendFile(join(outdir, library), `\nprocess.stderr.write(${JSON.stringify(LIBRARY_LOADED)});\n`);
  });
  after(() => rm(outdir, { recursive: true }));

  /** Runs a role where no node_modules can be found, as in the image. */
  function run(env: NodeJS.ProcessEnv, ...args: string[]) {
    const { status, stderr } = spawnSync(process.execPath, [join(outdir, 'main.js'), ...args], {
      env: { HOMERUN_CONFIG: '', ...env },
      cwd: outdir,
      encoding: 'utf8',
    });
    return { status, stderr };
  }

  it('is an ES module by its package.json', async () => {
    deepEqual(JSON.parse(await readFile(join(outdir, 'package.json'), 'utf8')), { type: 'module' });
  });

  it('starts without node_modules and names the roles', () => {
    const { status, stderr } = run({});
    equal(status, 1);
    const usage = 'controller | webhook | gateway | metadata | node | api | hello | check | doctor | unpack';
    equal(stderr, `homerun: usage: homerun ${usage}\n`);
  });

  it('has both sides of a check', async () => {
    const port = String(await freePort());
    const env = { PORT: port, K_REVISION: 'r' };
    const child = spawn(process.execPath, [join(outdir, 'main.js'), 'hello'], { env, cwd: outdir });
    try {
      await once(child.stdout, 'data');
      deepEqual(run({}, 'check', `http://127.0.0.1:${port}`), { status: 0, stderr: '' });
    } finally {
      child.kill('SIGTERM');
    }
    deepEqual(await once(child, 'exit'), [0, null]);
    equal(run({}, 'check').status, 1);
  });

  it('unpacks sources without node_modules, and says in one sentence why not', () => {
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' };
    const { status, stderr } = run(env, 'unpack', '--source=gs://bucket/object');
    equal(status, 75);
    equal(
      stderr,
      "The API server cannot be asked where sources are kept: cannot read the service account's ca.crt.\n",
    );
  });

  it('runs the node role without an API server, in the memory that a node can spare', async () => {
    const adminPort = await freePort();
    const config = join(outdir, 'config.json');
    await writeFile(config, JSON.stringify({ adminPort, node: { cniResults: outdir } }));
    const child = spawn(process.execPath, ['--jitless', join(outdir, 'main.js'), 'node'], {
      env: { HOMERUN_CONFIG: config, MALLOC_ARENA_MAX: '1' },
      cwd: outdir,
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    try {
      const metrics = async () => (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      await until('it watches', async () =>
        /^homerun_node_watching 1$/m.test(await metrics().catch(() => '')),
      );
      // Without the pages of Node's binary, which are on a node once.
      const [, kilobytes] =
        /^RssAnon:\s+(\d+) kB$/m.exec(await readFile(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      ok(Number(kilobytes) < 20_000, `${kilobytes} kB`);
    } finally {
      child.kill('SIGTERM');
    }
    deepEqual(await ended, [0, null]);
  });

  for (const role of ['controller', 'webhook', 'gateway', 'metadata', 'api']) {
    it(`starts the ${role} in a cluster without the client library and without a warning`, () => {
      const { status, stderr } = run(
        { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' },
        role,
      );
      equal(status, 1);
      equal(stderr, "homerun: cannot read the service account's ca.crt\n");
    });

    it(`reads a kubeconfig for the ${role} with it`, () => {
      const { status, stderr } = run({ KUBECONFIG: '/missing', KUBERNETES_SERVICE_HOST: '127.0.0.1' }, role);
      equal(status, 1);
      equal(stderr, `${LIBRARY_LOADED}homerun: cannot read kubeconfig /missing\n`);
    });
  }
});

describe('closure', () => {
  const output = (
    entryPoint: string | undefined,
    ...imports: [string, 'import-statement' | 'dynamic-import'][]
  ) => ({
    bytes: 1,
    inputs: {},
    exports: [],
    ...(entryPoint && { entryPoint }),
    imports: imports.map(([path, kind]) => ({ path, kind })),
  });

  it('follows static imports and stops at dynamic ones', () => {
    const outputs = {
      'main.js': output('main.ts', ['shared.js', 'import-statement'], ['late.js', 'dynamic-import']),
      'shared.js': output(undefined, ['main.js', 'import-statement'], ['node:fs', 'import-statement']),
      'late.js': output('late.ts', ['heavy.js', 'import-statement']),
      'heavy.js': output(undefined),
    };
    deepEqual(closure(outputs, ['main.ts']), ['main.js', 'shared.js']);
    deepEqual(closure(outputs, ['main.ts', 'late.ts']).sort(), [
      'heavy.js',
      'late.js',
      'main.js',
      'shared.js',
    ]);
  });
});
