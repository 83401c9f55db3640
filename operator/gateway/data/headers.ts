import type { RequestSpan } from './traceContext.ts';

/** Names and values, alternating, as received: `[name, value, name, value]`. */
export type FlatHeaders = string[];

/** What a gateway says of a request that it forwards to another one. */
export interface Hop {
  revision: string;
  /** How often the request has been forwarded. */
  count: number;
  /** How often it was to be served here before the gateways had settled where its revision's requests go. */
  attempts: number;
}

/** What the gateway needs to know of a request's headers, found in one pass. */
export interface RequestHead {
  /** The headers for the instance, without those that frame the body. */
  headers: FlatHeaders;
  /** The Host header; undefined when there is none or more than one. */
  host: string | undefined;
  /** Size of the header section as received: names and values together. */
  bytes: number;
  /** Bytes that follow: undefined when the length is not given (chunked, or an HTTP/2 stream). */
  contentLength: number | undefined;
  chunked: boolean;
  /** A transfer coding other than chunked was applied to the body (RFC 9112, 6.1). */
  otherCoding: boolean;
  expectsContinue: boolean;
  /** The client takes trailers, which gRPC needs (RFC 9110, 6.5.1). */
  trailers: boolean;
  /** The client's affinity cookie; read only where the revision has session affinity. */
  affinity: string | undefined;
  /** X-Forwarded-For as received. */
  forwardedFor: string | undefined;
  /** The trace context, as received until it is completed for the instance. */
  traceparent: string | undefined;
  cloudTrace: string | undefined;
  /** The gateway's span of a sampled request, null of one that is not; undefined where that is not decided, or no tracing. */
  span: RequestSpan | null | undefined;
  peer: Peer;
  /** Set when another gateway has forwarded the request. */
  hop: Hop | undefined;
  /** The last of the headers names the revision for another gateway. */
  marked: boolean;
}

/** The client of a connection. Made once for each connection; it caches the last values that it built. */
export class Peer {
  readonly address: string;
  readonly isGateway: boolean;
  /** The last round of shedding that this connection took part in. */
  shedRound: number;
  /** `https` when its connection has TLS; otherwise a load balancer may have terminated it. */
  readonly scheme: 'https' | undefined;
  readonly #node: string;
  #host = '';
  #proto = '';
  #forwarded = '';

  /** @param isGateway whether it is another gateway, which forwards requests. */
  constructor(remoteAddress: string | undefined, shedRound = 0, isSecure = false, isGateway = false) {
    this.shedRound = shedRound;
    this.scheme = isSecure ? 'https' : undefined;
    this.isGateway = isGateway;
    this.address = plainAddress(remoteAddress);
    this.#node = this.address.includes(':') ? `"[${this.address}]"` : this.address;
  }

  /** This hop's element of the Forwarded header (RFC 7239, 4). */
  forwarded(host: string, proto: string): string {
    if (host !== this.#host || proto !== this.#proto) {
      this.#host = host;
      this.#proto = proto;
      const quoted = /^[A-Za-z0-9_.-]+$/.test(host) ? host : `"${host.replace(/["\\]/g, '\\$&')}"`;
      this.#forwarded = `for=${this.#node};host=${quoted};proto=${proto}`;
    }
    return this.#forwarded;
  }
}

/** A dual-stack listener shows IPv4 clients as mapped IPv6 addresses. */
export function plainAddress(remoteAddress = 'unknown'): string {
  return remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress;
}

const COMMON_CONNECTION = /^(?:keep-alive|close)$/i;

/** Header names that a Connection header declares hop-by-hop (RFC 9110, 7.6.1). */
export function namedByConnection(values: string | undefined): Set<string> | undefined {
  if (values === undefined || COMMON_CONNECTION.test(values)) return undefined;
  return new Set(values.toLowerCase().split(/[\s,]+/));
}

function connectionOf(raw: readonly string[]): string | undefined {
  let found: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    found = found === undefined ? raw[i + 1] : `${found},${raw[i + 1]}`;
  }
  return found;
}

/**
 * The request as the instance gets it: headers of this hop removed, X-Forwarded-* and Forwarded completed (Knative
 * runtime contract, Protocols and Ports; RFC 7239).
 * @param raw the headers as the client sent them.
 */
