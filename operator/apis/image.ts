import { formatted } from './fieldError.ts';
import { capitalsIn } from './placeholder.ts';

/** A text is not an image reference. */
export class ImageError extends Error {
  readonly code = 'IMAGE_INVALID';
}

/** The parts of an image reference, with the defaults for what short forms leave out. */
export interface ImageReference {
  /** HOST[:PORT]; `docker.io` when the reference names none. */
  registry: string;
  /** Path within the registry; `library/NAME` for a bare name of docker.io. */
  repository: string;
  /** Undefined means `latest`, unless there is a digest. */
  tag?: string;
  /** ALGORITHM:HEX. */
  digest?: string;
}

const DEFAULT_REGISTRY = 'docker.io';
const MAX_REPOSITORY = 255;
/** Most characters of an image reference. */
export const MAX_REFERENCE = 1024;

const HOST_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const REGISTRY = new RegExp(`^(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?$`);
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-fA-F0-9]{32,}$/;
const SHA256 = /^sha256:[a-f0-9]{64}$/;

/**
 * Parses an image reference (distribution reference grammar: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`).
 * @throws {ImageError} naming the reference and what is wrong with it.
 */
export function parseImage(reference: string): ImageReference {
  if (reference.length > MAX_REFERENCE) {
    throw new ImageError(
      `image "${reference.slice(0, 40)}..." does not parse: it is longer than ${MAX_REFERENCE} characters`,
    );
  }
  const at = reference.indexOf('@');
  const digest = at < 0 ? undefined : reference.slice(at + 1);
  const named = at < 0 ? reference : reference.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const { registry, path } = splitRegistry(colon < 0 ? named : named.slice(0, colon));
  const repository = registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path;
  const fail = (what: string) => new ImageError(`image ${formatted(reference)} does not parse: ${what}`);
  if (path === '') throw fail('it names no repository');
  if (!REGISTRY.test(registry)) throw fail(`${formatted(registry)} is not a host name with an optional port`);
  if (!REPOSITORY.test(path)) {
    const left = capitalsIn(path);
    if (left) throw fail(`${formatted(left)} looks like a placeholder; paths are in lowercase`);
    throw fail(
      `the path ${formatted(path)} may contain only lowercase letters, digits and single separators (. _ - /)`,
    );
  }
  if (registry.length + repository.length + 1 > MAX_REPOSITORY)
    throw fail('the name is longer than 255 characters');
  if (tag !== undefined && !TAG.test(tag)) {
    throw fail(`the tag ${formatted(tag)} must have 1 to 128 letters, digits, dots, dashes or underscores`);
  }
  if (digest !== undefined && !isDigest(digest))
    throw fail(`the digest ${formatted(digest)} must be sha256: and 64 hex digits`);
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The first part is a host only if it looks like one: `nginx/nginx` is a path, `localhost/nginx` is not. */
function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  if (!isHost) return { registry: DEFAULT_REGISTRY, path: name };
  const registry = first === `index.${DEFAULT_REGISTRY}` ? DEFAULT_REGISTRY : first;
  return { registry, path: name.slice(slash + 1) };
}

function isDigest(text: string): boolean {
  return text.startsWith('sha256:') ? SHA256.test(text) : DIGEST.test(text);
}

/** The full reference: registry, repository, and tag or digest or both. */
export function formatImage({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}
