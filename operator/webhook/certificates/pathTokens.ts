import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../kube/core.ts';
import { timestamp } from '../../kube/time.ts';
import { PROPAGATION_MS } from './rotation.ts';

/**
 * The paths that end with a random token, which API servers read in the configuration and nobody else knows
 * (docs/adr/0016-evictions-at-a-secret-path.md, docs/adr/0017-lookups-at-a-secret-path.md). Each has tokens of its own, in
 * the Secret of the certificates, which all replicas share. A path gives its name to its webhook in the chart and to its key
 * in the Secret. Pure.
 */
export const SECRET_PATHS = ['evict', 'lookup'] as const;
export type SecretPath = (typeof SECRET_PATHS)[number];

export interface PathToken {
  token: string;
  /** Unix time in ms. */
  madeAt: number;
}

/** The tokens of each path, newest first. */
export type PathTokens = Readonly<Record<SecretPath, readonly PathToken[]>>;

/** As long as a certificate is used. */
export const TOKEN_LIFE_MS = 60 * 86_400_000;
/** The one that was named before is accepted as long as the newest is the newest: API servers learn of it some time later. */
const MOST_TOKENS = 2;
/** A path consists of names as DNS has them (Kubernetes API, ServiceReference), so only small letters. */
const LINE = /^(\S+) ([0-9a-f]{64})$/;

/** Key of the Secret with the tokens of a path: a line for each, with its time, newest first. */
export function tokensKey(path: SecretPath): string {
  return `${path}.tokens`;
}

/** The secret path of a webhook, given the name that the chart gives the webhook; undefined when it has none. */
export function secretPathOf(webhook: string): SecretPath | undefined {
  return SECRET_PATHS.find((path) => webhook === `${path}.homerun.dev`);
}

/** The tokens in a Secret; lines that are none are left out. */
export function tokensOf(secret: Secret | undefined): PathTokens {
  return ofEachPath((path) => tokensIn(secret, path));
}

/** A value for each secret path. */
export function ofEachPath<T>(make: (path: SecretPath) => T): Record<SecretPath, T> {
  return { evict: make('evict'), lookup: make('lookup') };
}

function tokensIn(secret: Secret | undefined, path: SecretPath): PathToken[] {
  const text = Buffer.from(secret?.data?.[tokensKey(path)] ?? '', 'base64').toString();
  const tokens = text.split('\n').flatMap((line) => {
    const [, time = '', token = ''] = LINE.exec(line) ?? [];
    const madeAt = Date.parse(time);
    return Number.isNaN(madeAt) ? [] : [{ token, madeAt }];
  });
  return tokens.slice(0, MOST_TOKENS);
}

/** The Secret with one more token of a path. */
export function withToken(secret: Secret, path: SecretPath, token: string, now: number): Secret {
  const tokens = [{ token, madeAt: now }, ...tokensIn(secret, path)].slice(0, MOST_TOKENS);
  const text = tokens.map(({ token, madeAt }) => `${timestamp(madeAt)} ${token}\n`).join('');
  return { ...secret, data: { ...secret.data, [tokensKey(path)]: Buffer.from(text).toString('base64') } };
}

/** The paths that are to have another token: there is none, or the newest has had its time. */
export function pathsDue(tokens: PathTokens, now: number): SecretPath[] {
  return SECRET_PATHS.filter((path) => {
    const [newest] = tokens[path];
    return newest === undefined || now - newest.madeAt >= TOKEN_LIFE_MS;
  });
}

/**
 * A path with its token for the configuration, given what that names; undefined when it is not ours to write, because the
 * chart is an older one, which names the path alone: after a rollback webhooks of that version answer. A new token is named
 * when every replica has had time to read it, and not taken back by a replica whose clock is behind.
 */
export function pathToName(
  path: SecretPath,
  named: string | undefined,
  tokens: PathTokens,
  now: number,
): string | undefined {
  const [newest, previous] = tokens[path];
  if (named === `/${path}`) return undefined;
  if (!newest || named === withTokenOf(path, newest)) return named;
  const isKnown = previous === undefined || now - newest.madeAt >= PROPAGATION_MS;
  return withTokenOf(path, isKnown ? newest : previous);
}

/** Whether a text is one of the tokens, compared in a time that does not depend on how much of it is right. */
export function isToken(text: string, tokens: readonly PathToken[]): boolean {
  const digest = sha256(text);
  return tokens.filter(({ token }) => timingSafeEqual(sha256(token), digest)).length > 0;
}

function withTokenOf(path: SecretPath, { token }: PathToken): string {
  return `/${path}/${token}`;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
