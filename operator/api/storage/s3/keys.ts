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

async function readKey(folder: string, name: string): Promise<string> {
  try {
    return (await readFile(join(folder, name), 'utf8')).trim();
  } catch (cause) {
    const message = `The Secret in chart value api.storage.s3.secret must have the key ${name}: it cannot be read.`;
    throw new S3Error('S3_KEYS', message, cause);
  }
}
