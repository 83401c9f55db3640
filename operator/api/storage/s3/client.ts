import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { type Dispatcher, errors } from 'undici';
import { type Listed, type ListPage, noList, readList, refusal } from './answer.ts';
import { S3Error } from './errors.ts';

/** Keys of an account that may read, write, list and delete objects of the bucket. */
export interface S3Keys {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface S3Options {
  /** Where the store is, such as https://s3.example.com; its buckets are paths of it. */
  endpoint: string;
  bucket: string;
  region: string;
  /** Read for each request: a Secret may change. */
  keys: () => Promise<S3Keys>;
  dispatcher: Dispatcher;
  /** How long an answer may take to begin, and to go on, in milliseconds. */
  timeoutMs: number;
  /** Waits before the second and third try; the usual ones when left out. */
  retryMs?: readonly number[];
}

interface Outgoing {
  method: 'GET' | 'PUT' | 'DELETE';
  /** '' is the bucket. */
  key: string;
  query?: Record<string, string>;
  body?: Uint8Array;
}

/** What a text may have: far more than a page of a listing. */
const LONGEST_TEXT = 4 << 20;
/** A store is to be asked again where it is busy or gone (S3 user guide, Error retries); each request can be repeated. */
const RETRY_MS = [200, 1000];
const AGAIN: ReadonlySet<string> = new Set(['S3_BUSY', 'S3_UNREACHABLE', 'S3_TIMEOUT']);

/** The few requests of the S3 API that small objects need, with addresses that have the bucket in the path. */
export class S3Client {
  readonly #options: S3Options;

  constructor(options: S3Options) {
    this.#options = options;
  }

  /** Writes an object as a whole. @throws {S3Error} */
  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#text({ method: 'PUT', key, body });
  }

  /**
   * The bytes of an object as they arrive; undefined where there is none.
   * @throws {S3Error} also while it is read.
   */
  async get(key: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const answer = await this.#again(() => this.#send({ method: 'GET', key }));
    return answer && bytesOf(answer, this.#title({ method: 'GET', key }));
  }

  /** A short object; undefined where there is none. @throws {S3Error} */
  getText(key: string): Promise<string | undefined> {
    return this.#text({ method: 'GET', key });
  }

  /** Removes an object, if there is one. @throws {S3Error} */
  async delete(key: string): Promise<void> {
    await this.#text({ method: 'DELETE', key });
  }

  /** All objects whose keys begin with a prefix, by their keys. @throws {S3Error} */
  async *list(prefix: string): AsyncIterable<Listed> {
    for await (const { objects } of this.#pages({ prefix })) {
      if (!objects.every(({ key }) => key.startsWith(prefix))) throw noList('it has what was not asked for');
      yield* objects;
    }
  }

  /** The next parts of the keys that begin with a prefix, up to the next slash. @throws {S3Error} */
  async folders(prefix: string): Promise<string[]> {
    const found: string[] = [];
    for await (const { prefixes } of this.#pages({ prefix, delimiter: '/' })) found.push(...prefixes);
    return [...new Set(found)].map((each) => each.slice(prefix.length, -1));
  }

  async *#pages(asked: Record<string, string>): AsyncIterable<ListPage> {
    const query: Record<string, string> = { 'list-type': '2', ...asked };
    for (;;) {
      const page = readList((await this.#text({ method: 'GET', key: '', query })) ?? '');
      yield page;
      if (page.next === undefined) return;
      if (page.next === query['continuation-token']) throw noList('it gives the same page again');
      query['continuation-token'] = page.next;
    }
  }

  /** What is answered, as a whole; undefined where there is no such object. */
  #text(outgoing: Outgoing): Promise<string | undefined> {
    return this.#again(async () => {
      const answer = await this.#send(outgoing);
      return answer && textOf(answer, this.#title(outgoing));
    });
  }

  async #again<T>(act: () => Promise<T>): Promise<T> {
    const waits = this.#options.retryMs ?? RETRY_MS;
    for (let tried = 0; ; tried++) {
      try {
        return await act();
      } catch (error) {
        const wait = waits[tried];
        if (wait === undefined || !(error instanceof S3Error) || !AGAIN.has(error.code)) throw error;
        await delay(wait);
      }
    }
  }

  #title({ method, key }: Outgoing): string {
    return `${method} /${this.#options.bucket}${key && `/${key}`}`;
  }

  /** @returns undefined where there is no such object. */
  async #send(outgoing: Outgoing): Promise<Dispatcher.ResponseData | undefined> {
    const { dispatcher, timeoutMs } = this.#options;
    const { url, headers } = await this.#signed(outgoing);
    const what = this.#title(outgoing);
    const answer = await dispatcher
      .request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: outgoing.method,
        headers,
        body: outgoing.body ?? null,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      })
      .catch((cause: unknown) => {
        throw broken(what, cause);
      });
    if (answer.statusCode < 300) return answer;
    // Its status says enough, however its body ends.
    const refused = refusal(what, answer.statusCode, await textOf(answer, what).catch(() => ''));
    if (refused.code === 'S3_NO_OBJECT' && outgoing.method !== 'PUT') return undefined;
    throw refused;
  }

  async #signed({ method, key, query = {}, body }: Outgoing) {
    const { endpoint, bucket, region, keys } = this.#options;
    const url = new URL(`${endpoint.replace(/\/$/, '')}/${bucket}${key && `/${key}`}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const hash = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const signer = new AwsV4Signer({
      ...(await keys()),
      method,
      url: url.href,
      headers: { 'x-amz-content-sha256': hash },
      service: 's3',
      region,
    });
    const signed = await signer.sign();
    return { url: new URL(signed.url), headers: Object.fromEntries(signed.headers) };
  }
}

async function* bytesOf({ body }: Dispatcher.ResponseData, what: string): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (cause) {
    throw broken(what, cause);
  }
}

async function textOf(answer: Dispatcher.ResponseData, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of bytesOf(answer, what)) {
    bytes += chunk.length;
    if (bytes > LONGEST_TEXT) throw new S3Error('S3_ANSWER', `${what}: the store's answer is too long.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function broken(what: string, cause: unknown): S3Error {
  const slow = cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError;
  if (slow || cause instanceof errors.ConnectTimeoutError) {
    return new S3Error('S3_TIMEOUT', `${what}: the store did not answer in time.`, cause);
  }
  // Where each address of a name has failed there is a code alone.
  const { message, code } = cause as NodeJS.ErrnoException;
  return new S3Error('S3_UNREACHABLE', `${what}: the store is not reached: ${message || code}.`, cause);
}
