import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { StoredObject } from '../store.ts';
import { BUCKET, behavesAsStore, broken, bytes, contentOf, named } from '../testing/storeBehaviour.ts';
import type { S3Options } from './client.ts';
import { partsOf } from './parts.ts';
import { S3Store } from './store.ts';
import { clientOf } from './testing/client.ts';
import { FakeS3, refuse } from './testing/fakeS3.ts';

const LARGE = { objectBytes: 64 << 20, bucketBytes: 64 << 20 };
const MIB = 1 << 20;

describe('objects in a store that speaks S3', () => {
  let fake: FakeS3;
  let clock: number;
  const storeOf = (changes: Partial<S3Options> = {}) =>
    new S3Store(clientOf(fake, changes), LARGE, () => clock++);

  beforeEach(async () => {
    fake = await FakeS3.start();
    clock = Date.parse('2026-01-01T00:00:00Z');
  });
  afterEach(() => fake[Symbol.asyncDispose]());

  const textOf = async (object: StoredObject | undefined) => (await contentOf(storeOf(), object)).toString();
  const kept = (prefix = '') => [...fake.objects.keys()].filter((key) => key.startsWith(prefix));
  /** Lets requests fail, of which this is the method and the URL. */
  const fail = (request: RegExp) => {
    fake.fault = ({ method, url }, response) => {
      if (!request.test(`${method} ${url}`)) return false;
      refuse(response, 503, 'SlowDown');
      return true;
    };
  };

  behavesAsStore(() => ({
    open: (limits) => new S3Store(clientOf(fake), limits, () => clock++),
    kept: async () => kept(),
  }));

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

  it('are read once for all lists, and are gone from the next one when another replica has deleted them', async () => {
    const store = storeOf();
    await storeOf().put(named('a'), bytes('x'));
    await storeOf().put(named('b'), bytes('x'));
    const listed = async () => (await store.list(BUCKET)).map(({ name }) => name);
    const reads = () => fake.requests.filter((request) => request.startsWith('GET objects/'));
    deepEqual(await listed(), ['a', 'b']);
    equal(reads().length, 2);
    await storeOf().delete(named('a'));
    deepEqual(await listed(), ['b']);
    equal(reads().length, 2);
  });

  it('are sent in parts of 8 MiB, so that no more of them is in memory', async () => {
    const content = randomBytes(20 * MIB);
    const chunks = Array.from({ length: 320 }, (_, i) => content.subarray(i * 65_536, (i + 1) * 65_536));
    const object = await storeOf().put(named('a'), bytes(...chunks));
    equal(fake.largest, 8 * MIB);
    equal(object.size, content.length);
    ok(content.equals(await contentOf(storeOf(), object)));
  });

  it('keep the whole parts of a request that broke off', async () => {
    const content = randomBytes(17 * MIB);
    const upload = await storeOf().begin(named('a'));
    const first = { content: broken(content.subarray(0, 10 * MIB)), from: 0 };
    await rejects(storeOf().append(upload, first), /went away/);
    equal((await storeOf().progress(upload))?.received, 8 * MIB);
    const rest = { content: bytes(content.subarray(8 * MIB)), from: 8 * MIB, total: content.length };
    ok(content.equals(await contentOf(storeOf(), await storeOf().append(upload, rest))));
  });

  it('are never asked for by the name of an upload that can be none', async () => {
    equal(await storeOf().progress('../objects'), undefined);
    deepEqual(fake.requests, []);
  });

  it('are kept when the parts of a process that has ended are swept', async () => {
    const object = await storeOf().put(named('a'), bytes('kept'));
    const crashed = `parts/${BUCKET}/crashed/000000000000-aa`;
    fake.objects.set(crashed, { body: Buffer.from('x'), modified: Date.now() - 2 });
    await storeOf().sweep(Date.now() - 1);
    ok(!fake.objects.has(crashed));
    equal(await textOf(object), 'kept');
  });

  it('are kept where a sweep gets no list of objects, but a page of something else', async () => {
    const object = await storeOf().put(named('a'), bytes('kept'));
    fake.fault = ({ url = '' }, response) => {
      if (!url.includes('prefix=objects')) return false;
      response.end('<html>');
      return true;
    };
    await rejects(storeOf().sweep(Date.now() + 1000), { code: 'UNAVAILABLE' });
    fake.fault = () => false;
    equal(await textOf(object), 'kept');
  });

  it('are read with an error, and not in part, where the store stops in the middle or has lost a part', async () => {
    const object = await storeOf().put(named('a'), bytes('hello'));
    const [part = ''] = kept('parts/');
    fake.fault = ({ url = '' }, response) => {
      if (!url.includes('/parts/')) return false;
      response.writeHead(200, { 'content-length': 5 }).write('hel');
      return true;
    };
    await rejects(contentOf(storeOf({ timeoutMs: 50 }), object), {
      code: 'UNAVAILABLE',
      message: /did not answer in time/,
    });
    fake.fault = () => false;
    fake.objects.delete(part);
    await rejects(textOf(object), { code: 'UNAVAILABLE', message: /has 0 bytes, and had 5/ });
  });

  it('are refused for what was wrong with them, also where what they leave cannot be removed', async () => {
    fail(/^DELETE /);
    await rejects(storeOf().put(named('a'), broken(Buffer.alloc(9 * MIB))), /went away/);
    fake.fault = () => false;
    await storeOf().sweep(Date.now() + 1000);
    deepEqual(kept(), []);
  });

  it('are there, and gone, where what is left besides cannot be removed', async () => {
    const upload = await storeOf().begin(named('a'));
    fail(/^DELETE .*\/(uploads|parts)\//);
    const object = await storeOf().append(upload, { content: bytes('x'), from: 0, total: 1 });
    equal(await textOf(object), 'x');
    equal(await storeOf().delete({ bucket: BUCKET, name: 'a' }), true);
    fake.fault = () => false;
    equal(await storeOf().get({ bucket: BUCKET, name: 'a' }), undefined);
    await storeOf().sweep(Date.now() + 1000);
    deepEqual(kept(), []);
  });

  it('of an upload that was ended twice do not share their end', async () => {
    const upload = await storeOf().begin(named('a'));
    const end = () => storeOf().append(upload, { content: bytes('hello'), from: 0, total: 5 });
    const [first, second] = await Promise.all([end(), end()]);
    ok(first && second);
    equal(await storeOf().delete(first), true);
    equal(await textOf(second), 'hello');
    equal(await storeOf().delete(second), true);
    deepEqual(kept(), []);
  });

  const DESCRIPTIONS: Record<string, string> = { 'is cut off': '{"object":', 'is something else': '"hello"' };
  for (const [name, text] of Object.entries(DESCRIPTIONS)) {
    it(`are refused, with the key, where what describes one ${name}`, async () => {
      await storeOf().put(named('a'), bytes('x'));
      const [key = ''] = kept('objects/');
      fake.objects.set(key, { body: Buffer.from(text), modified: clock });
      const failure = { code: 'UNAVAILABLE', message: new RegExp(`${key} is not as it was written`) };
      await rejects(storeOf().get({ bucket: BUCKET, name: 'a' }), failure);
      await rejects(storeOf().list(BUCKET), failure);
    });
  }
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
