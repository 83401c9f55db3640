import { equal, match, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { Rule } from '../rbac.ts';
import { SAMPLE_ENTRY, SAMPLE_FILES } from './testing/sampleKind.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const COPIED = ['operator', 'charts', 'crds', 'docs', 'package.json', 'tsconfig.json', '.gitattributes'];

describe('a kind that is added with a folder, a line in the list and a reconciler', function () {
  this.timeout(300_000);
  let root: string;

  before(() => {
    root = mkdtempSync(join(tmpdir(), 'homerun-kind-'));
    for (const name of COPIED) {
      cpSync(join(ROOT, name), join(root, name), { recursive: true, verbatimSymlinks: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    for (const [path, text] of Object.entries(SAMPLE_FILES)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text.trimStart());
    }
    const list = join(root, 'operator/apis/kinds.ts');
    const entry = '  jobs: JOB,\n';
    const text = read('operator/apis/kinds.ts');
    ok(text.includes(entry));
    writeFileSync(list, SAMPLE_ENTRY.import + text.replace(entry, SAMPLE_ENTRY.line + entry));
    run('operator/generate/main.ts');
  });

  after(() => rmSync(root, { recursive: true }));

  const read = (path: string) => readFileSync(join(root, path), 'utf8');

  /** @throws with what the program printed. */
  function run(...args: string[]): string {
    try {
      return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${args.join(' ')}:\n${stdout}${stderr}`, { cause: error });
    }
  }

  it('has the right types, and keeps the rules of imports', () => {
    writeFileSync(
      join(root, 'tsconfig.json'),
      JSON.stringify({ ...parse(read('tsconfig.json')), include: ['operator'] }),
    );
    run('node_modules/typescript/bin/tsc', '--noEmit');
    run('operator/lint/imports.ts');
  });

  it('has a CRD, and a part in the documentation', () => {
    const { spec } = parse(read('crds/run.googleapis.com_samples.yaml'));
    equal(spec.names.singular, 'sample');
    equal(spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.size.maximum, 9);
    match(
      read('docs/contract.md'),
      /## Fields of a Sample\n\n.*\n.*\n\| `spec\.size` \| 1 to 9 \| 3 \| accepted \|/,
    );
    match(read('docs/argocd.md'), /"run\.googleapis\.com\/\*":/);
    match(read('docs/flux.md'), /- apiVersion: run\.googleapis\.com\/v1\n {6}kind: Sample\n/);
  });

  it('is asked about at the webhook, and people who may edit may edit it', () => {
    const [, run] = parse(read('charts/homerun/files/kinds.yaml'));
    ok(run.resources.includes('samples'));
  });

  it('gives the controller what its watch, its reconciler and its finalizers take', () => {
    const rules: Rule[] = parse(read('charts/homerun/files/rbac/controller.yaml'));
    const verbsOn = (resource: string) => rules.find(({ resources }) => resources.includes(resource))?.verbs;
    equal(verbsOn('samples')?.join(), 'get,list,watch');
    equal(verbsOn('samples/status')?.join(), 'patch');
    equal(verbsOn('samples/finalizers')?.join(), 'update');
  });

  it('is admitted and reconciled', () => {
    match(run('node_modules/mocha/bin/mocha.js', 'operator/apis/run/sample/sample.test.ts'), /3 passing/);
  });
});
