import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob, resolve } from 'node:path';
import { findDrift, GENERATORS, type Generator, write } from './main.ts';

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

  it('agrees with every file that is committed', async () => {
    assert.deepEqual(await findDrift(resolve(import.meta.dirname, '../..')), []);
  });

  it('says in the first lines of each file that it is generated and how, and .gitattributes says so too', async () => {
    const attributes = readFileSync(resolve(import.meta.dirname, '../../.gitattributes'), 'utf8');
    const patterns = attributes.split('\n').filter((line) => line.endsWith(' linguist-generated'));
    const globs = patterns.map((line) => line.slice(0, line.indexOf(' ')));
    for (const { path, text } of (await Promise.all(GENERATORS.map(({ files }) => files()))).flat()) {
      // JSON has no comments, so there it is the first key.
      const [first = '', second = ''] = text.split('\n');
      const line = path.endsWith('.json') ? second : first;
      assert.match(line, /Generated from .+ by \\?"npm run generate\\?"; do not edit\./, path);
      assert.ok(
        globs.some((glob) => matchesGlob(path, glob)),
        `${path} is not in .gitattributes`,
      );
    }
  });

  it('makes the CRDs once: the chart has a link to them that stays inside the repository', () => {
    const link = resolve(import.meta.dirname, '../../charts/homerun/files/crds');
    assert.equal(readlinkSync(link), '../../../crds');
  });
});
