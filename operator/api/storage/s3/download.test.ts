import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { parseConfig } from '../../../config.ts';
import { silent } from '../../../testing/until.ts';
import type { ApiContext } from '../../context.ts';
import { createApp, type RestApp } from '../../server/app.ts';
import { type Listener, startListener } from '../../server/listener.ts';
import { STORAGE } from '../part.ts';
import { bytes } from '../testing/storeBehaviour.ts';
import { S3Store } from './store.ts';
import { clientOf } from './testing/client.ts';
import { FakeS3, refuse } from './testing/fakeS3.ts';

const BUCKET = 'run-sources-demo-local-cluster1';
const LIMITS = { objectBytes: 1 << 20, bucketBytes: 1 << 20 };

describe('an archive in a bucket, as it is sent', () => {
  let fake: FakeS3;
  let app: RestApp;
  let listener: Listener;

  beforeEach(async () => {
    fake = await FakeS3.start();
    const objects = new S3Store(clientOf(fake), LIMITS);
    await objects.put({ bucket: BUCKET, name: 'a', contentType: 'application/zip' }, bytes('hello'));
    const context = {
      config: parseConfig({}),
      authentication: { personOf: async () => ({ name: 'ada', groups: [] }) },
      clientOf: () => ({ request: async () => ({ status: { allowed: true } }) }),
      objects,
      log: silent,
    } as unknown as ApiContext;
    app = await createApp(context, [STORAGE]);
    listener = await startListener({ port: 0, host: '127.0.0.1', plainHttp: true, rest: app.answer });
  });
  afterEach(async () => {
    await listener.close(0);
    await app.close();
    await fake[Symbol.asyncDispose]();
  });

  const download = () =>
    fetch(`http://127.0.0.1:${listener.port}/storage/v1/b/${BUCKET}/o/a?alt=media`, {
      headers: { authorization: 'Bearer ada' },
    });

  it('has its length', async () => {
    const answer = await download();
    deepEqual(
      [answer.status, answer.headers.get('content-length'), await answer.text()],
      [200, '5', 'hello'],
    );
  });

  it('is an error that may pass where the store does not begin to send it', async () => {
    fake.fault = ({ url = '' }, response) => {
      if (!url.includes('/parts/')) return false;
      refuse(response, 503, 'SlowDown');
      return true;
    };
    const answer = await download();
    deepEqual([answer.status, answer.headers.get('content-type')], [503, 'application/json; charset=utf-8']);
    const { error } = (await answer.json()) as { error: { status: string; message: string } };
    equal(error.status, 'UNAVAILABLE');
    match(error.message, /^The store of the sources fails: .* answered 503 \(SlowDown\)\.$/);
  });

  it('breaks off where the store stops in the middle: nobody takes a half for the whole', async () => {
    fake.fault = ({ url = '' }, response) => {
      if (!url.includes('/parts/')) return false;
      response.writeHead(200, { 'content-length': 5 }).write('hel', () => response.destroy());
      return true;
    };
    await rejects(async () => (await download()).text());
  });
});
