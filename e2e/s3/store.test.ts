import { deepEqual, equal, rejects } from 'node:assert/strict';
import type { S3Client } from '../../operator/api/storage/s3/client.ts';
import { S3Store } from '../../operator/api/storage/s3/store.ts';
import {
  BUCKET,
  behavesAsStore,
  bytes,
  contentOf,
  named,
} from '../../operator/api/storage/testing/storeBehaviour.ts';
import { S3Server } from './server.ts';

const LARGE = { objectBytes: 64 << 20, bucketBytes: 64 << 20 };

describe('objects in a server of the S3 API that is not ours', function () {
  this.timeout(120_000);
  let server: S3Server;
  let bucket: string;
  let made = 0;
  let clock: number;

  before(async () => {
    server = await S3Server.start();
  });
  after(() => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    bucket = `sources-${++made}`;
    clock = Date.parse('2026-01-01T00:00:00Z');
    // A bucket is made as an object of no name.
    await server.client(bucket).put('', new Uint8Array());
  });

  behavesAsStore(() => ({
    open: (limits) => new S3Store(server.client(bucket), limits, () => clock++),
    kept: () => keysOf(server.client(bucket)),
  }));

  it('are listed over more pages than one', async () => {
    const client = server.client(bucket);
    const keys = Array.from({ length: 1_100 }, (_, i) => `objects/${String(i).padStart(5, '0')}`);
    for (let i = 0; i < keys.length; i += 50)
      await Promise.all(keys.slice(i, i + 50).map((key) => client.put(key, Buffer.from('x'))));
    deepEqual(await keysOf(client), keys);
  });

  it('of more than one part are read as they were sent', async () => {
    const store = new S3Store(server.client(bucket), LARGE);
    const content = Buffer.alloc(20 << 20, 'content');
    const object = await store.put(named('a'), bytes(content));
    equal((await store.list(BUCKET)).length, 1);
    equal(Buffer.compare(await contentOf(store, object), content), 0);
  });

  const REFUSALS: Record<string, { reason: string; keys: object; bucket?: string; code: string }> = {
    'a secret that is not the one of the key': {
      reason: 'the signature is another',
      keys: { secretAccessKey: 'other' },
      code: 'S3_DENIED',
    },
    'a bucket that is not there': { reason: 'it is named', keys: {}, bucket: 'none', code: 'S3_NO_BUCKET' },
  };
  for (const [name, { reason, keys, code, bucket: asked }] of Object.entries(REFUSALS)) {
    it(`are not to be had with ${name}: ${reason}`, async () => {
      const client = server.client(asked ?? bucket, { keys: async () => ({ ...server.keys, ...keys }) });
      await rejects(keysOf(client), { code });
      await rejects(client.put('objects/a', Buffer.from('x')), { code });
    });
  }
});

async function keysOf(client: S3Client): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of client.list('')) keys.push(key);
  return keys;
}
