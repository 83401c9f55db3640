import { equal, notEqual } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

describe('the cache of tools', () => {
  let cache: string;
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'tools-'));
  });
  afterEach(() => rmSync(cache, { recursive: true }));

  /** What a script with the functions of tools.sh prints. */
  function run(script: string): string {
    const sources = 'set -euo pipefail; source e2e/cluster/lib.sh; source e2e/cluster/tools.sh';
    const cwd = resolve(import.meta.dirname, '../..');
    const env = { ...process.env, HOMERUN_CACHE: cache };
    return execFileSync('bash', ['-c', `${sources}; ${script}`], { cwd, env, encoding: 'utf8' });
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

  it('has what was built before recipes counted, until its recipe is another', () => {
    equal(run('built keda || echo no'), 'no\n');
    run('old=$cache/bin/keda-$(tool_hash keda ""); mkdir -p "$old"; echo KEDA >"$old/operator"');
    equal(run('built keda; cat "$(tool keda)/operator"'), 'KEDA\n');
    equal(run(`${OTHER}; built keda || echo no`), 'no\n');
    equal(run('built keda; cat "$(tool_dir keda)/operator"'), 'KEDA\n');
  });
});
