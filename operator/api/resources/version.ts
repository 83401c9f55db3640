import { hash } from 'node:crypto';
import type { KubeObject } from '../../kube/types.ts';
import { ApiError } from '../errors.ts';

/**
 * The version of an object that clients get: it changes with what they can change, and not with the status. The API
 * server's resourceVersion will not do: each status that a controller writes would fail those who have just read the
 * object and write it back. Every list, view and replica has the same.
 */
export function versionOf({ metadata }: KubeObject): string {
  const { uid, generation, labels = {}, annotations = {} } = metadata;
  const text = JSON.stringify([uid, generation, sorted(labels), sorted(annotations)]);
  return hash('sha256', text).slice(0, 16);
}

/** The version as the API v2 writes it, with the quotes of an entity tag (RFC 9110, ETag). */
export function etagOf(object: KubeObject): string {
  return quoted(versionOf(object));
}

/**
 * Checks the version that a client has read, from the API v1, v2 or the cluster itself; without one there is nothing to
 * check.
 * @param field where the client has written it.
 * @throws {ApiError} ABORTED when the object has changed since.
 */
export function checkVersion(current: KubeObject, version: unknown, field: string): void {
  if (!version) return;
  const { name, resourceVersion } = current.metadata;
  const present = versionOf(current);
  if ([present, quoted(present), resourceVersion].includes(version as string)) return;
  const message = `'${name}' has changed: its ${field} is not ${version} any more. Read it again.`;
  throw new ApiError('ABORTED', message);
}

function quoted(version: string): string {
  return `"${version}"`;
}

function sorted(texts: Readonly<Record<string, string>>): string[] {
  return Object.keys(texts)
    .sort()
    .flatMap((key) => [key, texts[key] as string]);
}
