import { spawnSync } from 'node:child_process';
import { ROOT } from './git.ts';

/** Whether nothing has to be built before these tools can be used. */
export function areCached(tools: readonly string[]): boolean {
  const options = { cwd: ROOT, stdio: 'ignore' } as const;
  return spawnSync('e2e/cluster/tool', ['--cached', ...tools], options).status === 0;
}

/** Whether tools are built here that take minutes to build: `make TARGET` does, and runs the tests that need them. */
export function areBuilt(target: string, tools: readonly string[]): boolean {
  const cached = areCached(tools);
  if (!cached) console.log(`make ${target} was not run here: what it tests is left out`);
  return cached;
}
