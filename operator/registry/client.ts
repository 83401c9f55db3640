import { createHash } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { formatImage, type ImageReference } from '../apis/image.ts';
import { authorize, type Challenger } from './authorize.ts';
import {
  ImageNotFoundError,
  RegistryAnswerError,
  RegistryError,
  RegistryTimeoutError,
  RegistryUnauthorizedError,
} from './errors.ts';
import { explainFailure } from './explain.ts';
import { type Credential, credentialsFor, type Keyring } from './keyring.ts';
import { type Answer, firstOf, readBody, send } from './transport.ts';

/** What is asked for: a reference without a digest. */
export type ImageName = Omit<ImageReference, 'digest'>;

export interface RegistryClientOptions {
  dispatcher: Dispatcher;
  /** Registries (HOST[:PORT]) that speak plain HTTP. */
  insecure: readonly string[];
  timeoutMs: number;
}

/** Every kind of manifest a runtime can start: an index keeps its own digest, whatever the node's platform. */
const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** A manifest may have 4 MiB (distribution specification, Pushing Manifests). */
const MANIFEST_LIMIT = 4 * 1024 * 1024;

const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** The name under which Docker Hub's registry answers. */
const API_HOST: Record<string, string> = {
  'docker.io': 'registry-1.docker.io',
};

/** Asks registries for digests (OCI distribution specification, Pulling manifests). */
export class RegistryClient {
  readonly #options: RegistryClientOptions;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
  }

  /**
   * The digest that a tag has now; `latest` when the image names none. Matching credentials are tried in
   * order; without any, the registry is asked anonymously.
   * @throws {RegistryError} with one sentence that names the image.
   */
  async digest(image: ImageName, keyring: Keyring): Promise<string> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs);
    const credentials = credentialsFor(keyring, image);
    let refusal = '';
    for (const credential of credentials.length > 0 ? credentials : [undefined]) {
      try {
        return await this.#ask(image, credential, signal);
      } catch (error) {
        const known = this.#known(error, image, signal);
        if (!(known instanceof RegistryUnauthorizedError)) throw known;
        refusal = known.message;
      }
    }
    throw new RegistryUnauthorizedError(unauthorizedSentence(image, credentials, keyring, refusal));
  }

  async #ask(image: ImageName, credential: Credential | undefined, signal: AbortSignal): Promise<string> {
    const { dispatcher } = this.#options;
    const scheme = this.#options.insecure.includes(image.registry) ? 'http' : 'https';
    const host = API_HOST[image.registry] ?? image.registry;
    const url = new URL(`${scheme}://${host}/v2/${image.repository}/manifests/${image.tag ?? 'latest'}`);
    const headers: Record<string, string> = { accept: MANIFEST_TYPES, 'user-agent': 'homerun' };
    const request = (method: 'HEAD' | 'GET') => send(dispatcher, url, { method, headers, signal });

    let head = await request('HEAD');
    await head.body.dump();
    if (head.status === 401) {
      const challenger: Challenger = { dispatcher, url, repository: image.repository, signal };
      headers.authorization = await authorize(
        challenger,
        firstOfAll(head.headers['www-authenticate']),
        credential,
      );
      head = await request('HEAD');
      await head.body.dump();
    }
    const digest = digestHeader(head);
    if (head.status === 200 && digest) return digest;
    // Some registries answer HEAD without the digest or not at all; GET also says why it fails.
    return readManifest(image, head.status === 429 ? head : await request('GET'));
  }

  #known(error: unknown, image: ImageName, signal: AbortSignal): RegistryError {
    if (error instanceof RegistryError) return error;
    if (signal.aborted) {
      const seconds = this.#options.timeoutMs / 1000;
      return new RegistryTimeoutError(
        `Image '${nameOf(image)}': ${image.registry} did not answer within ${seconds} s.`,
        { cause: error },
      );
    }
    return explainFailure(error as Error, nameOf(image), image.registry);
  }
}

