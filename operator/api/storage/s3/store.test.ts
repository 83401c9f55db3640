import { deepEqual, equal, match, notEqual, ok, rejects } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { StoredObject } from '../store.ts';
import type { S3Options } from './client.ts';
import { partsOf } from './parts.ts';
import { S3Store } from './store.ts';
import { clientOf } from './testing/client.ts';
import { FakeS3, refuse } from './testing/fakeS3.ts';

const BUCKET = 'run-sources-demo-local';
const LIMITS = { objectBytes: 100, bucketBytes: 150 };
const LARGE = { objectBytes: 64 << 20, bucketBytes: 64 << 20 };
const MIB = 1 << 20;
const named = (name: string) => ({ bucket: BUCKET, name, contentType: 'application/zip' });

async function* bytes(...parts: (string | Buffer)[]) {
  for (const part of parts) yield Buffer.from(part);
}

async function* broken(part: string | Buffer) {
  yield Buffer.from(part);
  throw new Error('the client went away');
}

describe('objects in a store that speaks S3', () => {
  let fake: FakeS3;
  let clock: number;
  const storeOf = (limits = LIMITS, changes: Partial<S3Options> = {}) =>
    new S3Store(clientOf(fake, changes), limits, () => clock++);

  beforeEach(async () => {
    fake = await FakeS3.start();
    fake.now = () => clock;
    clock = Date.parse('2026-01-01T00:00:00Z');
  });
  afterEach(() => fake[Symbol.asyncDispose]());

  async function contentOf(object: StoredObject | undefined): Promise<Buffer> {
    ok(object);
    const chunks: Uint8Array[] = [];
    for await (const chunk of storeOf().read(object)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  const textOf = async (object: StoredObject | undefined) => (await contentOf(object)).toString();
  const kept = (prefix: string) => [...fake.objects.keys()].filter((key) => key.startsWith(prefix));

  it('are there as a whole, with what describes them, for every replica', async () => {
    const { generation, ...object } = await storeOf().put(
      named('services/a/x.zip'),
      bytes('hello ', 'world'),
    );
    deepEqual(object, {
      bucket: BUCKET,
      name: 'services/a/x.zip',
      size: 11,
      contentType: 'application/zip',
      md5Hash: 'XrY7u+Ae7tCTyyK7j1rNww==',
      timeCreated: '2026-01-01T00:00:00.000Z',
    });
    match(generation, /^1767225600000\d{6}$/);
    const found = await storeOf().get({ bucket: BUCKET, name: object.name });
    deepEqual(found, { generation, ...object });
    equal(await textOf(found), 'hello world');
    deepEqual(await storeOf().list(BUCKET), [found]);
    deepEqual(await storeOf().buckets(), [BUCKET]);
    equal(await storeOf().get({ bucket: BUCKET, name: 'other' }), undefined);
  });

  it('of one name are generations, of which the newest counts', async () => {
    const store = storeOf();
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
    deepEqual(kept(''), []);
  });

  it('are listed over many pages', async () => {
    const store = storeOf();
    fake.pageSize = 2;
    for (const name of ['a', 'b', 'c', 'd', 'e']) await store.put(named(name), bytes('x'));
    deepEqual(
      (await store.list(BUCKET)).map(({ name }) => name),
      ['a', 'b', 'c', 'd', 'e'],
    );
    deepEqual(await store.buckets(), [BUCKET]);
  });

  it('of any name are below their bucket', async () => {
    for (const name of ['../../etc/passwd', '/x', '.', 'a\\b', 'a&b<c', 'ä'.repeat(500)]) {
      const object = await storeOf().put(named(name), bytes('x'));
      deepEqual(await storeOf().get({ bucket: BUCKET, name }), object);
    }
    ok(kept('').every((key) => /^(objects|parts)\/run-sources-demo-local\/[\w./-]+$/.test(key)));
  });

  it('are sent in parts of 8 MiB, so that no more of them is in memory', async () => {
    const content = randomBytes(20 * MIB);
    const chunks = Array.from({ length: 320 }, (_, i) => content.subarray(i * 65_536, (i + 1) * 65_536));
    const object = await storeOf(LARGE).put(named('a'), bytes(...chunks));
    equal(fake.largest, 8 * MIB);
    equal(object.size, content.length);
    ok(content.equals(await contentOf(object)));
  });

  it('leave nothing where the client goes away or sends too much', async () => {
    const store = storeOf();
    await rejects(store.put(named('a'), broken('half')), /went away/);
    await rejects(store.put(named('a'), bytes('x'.repeat(60), 'x'.repeat(60))), {
      code: 'RESOURCE_EXHAUSTED',
      message: 'An object may have 100 bytes; this one has more.',
    });
    deepEqual(kept(''), []);
    await store.put(named('b'), bytes('x'.repeat(90)));
    await rejects(store.put(named('c'), bytes('x'.repeat(61))), /may have 150 bytes in all its objects/);
    deepEqual(
      (await store.list(BUCKET, true)).map(({ name }) => name),
      ['b'],
    );
  });

  it('can be sent in requests, to any replica, also after one that broke off', async () => {
    const content = randomBytes(17 * MIB);
    const upload = await storeOf(LARGE).begin(named('a'));
    equal(
      await storeOf(LARGE).append(upload, { content: bytes(content.subarray(0, MIB)), from: 0 }),
      undefined,
    );
    const second = { content: broken(content.subarray(MIB, 10 * MIB)), from: MIB };
    await rejects(storeOf(LARGE).append(upload, second), /went away/);
    const received = (await storeOf(LARGE).progress(upload))?.received ?? 0;
    equal(received, 9 * MIB, 'the whole parts');
    equal(await storeOf().get({ bucket: BUCKET, name: 'a' }), undefined);
    await rejects(
      storeOf(LARGE).append(upload, { content: bytes('x'), from: MIB }),
      /is the next of this upload/,
    );
    const rest = { content: bytes(content.subarray(received)), from: received, total: content.length };
    const object = await storeOf(LARGE).append(upload, rest);
    ok(content.equals(await contentOf(object)));
    equal(await storeOf().progress(upload), undefined);
    await rejects(storeOf().append(upload, { content: bytes('x'), from: 17 * MIB }), { code: 'NOT_FOUND' });
  });

  it('know no uploads of other names', async () => {
    for (const name of ['..', '../objects', '', 'x'.repeat(36)])
      equal(await storeOf().progress(name), undefined);
    deepEqual(fake.requests, []);
  });

  it('are kept when what is left of others is swept', async () => {
    const store = storeOf();
    const object = await store.put(named('a'), bytes('kept'));
    const stale = await store.begin(named('b'));
    await store.append(stale, { content: bytes('x'), from: 0 });
    fake.objects.set(`parts/${BUCKET}/crashed/000000000000-aa`, { body: Buffer.from('x'), modified: clock });
    const old = clock + 1;
    clock += 1000;
    const fresh = await store.begin(named('c'));
    await store.append(fresh, { content: bytes('y'), from: 0 });
    await store.sweep(old);
    equal(await textOf(object), 'kept');
    equal(await store.progress(stale), undefined);
    equal((await store.progress(fresh))?.received, 1);
    equal(kept('parts/').length, 2);
  });

  it('are written after all where the store failed once', async () => {
    let failed = 0;
    fake.fault = ({ method }, response) => {
      if (method !== 'PUT' || failed++ > 0) return false;
      refuse(response, 503, 'SlowDown');
      return true;
    };
    equal(await textOf(await storeOf().put(named('a'), bytes('x'))), 'x');
  });

  it('are read with an error, and not in part, where the store stops in the middle or has lost a part', async () => {
    const object = await storeOf().put(named('a'), bytes('hello'));
    const [part = ''] = kept('parts/');
    fake.fault = ({ url = '' }, response) => {
      if (!url.includes('/parts/')) return false;
      response.writeHead(200, { 'content-length': 5 }).write('hel');
      return true;
    };
    const read = async (timeoutMs: number) => {
      for await (const _ of storeOf(LIMITS, { timeoutMs }).read(object));
    };
    await rejects(read(50), { code: 'S3_TIMEOUT' });
    fake.fault = () => false;
    fake.objects.delete(part);
    await rejects(read(5000), { code: 'S3_ANSWER', message: /has 0 bytes, and had 5/ });
  });
});

describe('the parts of a content', () => {
  it('have one size but the last, and are the content together', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.integer({ min: 1, max: 40 }),
        async (chunks, size) => {
          const parts: Uint8Array[] = [];
          for await (const part of partsOf(bytes(...chunks.map((each) => Buffer.from(each))), size))
            parts.push(part);
          deepEqual(Buffer.concat(parts), Buffer.concat(chunks));
          ok(parts.slice(0, -1).every(({ length }) => length === size));
          ok(parts.every(({ length }) => length > 0 && length <= size));
        },
      ),
    ));
});
