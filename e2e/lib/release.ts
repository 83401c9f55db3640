import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { git, gitIfAny, ROOT } from './git.ts';

const run = promisify(execFile);
/** Where packages can be had: tests of the cluster run in its network. */
const OUT = join(ROOT, 'e2e/out');
const CHART_FILE = 'charts/homerun/Chart.yaml';

/** The source of a release, and the image that was made of it. */
export interface Release {
  /** Its whole repository. */
  folder: string;
  digest: string;
}

/**
 * The last commit of the release before this one: its chart has another version. Undefined where the history is not there,
 * as in an archive or a shallow clone.
 */
export function previousRelease(): string | undefined {
  const present = versionIn(readFileSync(join(ROOT, CHART_FILE), 'utf8'));
  for (const change of gitIfAny('rev-list', 'HEAD', '--', CHART_FILE).split('\n')) {
    const before = change && gitIfAny('show', `${change}^:${CHART_FILE}`);
    if (before && versionIn(before) !== present) return git('rev-parse', `${change}^`);
  }
  return undefined;
}

/** Makes the image of a commit and puts it into the cluster's registry. The folder is the caller's to remove. */
export async function buildRelease(commit: string): Promise<Release> {
  const folder = await mkdtemp(join(tmpdir(), 'homerun-release-'));
  const archive = join(folder, 'archive.tar');
  git('archive', '--output', archive, commit);
  await run('tar', ['-xf', archive, '-C', folder]);
  await rm(archive);
  await installPackages(folder);
  const { stdout } = await run(OUT, [join(folder, 'e2e/images/push'), 'homerun:previous']);
  return { folder, digest: stdout.trim().split('@')[1] ?? '' };
}

/** The packages are the present ones unless others were locked then. */
async function installPackages(folder: string): Promise<void> {
  const locked = async (root: string) => {
    const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
    delete packages[''].version;
    return JSON.stringify(packages);
  };
  if ((await locked(folder)) === (await locked(ROOT)))
    return symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await run(OUT, ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
}

function versionIn(chart: string): string | undefined {
  return /^version: (.+)$/m.exec(chart)?.[1];
}
