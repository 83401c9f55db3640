import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { git, gitIfAny } from '../lib/git.ts';
import { previousRelease } from '../lib/release.ts';
import { copyOf, temporaryFolder, withOpenSchema } from './helm.ts';

/** What the chart consists of, from the root of the repository: its definitions are a link. */
const PARTS = ['charts/homerun', 'crds'];

const hasChart = (commit: string) =>
  gitIfAny('cat-file', '-t', `${commit}:charts/homerun/Chart.yaml`) === 'blob';

/**
 * Earlier states of the chart that installations may be upgraded from, as names of commits: every tag before the present
 * one that has the chart, the release before this one, and the commit before its last change. None where the history is not
 * there, as in an archive or a shallow clone.
 */
export function landed(): string[] {
  const tags = gitIfAny('tag', '--merged', 'HEAD', '--no-contains', 'HEAD').split('\n');
  const lastChange = gitIfAny('rev-list', '-1', 'HEAD', '--', ...PARTS);
  const before = lastChange && gitIfAny('rev-parse', '--verify', '--quiet', `${lastChange}^`);
  const commits = new Set([previousRelease() ?? '', before]);
  const names = [...commits].map((commit) => commit && gitIfAny('rev-parse', '--short', commit));
  return [...tags, ...names].filter((commit) => commit !== '' && hasChart(commit));
}

/** The folder of the chart as it was in a commit; its definitions take any fields. */
export function landedChart(commit: string): string {
  const folder = temporaryFolder();
  const archive = join(folder, 'archive.tar');
  git('archive', '--output', archive, commit, ...PARTS);
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  return copyOf(join(folder, 'charts/homerun'), withOpenSchema);
}
