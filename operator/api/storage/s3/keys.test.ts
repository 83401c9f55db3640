import { deepEqual, rejects } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKeys } from './keys.ts';

describe('the keys of a store that speaks S3', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 's3-keys-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are the two of the Secret, without the line end that people leave in it', async () => {
    await writeFile(join(folder, 'accessKeyId'), 'id\n');
    await writeFile(join(folder, 'secretAccessKey'), 'secret\n');
    deepEqual(await readKeys(folder), { accessKeyId: 'id', secretAccessKey: 'secret' });
  });

  it('that are not there are named', async () => {
    await writeFile(join(folder, 'accessKeyId'), 'id');
    await rejects(readKeys(folder), { code: 'S3_KEYS', message: /must have the key secretAccessKey/ });
  });
});
