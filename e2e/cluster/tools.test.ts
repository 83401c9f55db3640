import { equal, notEqual } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

describe('the cache of tools', () => {
  /** What a script with the functions of tools.sh prints. */
  function run(script: string): string {
    const sources = 'set -euo pipefail; source e2e/cluster/lib.sh; source e2e/cluster/tools.sh';
    const cwd = resolve(import.meta.dirname, '../..');
    return execFileSync('bash', ['-c', `${sources}; ${script}`], { cwd, encoding: 'utf8' });
  }
  const OTHER = 'keda_programs() { go build -o "$1/" tool; }';

  it('has a tool elsewhere once its own recipe is another', () => {
    notEqual(run(`${OTHER}; tool_dir keda`), run('tool_dir keda'));
  });

  for (const name of ['kwok', 'helm', 'lifecycle']) {
    it(`has ${name} where it was, whatever becomes of the recipe of another tool`, () => {
      equal(run(`${OTHER}; tool_dir ${name}`), run(`tool_dir ${name}`));
    });
  }
});
