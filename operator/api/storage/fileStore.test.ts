import { deepEqual, equal } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { FileStore } from './fileStore.ts';
import { behavesAsStore, named } from './testing/storeBehaviour.ts';

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

  it('are not swept while they are begun: a folder is made before what is in it', async () => {
    const upload = join(root, 'uploads', randomUUID());
    await mkdir(upload, { recursive: true });
    const store = new FileStore(root, { objectBytes: 1, bucketBytes: 1 });
    await store.sweep(Date.now() - 60_000);
    deepEqual(await readdir(join(root, 'uploads')), [basename(upload)]);
    await store.sweep(Date.now() + 60_000);
    deepEqual(await readdir(join(root, 'uploads')), []);
  });

  it('have no progress where they become an object meanwhile', async () => {
    const store = new FileStore(root, { objectBytes: 1, bucketBytes: 1 });
    const upload = await store.begin(named('a'));
    await rm(join(root, 'uploads', upload, 'data'));
    equal(await store.progress(upload), undefined);
  });
});
