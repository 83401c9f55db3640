import { Agent } from 'undici';
import { S3Client, type S3Options } from '../client.ts';
import type { FakeS3 } from './fakeS3.ts';

const dispatcher = new Agent();

/** A client of the fake that tries again at once. */
export function clientOf(fake: FakeS3, changes: Partial<S3Options> = {}): S3Client {
  return new S3Client({
    endpoint: fake.endpoint,
    bucket: fake.bucket,
    region: 'local',
    keys: async () => ({ accessKeyId: 'key', secretAccessKey: 'secret' }),
    dispatcher,
    timeoutMs: 5000,
    retryMs: [1, 1],
    ...changes,
  });
}
