import { deepEqual, equal, match } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundle, closure } from './bundle.ts';

const root = resolve(import.meta.dirname, '../..');

describe('bundle', function () {
  this.timeout(60_000);
  let outdir: string;
  before(async () => {
    outdir = await mkdtemp(join(tmpdir(), 'homerun-bundle-'));
    await bundle(root, outdir);
  });
  after(() => rm(outdir, { recursive: true }));

  /** Runs a role where no node_modules can be found, as in the image. */
  function run(...args: string[]) {
    const env = { HOMERUN_CONFIG: '', KUBECONFIG: '/missing' };
    const { status, stderr } = spawnSync(process.execPath, [join(outdir, 'main.js'), ...args], {
      env,
      cwd: outdir,
      encoding: 'utf8',
    });
    return { status, stderr };
  }

  it('is an ES module by its package.json', async () => {
    deepEqual(JSON.parse(await readFile(join(outdir, 'package.json'), 'utf8')), { type: 'module' });
  });

  it('starts without node_modules and names the roles', () => {
    const { status, stderr } = run();
    equal(status, 1);
    match(stderr, /^homerun: usage: homerun controller \| gateway \| metadata$/m);
  });

  it('loads the gateway without a warning, and stops where there is no cluster', () => {
    const { status, stderr } = run('gateway');
    equal(status, 1);
    match(stderr, /^homerun: not in a cluster: KUBERNETES_SERVICE_HOST is not set\n$/);
  });

  it('loads the controller without a warning, and stops where there is no kubeconfig', () => {
    const { status, stderr } = run('controller');
    equal(status, 1);
    match(stderr, /^homerun: .*\n$/);
  });
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