export function requestHead(raw: readonly string[], peer: Peer, authority?: string): RequestHead {
  const headers: FlatHeaders = [];
  const named = namedByConnection(connectionOf(raw));
  let host = authority;
  let hosts = 0;
  let bytes = 0;
  let contentLength: number | undefined;
  let chunked = false;
  let expectsContinue = false;
  let otherCoding = false;
  let trailers = false;
  let forwardedFor: string | undefined;
  let forwardedHost: string | undefined;
  let forwarded: string | undefined;
  let proto: string | undefined;
  let traceparent: string | undefined;
  let cloudTrace: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    bytes += name.length + value.length;
    // Comparing lengths first spares most names the lower-casing.
    switch (name.length) {
      case 2:
        if (name.toLowerCase() === 'te') {
          trailers = /(?:^|[\s,])trailers(?:$|[\s,;])/i.test(value);
          continue;
        }
        break;
      case 4:
        if (name.toLowerCase() === 'host') {
          hosts++;
          host ??= value;
          continue;
        }
        break;
      case 6:
        if (name.toLowerCase() === 'expect') {
          expectsContinue = value.toLowerCase() === '100-continue';
          continue;
        }
        break;
      case 7: {
        const lower = name.toLowerCase();
        if (lower === 'upgrade' || lower === 'trailer') continue;
        break;
      }
      case 9:
        if (name.toLowerCase() === 'forwarded') {
          forwarded = forwarded === undefined ? value : `${forwarded}, ${value}`;
          continue;
        }
        break;
      case 10: {
        const lower = name.toLowerCase();
        if (lower === 'connection' || lower === 'keep-alive') continue;
        break;
      }
      case 11:
        if (name.toLowerCase() === 'traceparent') {
          traceparent = traceparent === undefined ? value : `${traceparent}, ${value}`;
        }
        break;
      case 14: {
        const lower = name.toLowerCase();
        if (lower === 'http2-settings') continue;
        if (lower === 'content-length') {
          // The upstream frames the body itself, whatever Connection may name.
          contentLength = Number(value);
          continue;
        }
        break;
      }
      case 15:
        if (name.toLowerCase() === 'x-forwarded-for') {
          forwardedFor = forwardedFor === undefined ? value : `${forwardedFor}, ${value}`;
          continue;
        }
        break;
      case 16: {
        const lower = name.toLowerCase();
        if (lower === 'proxy-connection') continue;
        if (lower === 'x-forwarded-host') {
          forwardedHost ??= value;
          continue;
        }
        break;
      }
      case 17: {
        const lower = name.toLowerCase();
        if (lower === 'x-forwarded-proto') {
          // The previous hop is the load balancer that terminated TLS: it alone knows the client's protocol.
          const given = value.toLowerCase();
          if (given === 'http' || given === 'https') proto = given;
          continue;
        }
        if (lower === 'transfer-encoding') {
          chunked = true;
          if (value.toLowerCase() !== 'chunked') otherCoding = true;
          continue;
        }
        break;
      }
      case 19:
        if (name.toLowerCase() === 'proxy-authorization') continue;
        break;
      case 21:
        if (name.toLowerCase() === 'x-cloud-trace-context') {
          cloudTrace = cloudTrace === undefined ? value : `${cloudTrace}, ${value}`;
        }
        break;
    }
    if (named?.has(name.toLowerCase())) continue;
    headers.push(name, value);
  }
  if (hosts > 1) host = undefined;
  if (named?.has('traceparent')) traceparent = undefined;
  if (named?.has('x-cloud-trace-context')) cloudTrace = undefined;
  const known = host ?? '';
  const scheme = peer.scheme ?? proto ?? 'http';
  headers.push('host', known);
  if (peer.isGateway) {
    // The gateway that the client is connected to has completed them.
    if (forwardedFor) headers.push('x-forwarded-for', forwardedFor);
    headers.push('x-forwarded-proto', scheme, 'x-forwarded-host', forwardedHost ?? known);
    if (forwarded) headers.push('forwarded', forwarded);
  } else {
    const element = peer.forwarded(known, scheme);
    headers.push(
      'x-forwarded-for',
      forwardedFor ? `${forwardedFor}, ${peer.address}` : peer.address,
      'x-forwarded-proto',
      scheme,
      'x-forwarded-host',
      forwardedHost ?? known,
      'forwarded',
      forwarded ? `${forwarded}, ${element}` : element,
    );
  }
  return {
    headers,
    host,
    bytes,
    contentLength,
    chunked,
    otherCoding,
    expectsContinue,
    trailers,
    affinity: undefined,
    forwardedFor,
    traceparent,
    cloudTrace,
    span: undefined,
    peer,
    hop: undefined,
    marked: false,
  };
}

/** The value of the first header of this (lower case) name. */
export function headerValue(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i] as string;
    if (candidate.length === name.length && candidate.toLowerCase() === name) return headers[i + 1];
  }
  return undefined;
}
