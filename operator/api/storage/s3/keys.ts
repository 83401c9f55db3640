import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Keys } from './client.ts';
import { S3Error } from './errors.ts';

/**
 * Reads the keys of a store from the folder where a Secret is mounted, with the files `accessKeyId` and `secretAccessKey`.
 * @throws {S3Error} S3_KEYS
 */
export async function readKeys(folder: string): Promise<S3Keys> {
  const [accessKeyId, secretAccessKey] = await Promise.all([
    readKey(folder, 'accessKeyId'),
    readKey(folder, 'secretAccessKey'),
  ]);
  return { accessKeyId, secretAccessKey };
}

/** What a key must be. The id is a part of a header, which would have it in the message of its error. */
const FORMS = {
  accessKeyId: { pattern: /^[!-~]+$/, form: 'be one line of printable ASCII' },
  secretAccessKey: { pattern: /./, form: 'not be empty' },
};

async function readKey(folder: string, name: keyof typeof FORMS): Promise<string> {
  const key = await readText(folder, name);
  const { pattern, form } = FORMS[name];
  if (pattern.test(key)) return key;
  const message = `The Secret in chart value api.storage.s3.secret has the key ${name}, which must ${form}.`;
  throw new S3Error('S3_KEYS', message);
}

async function readText(folder: string, name: string): Promise<string> {
  try {
    return (await readFile(join(folder, name), 'utf8')).trim();
  } catch (cause) {
    const message = `The Secret in chart value api.storage.s3.secret must have the key ${name}: it cannot be read.`;
    throw new S3Error('S3_KEYS', message, cause);
  }
}
