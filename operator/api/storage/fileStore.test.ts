import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from './fileStore.ts';
import type { StoredObject } from './store.ts';

const BUCKET = 'run-sources-demo-local';
const LIMITS = { objectBytes: 100, bucketBytes: 150 };
const named = (name: string) => ({ bucket: BUCKET, name, contentType: 'application/zip' });

async function* bytes(...parts: string[]) {
  for (const part of parts) yield Buffer.from(part);
}

async function* broken(part: string) {
  yield Buffer.from(part);
  throw new Error('the client went away');
}

describe('objects in a folder', () => {
  let root: string;
  let store: FileStore;
  let clock: number;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'objects-'));
    clock = Date.parse('2026-01-01T00:00:00Z');
    store = new FileStore(root, LIMITS, () => clock);
  });
  afterEach(() => rm(root, { recursive: true }));

  async function textOf(object: StoredObject | undefined): Promise<string> {
    ok(object);
    let text = '';
    for await (const chunk of store.read(object)) text += chunk;
    return text;
  }

  it('are there as a whole, with what describes them', async () => {
    const object = await store.put(named('services/a/x.zip'), bytes('hello ', 'world'));
    deepEqual(object, {
      bucket: BUCKET,
      name: 'services/a/x.zip',
      generation: '1767225600000000',
      size: 11,
      contentType: 'application/zip',
      md5Hash: 'XrY7u+Ae7tCTyyK7j1rNww==',
      timeCreated: '2026-01-01T00:00:00.000Z',
    });
    deepEqual(await store.get(object), object);
    equal(
      await textOf(await new FileStore(root, LIMITS).get({ bucket: BUCKET, name: object.name })),
      'hello world',
    );
    deepEqual(await store.list(BUCKET), [object]);
    deepEqual(await store.buckets(), [BUCKET]);
  });

  it('of one name are generations, of which the newest counts', async () => {
    const first = await store.put(named('a'), bytes('1'));
    const second = await store.put(named('a'), bytes('2'));
    notEqual(first.generation, second.generation);
    equal(await textOf(await store.get({ bucket: BUCKET, name: 'a' })), '2');
    equal(await textOf(await store.get(first)), '1');
    deepEqual(await store.list(BUCKET), [second]);
    deepEqual(await store.list(BUCKET, true), [first, second]);
    equal(await store.delete(first), true);
    equal(await store.get(first), undefined);
    equal(await store.delete({ bucket: BUCKET, name: 'a' }), true);
    equal(await store.delete({ bucket: BUCKET, name: 'a' }), false);
  });

  it('of many writers at once are all kept', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.put(named('a'), bytes(String(i)))),
    );
    equal(new Set(made.map(({ generation }) => generation)).size, 20);
    equal((await store.list(BUCKET, true)).length, 20);
  });

  it('whose names would lead elsewhere are in the folder all the same', async () => {
    for (const name of ['../../etc/passwd', '/x', '.', 'a\\b', 'ä'.repeat(500)]) {
      const object = await store.put(named(name), bytes('x'));
      deepEqual(await store.get({ bucket: BUCKET, name }), object);
    }
    deepEqual((await readdir(root)).toSorted(), ['objects', 'uploads']);
  });

  it('leave nothing where the client goes away or sends too much', async () => {
    await rejects(store.put(named('a'), broken('half')), /went away/);
    await rejects(store.put(named('a'), bytes('x'.repeat(60), 'x'.repeat(60))), {
      code: 'RESOURCE_EXHAUSTED',
      message: 'An object may have 100 bytes; this one has more.',
    });
    await store.put(named('b'), bytes('x'.repeat(90)));
    await rejects(store.put(named('c'), bytes('x'.repeat(61))), /may have 150 bytes in all its objects/);
    deepEqual(
      (await store.list(BUCKET, true)).map(({ name }) => name),
      ['b'],
    );
    deepEqual(await readdir(join(root, 'uploads')), []);
  });

  it('can be sent in parts, to any process, also after one that broke off', async () => {
    const upload = await store.begin(named('a'));
    equal(await store.append(upload, { content: bytes('hello '), from: 0 }), undefined);
    await rejects(store.append(upload, { content: broken('wo'), from: 6 }), /went away/);
    const other = new FileStore(root, LIMITS, () => clock);
    equal((await other.progress(upload))?.received, 8);
    equal(await store.get({ bucket: BUCKET, name: 'a' }), undefined);
    await rejects(other.append(upload, { content: bytes('x'), from: 6 }), /byte 8 is the next/);
    const object = await other.append(upload, { content: bytes('rld'), from: 8, total: 11 });
    equal(await textOf(object), 'hello world');
    equal(await store.progress(upload), undefined);
    await rejects(store.append(upload, { content: bytes('x'), from: 11 }), { code: 'NOT_FOUND' });
  });

  it('know no uploads of other names', async () => {
    for (const name of ['..', '../objects', '', 'x'.repeat(36)]) equal(await store.progress(name), undefined);
  });

  it('of uploads that nobody finishes are swept, and folders that are empty', async () => {
    const upload = await store.begin(named('a'));
    await store.put(named('b'), bytes('x'));
    await store.delete(named('b'));
    await store.sweep(Date.now() - 3_600_000);
    equal((await store.progress(upload))?.received, 0);
    await store.sweep(Date.now() + 3_600_000);
    equal(await store.progress(upload), undefined);
    deepEqual(await store.buckets(), []);
  });
});
