import { deepEqual, equal, match, notEqual, ok, rejects } from 'node:assert/strict';
import type { ObjectStore, Session, StoredObject, StoreLimits } from '../store.ts';

/** The bucket of the objects of these tests. */
export const BUCKET = 'run-sources-demo-local';
const LIMITS: StoreLimits = { objectBytes: 100, bucketBytes: 150 };
const HOUR_MS = 3_600_000;

/** What an upload of this name begins with. */
export const named = (name: string): Session => ({ bucket: BUCKET, name, contentType: 'application/zip' });

/** A content that arrives in these parts. */
export async function* bytes(...parts: (string | Buffer)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** A content of which no more than this arrives. */
export async function* broken(part: string | Buffer): AsyncIterable<Uint8Array> {
  yield Buffer.from(part);
  throw new Error('the client went away');
}

/** The content of an object, which must be there. */
export async function contentOf(store: ObjectStore, object: StoredObject | undefined): Promise<Buffer> {
  ok(object);
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(object)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What these tests need of a kind of store. */
export interface StoreKind {
  /** What another process has of the same place. */
  open(limits: StoreLimits): ObjectStore;
  /** The paths of everything that is kept there. */
  kept(): Promise<string[]>;
}

/** What every {@link ObjectStore} does. @param kind of the place that `beforeEach` has made. */
export function behavesAsStore(kind: () => StoreKind): void {
  const open = () => kind().open(LIMITS);
  const textOf = async (object: StoredObject | undefined) => (await contentOf(open(), object)).toString();
  const names = (objects: readonly StoredObject[]) => objects.map(({ name }) => name);

  it('are there as a whole, with what describes them, for every process', async () => {
    const { generation, ...object } = await open().put(named('services/a/x.zip'), bytes('hello ', 'world'));
    deepEqual(object, {
      bucket: BUCKET,
      name: 'services/a/x.zip',
      size: 11,
      contentType: 'application/zip',
      md5Hash: 'XrY7u+Ae7tCTyyK7j1rNww==',
      timeCreated: '2026-01-01T00:00:00.000Z',
    });
    match(generation, /^1767225600000\d{3,6}$/);
    const found = await open().get({ bucket: BUCKET, name: object.name });
    deepEqual(found, { generation, ...object });
    equal(await textOf(found), 'hello world');
    deepEqual(await open().list(BUCKET), [found]);
    deepEqual(await open().buckets(), [BUCKET]);
    equal(await open().get({ bucket: BUCKET, name: 'other' }), undefined);
  });

  it('of one name are generations, of which the newest counts', async () => {
    const store = open();
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
    deepEqual(await kind().kept(), []);
  });

  it('of many writers at once are all kept', async () => {
    const store = open();
    const writers = Array.from({ length: 20 }, (_, i) => store.put(named('a'), bytes(String(i))));
    const made = await Promise.all(writers);
    equal(new Set(made.map(({ generation }) => generation)).size, made.length);
    equal((await store.list(BUCKET, true)).length, made.length);
  });

  it('of any name are below their bucket', async () => {
    for (const name of ['../../etc/passwd', '/x', '.', 'a\\b', 'a&b<c', 'ä'.repeat(500)]) {
      const object = await open().put(named(name), bytes('x'));
      deepEqual(await open().get({ bucket: BUCKET, name }), object);
    }
    for (const path of await kind().kept())
      match(path, /^(objects|parts)\/run-sources-demo-local\/[\w./-]+$/);
  });

  it('leave nothing where the client goes away or sends too much', async () => {
    const store = open();
    await rejects(store.put(named('a'), broken('half')), /went away/);
    await rejects(store.put(named('a'), bytes('x'.repeat(60), 'x'.repeat(60))), {
      code: 'RESOURCE_EXHAUSTED',
      message: 'An object may have 100 bytes; this one has more.',
    });
    deepEqual(await kind().kept(), []);
    await store.put(named('b'), bytes('x'.repeat(90)));
    await rejects(store.put(named('c'), bytes('x'.repeat(61))), /may have 150 bytes in all its objects/);
    deepEqual(names(await store.list(BUCKET, true)), ['b']);
  });

  it('can be sent in requests, to any process, also after one that broke off', async () => {
    const content = 'hello world';
    const upload = await open().begin(named('a'));
    equal(await open().append(upload, { content: bytes('hello '), from: 0 }), undefined);
    await rejects(open().append(upload, { content: broken('wo'), from: 6 }), /went away/);
    const { received = 0 } = (await open().progress(upload)) ?? {};
    ok(received >= 6);
    equal(await open().get({ bucket: BUCKET, name: 'a' }), undefined);
    await rejects(open().append(upload, { content: bytes('x'), from: 5 }), {
      code: 'INVALID_ARGUMENT',
      message: `The part begins at byte 5; byte ${received} is the next of this upload.`,
    });
    const rest = { content: bytes(content.slice(received)), from: received, total: content.length };
    equal(await textOf(await open().append(upload, rest)), content);
    equal(await open().progress(upload), undefined);
    const late = { content: bytes('x'), from: content.length };
    await rejects(open().append(upload, late), { code: 'NOT_FOUND' });
  });

  it('are refused where there is more of them than was said', async () => {
    const upload = await open().begin(named('a'));
    const long = { content: bytes('hello'), from: 0, total: 4 };
    await rejects(open().append(upload, long), {
      code: 'INVALID_ARGUMENT',
      message: 'The upload has more than the 4 bytes that it was to have.',
    });
    deepEqual(await open().list(BUCKET), []);
  });

  it('are none of an upload that two requests write to at once', async () => {
    const upload = await open().begin(named('a'));
    async function* meanwhile() {
      yield Buffer.from('a');
      const { received = 0 } = (await open().progress(upload)) ?? {};
      await open().append(upload, { content: bytes('abc'), from: received });
      yield Buffer.from('b');
    }
    const end = { content: meanwhile(), from: 0, total: 2 };
    await rejects(open().append(upload, end), { code: 'ABORTED', message: /begin the upload again/ });
    deepEqual(await open().list(BUCKET), []);
  });

  it('know no uploads of other names', async () => {
    for (const name of ['..', '../objects', '', 'x'.repeat(36)])
      equal(await open().progress(name), undefined);
  });

  it('are read with an error, and not as nothing, once they are gone', async () => {
    const object = await open().put(named('a'), bytes('hello'));
    await open().delete(object);
    await rejects(contentOf(open(), object));
  });

  it('are kept when uploads that nobody finishes are swept', async () => {
    const store = open();
    const object = await store.put(named('a'), bytes('kept'));
    const upload = await store.begin(named('b'));
    await store.append(upload, { content: bytes('x'), from: 0 });
    await store.sweep(Date.now() - HOUR_MS);
    equal((await store.progress(upload))?.received, 1);
    await store.sweep(Date.now() + HOUR_MS);
    equal(await store.progress(upload), undefined);
    equal(await textOf(object), 'kept');
    await store.delete(object);
    await store.sweep(Date.now() + HOUR_MS);
    deepEqual([await kind().kept(), await store.buckets()], [[], []]);
  });
}
