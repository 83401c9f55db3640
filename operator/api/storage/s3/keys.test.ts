import { deepEqual, doesNotMatch, equal, match, rejects } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { S3Error } from './errors.ts';
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

  const WRONG: Record<string, { reason: string; keys: [string, string]; message: RegExp }> = {
    'an empty id': {
      reason: 'a Secret was made of a variable that is not set',
      keys: ['\n', 'secret'],
      message: /has the key accessKeyId, which must be one line of printable ASCII\.$/,
    },
    'an id of two lines': {
      reason: 'Node.js would refuse the header, with the key in its message',
      keys: ['one\ntwo', 'secret'],
      message: /accessKeyId, which must be one line/,
    },
    'an id of more than ASCII': {
      reason: 'no header may have it',
      keys: ['two\u00fc', 'secret'],
      message: /accessKeyId, which must be one line/,
    },
    'an empty secret': {
      reason: 'the store would say that the signature is wrong',
      keys: ['id', ' '],
      message: /secretAccessKey, which must not be empty\.$/,
    },
  };
  for (const [name, { reason, keys, message }] of Object.entries(WRONG)) {
    it(`are refused, and not shown, at ${name}: ${reason}`, async () => {
      await writeFile(join(folder, 'accessKeyId'), keys[0]);
      await writeFile(join(folder, 'secretAccessKey'), keys[1]);
      await rejects(readKeys(folder), (error: S3Error) => {
        equal(error.code, 'S3_KEYS');
        match(error.message, message);
        doesNotMatch(inspect(error), /two/);
        return true;
      });
    });
  }
});
