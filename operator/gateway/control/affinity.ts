import { createHmac } from 'node:crypto';
import { INSTANCE_CHARS, REVISION_CHARS } from '../shared/affinity.ts';

/**
 * What the affinity cookies of a revision begin with. All gateways with the same key give the same.
 * @param revision `namespace/name`. @param uid tells it from an earlier revision of that name.
 */
export function revisionToken(key: Uint8Array, revision: string, uid = ''): string {
  return authenticationCode(key, ['revision', revision, uid], REVISION_CHARS);
}

/**
 * The value of the cookie that binds a client to an instance. It is a message authentication code: without the key nobody
 * can tell the instance from it, or make the cookie of another. A gateway compares it with those of the instances that it
 * knows, so that no request costs a hash.
 * @param token of its revision.
 */
export function instanceCookie(key: Uint8Array, token: string, pod: string): string {
  return token + authenticationCode(key, ['instance', token, pod], INSTANCE_CHARS);
}

function authenticationCode(key: Uint8Array, parts: string[], chars: number): string {
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url').slice(0, chars);
}