/** The reference with the tag that is asked for, for messages. */
export function nameOf({ registry, repository, tag = 'latest' }: ImageName): string {
  return formatImage({ registry, repository, tag });
}

async function readManifest(image: ImageName, answer: Answer): Promise<string> {
  const { status } = answer;
  if (status === 200) return manifestDigest(image, answer);
  const said = await errorText(answer);
  const says = `${image.registry} answered ${status}${said && ` (${said})`}`;
  if (status === 401 || status === 403) throw new RegistryUnauthorizedError(says);
  if (status === 404) throw new ImageNotFoundError(`Image '${nameOf(image)}' not found: ${says}.`);
  throw new RegistryAnswerError(`Image '${nameOf(image)}': ${says}.`, {
    retryAfterMs: retryAfterMs(answer),
  });
}

async function manifestDigest(image: ImageName, answer: Answer): Promise<string> {
  const type = firstOf(answer.headers['content-type']) ?? '';
  const given = digestHeader(answer);
  let bytes: Buffer;
  try {
    bytes = await readBody(answer.body, MANIFEST_LIMIT);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new RegistryAnswerError(`Image '${nameOf(image)}': the manifest is too large: ${cause.message}.`, {
      cause,
    });
  }
  if (!isManifest(bytes)) {
    throw new RegistryAnswerError(
      `Image '${nameOf(image)}': ${image.registry} answered with ${type || 'something'} that is no image manifest.`,
    );
  }
  // A signed schema 1 manifest has the digest of its unsigned part, which only the registry knows.
  if (type.includes('manifest.v1')) {
    if (given) return given;
    throw new RegistryAnswerError(
      `Image '${nameOf(image)}' has a schema 1 manifest without a digest; push it again with a current tool.`,
    );
  }
  const algorithm = given?.startsWith('sha512:') ? 'sha512' : 'sha256';
  const computed = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
  if (given && given !== computed) {
    throw new RegistryAnswerError(
      `Image '${nameOf(image)}': ${image.registry} names digest ${given}, but the manifest has ${computed}.`,
    );
  }
  return computed;
}

function isManifest(bytes: Buffer): boolean {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && 'schemaVersion' in parsed;
  } catch {
    return false;
  }
}

function digestHeader(answer: Answer): string | undefined {
  const value = firstOf(answer.headers['docker-content-digest']);
  return value && DIGEST.test(value) ? value : undefined;
}

function firstOfAll(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

/** What the registry says of an error in its own words, shortened (distribution specification, Error Codes). */
async function errorText(answer: Answer): Promise<string> {
  try {
    const { errors } = JSON.parse((await readBody(answer.body, 16_384)).toString('utf8'));
    const [{ code, message }] = errors as [{ code?: unknown; message?: unknown }];
    return [code, message]
      .filter((part) => typeof part === 'string' && part !== '')
      .join(': ')
      .slice(0, 200);
  } catch {
    return '';
  }
}

function retryAfterMs(answer: Answer): number | undefined {
  const seconds = Number(firstOf(answer.headers['retry-after']));
  return seconds > 0 ? seconds * 1000 : undefined;
}

function unauthorizedSentence(
  image: ImageName,
  tried: readonly Credential[],
  keyring: Keyring,
  refusal: string,
): string {
  const subject = `Image '${nameOf(image)}' is private or does not exist: ${refusal}`;
  const problems = keyring.problems.map((problem) => `; ${problem}`).join('');
  if (tried.length > 0) {
    const names = [...new Set(tried.map((credential) => `"${credential.secret}"`))].join(', ');
    return `${subject} with the credentials of secret ${names}${problems}.`;
  }
  const others = keyring.secrets.map((name) => `"${name}"`).join(', ');
  const none = others ? `none of the pull secrets (${others}) is for it` : 'no pull secret is for it';
  return `${subject} to an anonymous request and ${none}${problems}.`;
}
