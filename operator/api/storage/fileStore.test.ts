import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { FileStore } from './fileStore.ts';
import { behavesAsStore } from './testing/storeBehaviour.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

describe('objects in a folder', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'objects-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  behavesAsStore(() => ({
    open: (limits) => new FileStore(root, limits, () => NOW),
    async kept() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => relative(root, join(parentPath, name)));
    },
  }));
});
