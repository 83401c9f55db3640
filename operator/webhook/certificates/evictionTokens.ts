import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../kube/core.ts';
import { timestamp } from '../../kube/time.ts';
import { PROPAGATION_MS } from './rotation.ts';

/**
 * The path at which evictions are reviewed ends with a random token, which API servers read in the configuration and
 * nobody else knows (docs/adr/0016-evictions-at-a-secret-path.md). All replicas share the tokens, in the Secret of the
 * certificates. Pure.
 */
export interface EvictionToken {
  token: string;
  /** Unix time in ms. */
  madeAt: number;
}

/** Key of the Secret: a line for each token, with its time, newest first. */
export const TOKENS_KEY = 'evict.tokens';
/** As long as a certificate is used. */
export const TOKEN_LIFE_MS = 60 * 86_400_000;
/** The one that was named before is accepted as long as the newest is the newest: API servers learn of it some time later. */
const MOST_TOKENS = 2;
/** A path consists of names as DNS has them (Kubernetes API, ServiceReference), so only small letters. */
const LINE = /^(\S+) ([0-9a-f]{64})$/;

/** The path of charts before tokens, which the webhooks of these charts answer. */
const PATH_BEFORE_TOKENS = '/evict';

/** The tokens in a Secret, newest first; lines that are none are left out. */
export function tokensOf(secret: Secret | undefined): EvictionToken[] {
  const text = Buffer.from(secret?.data?.[TOKENS_KEY] ?? '', 'base64').toString();
  const tokens = text.split('\n').flatMap((line) => {
    const [, time = '', token = ''] = LINE.exec(line) ?? [];
    const madeAt = Date.parse(time);
    return Number.isNaN(madeAt) ? [] : [{ token, madeAt }];
  });
  return tokens.slice(0, MOST_TOKENS);
}

/** The Secret with one more token. */
export function withToken(secret: Secret, token: string, now: number): Secret {
  const tokens = [{ token, madeAt: now }, ...tokensOf(secret)].slice(0, MOST_TOKENS);
  const text = tokens.map(({ token, madeAt }) => `${timestamp(madeAt)} ${token}\n`).join('');
  return { ...secret, data: { ...secret.data, [TOKENS_KEY]: Buffer.from(text).toString('base64') } };
}

/** Whether a token is to be made: there is none, or the newest has had its time. */
export function isTokenDue([newest]: readonly EvictionToken[], now: number): boolean {
  return newest === undefined || now - newest.madeAt >= TOKEN_LIFE_MS;
}

/**
 * The path for the configuration, given the one that it names; undefined when it is not ours to write, because the chart is
 * an older one: after a rollback webhooks of that version answer. A new token is named when every replica has had time to
 * read it, and not taken back by a replica whose clock is behind.
 */
export function evictionPath(
  named: string | undefined,
  tokens: readonly EvictionToken[],
  now: number,
): string | undefined {
  const [newest, previous] = tokens;
  if (named === PATH_BEFORE_TOKENS) return undefined;
  if (!newest || named === pathOf(newest)) return named;
  const isKnown = previous === undefined || now - newest.madeAt >= PROPAGATION_MS;
  return pathOf(isKnown ? newest : previous);
}

/** Whether a text is one of the tokens, compared in a time that does not depend on how much of it is right. */
export function isToken(text: string, tokens: readonly EvictionToken[]): boolean {
  const digest = sha256(text);
  return tokens.filter(({ token }) => timingSafeEqual(sha256(token), digest)).length > 0;
}

function pathOf({ token }: EvictionToken): string {
  return `/evict/${token}`;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
