import { createHash, randomBytes } from 'node:crypto';
import type { StoredObject } from '../store.ts';

/** Where the description of an object is, which says what it is of. */
export interface Place {
  key: string;
  generation: string;
  upload: string;
}

/** Whether a text can be the name of an upload, so that it leads to no other key. Pure. */
export function isUpload(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** The key of what an upload is to become. Pure. */
export function sessionKey(upload: string): string {
  return `uploads/${upload}`;
}

/** What the keys of the parts of an upload begin with. Pure. */
export function partPrefix(bucket: string, upload: string): string {
  return `parts/${bucket}/${upload}/`;
}

/** A key for a part that begins at a byte. No two are one: a request that goes on after its client has begun another overwrites nothing. */
export function partKey(bucket: string, upload: string, from: number): string {
  return `${partPrefix(bucket, upload)}${String(from).padStart(12, '0')}-${randomBytes(4).toString('hex')}`;
}

/** What the keys of the descriptions of a bucket, or of the objects of one name in it, begin with. Pure. */
export function objectPrefix(bucket: string, hash = ''): string {
  return `objects/${bucket}/${hash && `${hash}/`}`;
}

/** The key of the description of an object that an upload has become. Pure. */
export function objectKey({ bucket, name, generation }: StoredObject, upload: string): string {
  return `${objectPrefix(bucket, hashOf(name))}${generation}.${upload}`;
}

/** What the key of a description says. Pure. */
export function placeOf(key: string): Place {
  const [generation = '', upload = ''] = key.slice(key.lastIndexOf('/') + 1).split('.');
  return { key, generation, upload };
}

/** What stands for the name of an object in keys: it may have any characters. Pure. */
export function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}
