/** What clients may use of a gateway process: `gateway.limits` of the chart's values. */
export type Limits = Readonly<
  Record<
    | 'connections'
    | 'http2Connections'
    | 'tlsConnections'
    | 'connectionsPerAddress'
    | 'queue'
    | 'queuePerAddress'
    | 'headerSeconds'
    | 'firstRequestSeconds'
    | 'lingerSeconds'
    | 'headerMebibytes'
    | 'requestMebibytes'
    | 'answerMebibytes',
    number
  >
>;

/** How many instances and revisions one gateway process can hold at the same time. Only rows that are used take memory. */
export const MAX_INSTANCES = 65_536;
export const MAX_REVISIONS = 32_768;
/** A revision without `containerConcurrency` takes any number of requests. */
export const UNLIMITED = 0x3fffffff;

/**
 * For the API server's answer to a higher number of instances. Requests may wait for it for as little as ten seconds, and the
 * connection may be dead without a word: that is time for another attempt. One that is late after all does no harm, as a lower
 * number might: its instances get requests again.
 */
export const RAISE_MS = 4_000;

/** Longer than the idle time of any load balancer before the gateway, so that the gateway never closes first. */
export const KEEP_ALIVE_MS = 620_000;
/** A header section may have this many bytes, names and values together. */
export const MAX_HEADER_BYTES = 64 * 1024;
/** A header section may have this many fields; each part of a split cookie counts (RFC 9113, 8.2.3). */
export const MAX_HEADER_FIELDS = 500;
/** Streams that a client may have open at a time on one HTTP/2 connection (RFC 9113, 6.5.2). */
export const MAX_STREAMS = 100;
/** As many when there are many connections: a stream costs 6 kB, even one that is rejected. */
const MIN_STREAMS = 10;
/** Streams that connections share equally, within these two bounds. */
const SHARED_STREAMS = 15_000;
/** Requests that may wait behind another one on an HTTP/1.1 connection. */
export const MAX_PIPELINED = 32;

/** Bytes of a body that a client may send on an HTTP/2 stream before they are read (RFC 9113, 6.9.2: the default). */
export const HTTP2_WINDOW = 65_535;
/** Bytes of a body that an HTTP/1.1 connection may hold unread: two reads of a socket. */
export const HTTP1_WINDOW = 128 * 1024;

/** Memory for a request's objects and the strings of an ordinary header section. */
export const REQUEST_BYTES = 6 * 1024;
/** Header sections beyond this size are counted for as long as the request lasts. */
const LARGE_HEAD = 8 * 1024;

/**
 * How many streams a client may have open at a time on a new HTTP/2 connection: 100 on each of the first 150, a share of
 * 15,000 on those after them, and never fewer than 10. So 2,000 connections have 55,000 streams at most, whatever their
 * order: of those that are open, each has found at least those before it.
 * @param connections of HTTP/2 that are open, with the new one.
 */
export function streamsOfConnection(connections: number): number {
  return Math.max(MIN_STREAMS, Math.min(MAX_STREAMS, Math.floor(SHARED_STREAMS / connections)));
}

/** Memory for a waiting request. @param body bytes of its body that may arrive meanwhile. */
export function waitingBytes(head: number, body: number): number {
  return REQUEST_BYTES + (head > LARGE_HEAD ? 0 : head) + body;
}

/** Memory for a large header section, which the request holds until it ends: as received, and as forwarded. */
export function largeHeadBytes(head: number): number {
  return head > LARGE_HEAD ? 2 * head : 0;
}

export const TOO_MANY_FIELDS = `The request has more than ${MAX_HEADER_FIELDS} header fields.`;
export const TOO_LARGE = 'The request headers are too large.';

/**
 * Which limit a header section exceeds, as a message for the client; undefined when none (RFC 6585, 5).
 * @param raw names and values, alternating, as received.
 */
export function headerSectionError(raw: readonly string[]): string | undefined {
  if (raw.length / 2 > MAX_HEADER_FIELDS) return TOO_MANY_FIELDS;
  let bytes = 0;
  for (const text of raw) bytes += text.length;
  return bytes > MAX_HEADER_BYTES ? TOO_LARGE : undefined;
}
