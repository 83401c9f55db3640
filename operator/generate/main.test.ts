import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findDrift, type Generator, write } from './main.ts';

const generator: Generator = {
  name: 'letters',
  folders: ['out'],
  files: () => [
    { path: 'out/a.txt', text: 'a\n' },
    { path: 'out/deep/b.txt', text: 'b\n' },
  ],
};

describe('generate', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'homerun-generate-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('writes what is missing, and then finds nothing to do', async () => {
    assert.deepEqual(
      (await write(root, [generator])).map(({ path, problem }) => `${path} ${problem}`),
      ['out/a.txt missing', 'out/deep/b.txt missing'],
    );
    assert.equal(readFileSync(join(root, 'out/deep/b.txt'), 'utf8'), 'b\n');
    assert.deepEqual(await findDrift(root, [generator]), []);
  });

  it('names each file that was changed by hand, or that nothing makes any more, and repairs it', async () => {
    await write(root, [generator]);
    writeFileSync(join(root, 'out/a.txt'), 'changed\n');
    writeFileSync(join(root, 'out/old.txt'), 'old\n');
    const drift = [
      { path: 'out/a.txt', problem: 'differs' },
      { path: 'out/old.txt', problem: 'stale' },
    ];
    assert.deepEqual(await findDrift(root, [generator]), drift);
    await write(root, [generator]);
    assert.deepEqual(await findDrift(root, [generator]), []);
  });

  it('agrees with every file that is committed', async function () {
    this.timeout(60_000);
    assert.deepEqual(await findDrift(resolve(import.meta.dirname, '../..')), []);
  });
});
