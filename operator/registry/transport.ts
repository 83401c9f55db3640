import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { type Dispatcher, EnvHttpProxyAgent } from 'undici';

const MAX_REDIRECTS = 5;

/** `registry.caFile` cannot be read. */
export class RegistryCaError extends Error {
  readonly code = 'REGISTRY_CA';
}

/** A redirect that is not followed. */
export class RedirectError extends Error {
  readonly code = 'REGISTRY_REDIRECT';
}

/** The answer to a request, after its redirects; the body must be read or dumped. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Dispatcher.ResponseData['body'];
}

export interface Outgoing {
  method: 'GET' | 'HEAD' | 'POST';
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/**
 * Connections to registries and their token services: HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured, and
 * the authorities of `caFile` are trusted besides the public ones.
 * @throws {RegistryCaError} when the file cannot be read.
 */
export function createDispatcher(caFile?: string): Dispatcher {
  const tls = caFile ? { ca: [...getCACertificates('default'), readAuthorities(caFile)] } : {};
  return new EnvHttpProxyAgent({ allowH2: false, connect: tls, requestTls: tls, proxyTls: tls });
}

/**
 * Sends a request and follows redirects. Credentials stay with the first origin, and HTTPS is never left for
 * HTTP: what follows is a stranger's choice.
 * @throws {RedirectError} on a redirect that is not followed; undici's errors on a failed connection.
 */
export async function send(dispatcher: Dispatcher, url: URL, outgoing: Outgoing): Promise<Answer> {
  let target = url;
  let { headers } = outgoing;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const {
      statusCode,
      headers: received,
      body,
    } = await dispatcher.request({
      origin: target.origin,
      path: target.pathname + target.search,
      method: outgoing.method,
      headers,
      body: outgoing.body,
      signal: outgoing.signal,
    });
    const location = firstOf(received.location);
    if (statusCode < 300 || statusCode > 399 || !location)
      return { status: statusCode, headers: received, body };
    await body.dump();
    if (!URL.canParse(location, target.href))
      throw new RedirectError(`redirect to "${location}", which is no URL`);
    const next = new URL(location, target.href);
    if (next.protocol !== 'https:' && next.protocol !== target.protocol) {
      throw new RedirectError(`redirect from ${target.origin} to ${next.origin}, which is not HTTPS`);
    }
    if (next.origin !== target.origin) headers = withoutCredentials(headers);
    target = next;
  }
  throw new RedirectError(`more than ${MAX_REDIRECTS} redirects`);
}

/** The first value of a header that may have come several times. */
export function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/**
 * The body as bytes.
 * @throws {RangeError} past `limit` bytes.
 */
export async function readBody(body: Answer['body'], limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new RangeError(`the answer is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readAuthorities(caFile: string): string {
  try {
    return readFileSync(caFile, 'utf8');
  } catch (cause) {
    throw new RegistryCaError(`configuration: registry.caFile "${caFile}" cannot be read`, { cause });
  }
}

function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
  );
}
