import { spawnSync } from 'node:child_process';
import { ROOT } from './git.ts';

/** Whether tools are built here that take minutes to build: `make TARGET` does, and runs the tests that need them. */
export function areBuilt(target: string, tools: readonly string[]): boolean {
  const options = { cwd: ROOT, stdio: 'ignore' } as const;
  const { status } = spawnSync('e2e/cluster/tool', ['--cached', ...tools], options);
  if (status !== 0) console.log(`make ${target} was not run here: what it tests is left out`);
  return status === 0;
}
