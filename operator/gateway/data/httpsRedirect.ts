import type { Certificates } from './certificates.ts';
import { headerValue, type RequestHead } from './headers.ts';
import { normalHost } from './router.ts';

const HTTPS_PORT = 443;

/**
 * Sends clients without TLS to the same URL with it (Cloud Run, Invoke with an HTTPS request: all HTTP requests are
 * redirected), where there is a certificate for the host. What a load balancer has received over TLS is left alone.
 */
export class HttpsRedirect {
  readonly #certificates: Certificates;
  readonly #port: string;

  /** @param port under which clients reach the gateway with TLS. */
  constructor(certificates: Certificates, port: number) {
    this.#certificates = certificates;
    this.#port = port === HTTPS_PORT ? '' : `:${port}`;
  }

  /** The URL to go to; undefined for a request that is to be served. @param path with its query. */
  target({ host = '', headers }: RequestHead, path: string): string | undefined {
    if (this.#certificates.size === 0) return undefined;
    const name = normalHost(host);
    if (name === undefined || !this.#certificates.covers(name)) return undefined;
    if (headerValue(headers, 'x-forwarded-proto') === 'https') return undefined;
    return `https://${name}${this.#port}${path.replace(/[^!-~]/g, encodeByte)}`;
  }
}

/** A byte above 0x7f, which a target may have and a URL may not. */
function encodeByte(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
