import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { KINDS } from '../apis/kinds.ts';
import { argocdFile } from './argocd.ts';
import { contractFile } from './contract.ts';
import { crdFile } from './crd.ts';
import { descriptorsFile } from './descriptors.ts';
import type { GeneratedFile } from './file.ts';
import { fluxFile } from './flux.ts';
import { gcloudFlagsFile } from './gcloudFlags.ts';
import { monitoringFile } from './monitoring.ts';
import { reconcilersFile } from './reconcilers.ts';

/** A generator owns the folders that it writes: files there that it does not make are stale. */
export interface Generator {
  name: string;
  folders: string[];
  files(): GeneratedFile[] | Promise<GeneratedFile[]>;
}

/** What `npm run generate` makes; a new generator is one more entry. */
export const GENERATORS: readonly Generator[] = [
  { name: 'CRDs', folders: ['crds'], files: () => KINDS.map(crdFile) },
  { name: 'reconcilers', folders: [], files: () => [reconcilersFile()] },
  {
    name: 'chart',
    folders: ['charts/homerun/files'],
    // Not loaded before the list of reconcilers has been written: it has their permissions.
    files: async () => (await import('./chart.ts')).chartFiles(),
  },
  { name: 'contract', folders: [], files: () => [contractFile()] },
  { name: 'Argo CD', folders: [], files: () => [argocdFile()] },
  { name: 'Flux', folders: [], files: () => [fluxFile()] },
  { name: 'flags of gcloud', folders: [], files: () => [gcloudFlagsFile()] },
  { name: 'monitoring', folders: [], files: () => [monitoringFile()] },
  { name: 'descriptors', folders: [], files: () => [descriptorsFile()] },
];

/** How a committed file differs from what its generator makes. */
export interface Drift {
  path: string;
  problem: 'missing' | 'differs' | 'stale';
}

async function filesIn(root: string, folder: string): Promise<string[]> {
  try {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    return entries.filter((e) => e.isFile()).map((e) => relative(root, join(e.parentPath, e.name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Every difference between the files below `root` and what the generators make, in order of path. */
export async function findDrift(root: string, generators = GENERATORS): Promise<Drift[]> {
  const drift: Drift[] = [];
  for (const generator of generators)
    drift.push(...(await driftOf(root, generator, await generator.files())));
  return drift.sort(byPath);
}

async function driftOf(
  root: string,
  generator: Generator,
  files: readonly GeneratedFile[],
): Promise<Drift[]> {
  const drift: Drift[] = [];
  const made = new Set(files.map((file) => file.path));
  for (const file of files) {
    const present = await contentOf(join(root, file.path));
    if (present !== file.text)
      drift.push({ path: file.path, problem: present === undefined ? 'missing' : 'differs' });
  }
  for (const folder of generator.folders) {
    const stale = (await filesIn(root, folder)).filter((path) => !made.has(path));
    drift.push(...stale.map((path): Drift => ({ path, problem: 'stale' })));
  }
  return drift;
}

function byPath(a: Drift, b: Drift): number {
  return a.path < b.path ? -1 : 1;
}

/** Brings the files below `root` up to date, one generator after the other, and returns what it changed. */
export async function write(root: string, generators = GENERATORS): Promise<Drift[]> {
  const changed: Drift[] = [];
  for (const generator of generators) {
    const files = await generator.files();
    const drift = await driftOf(root, generator, files);
    const texts = new Map(files.map(({ path, text }) => [path, text]));
    for (const { path, problem } of drift) {
      if (problem === 'stale') {
        await rm(join(root, path));
        continue;
      }
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), texts.get(path) ?? '');
    }
    changed.push(...drift);
  }
  return changed.sort(byPath);
}

async function main(): Promise<number> {
  const root = resolve(import.meta.dirname, '../..');
  if (argv.includes('--check')) {
    const drift = await findDrift(root);
    for (const { path, problem } of drift) stderr.write(`${path}: ${problem}; run "npm run generate"\n`);
    return drift.length > 0 ? 1 : 0;
  }
  for (const { path, problem } of await write(root)) {
    stdout.write(`${problem === 'stale' ? 'removed' : 'wrote'} ${path}\n`);
  }
  return 0;
}

if (import.meta.main) exit(await main());
