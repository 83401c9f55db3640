import { MAX_REVISIONS } from './limits.ts';
import { REJECTIONS, type RejectionReason } from './rejections.ts';

/** Cells of the hash table in which clients are counted by address. */
const ADDRESSES = 16_384;

/** Gauges of the whole process, by their cell. */
export const CONNECTIONS = 0;
export const HTTP1_CONNECTIONS = 1;
export const HTTP2_CONNECTIONS = 2;
export const QUEUED = 3;
export const REQUEST_BYTES = 4;
export const ANSWER_BYTES = 5;
export const HEADER_BYTES = 6;
export const WEBSOCKETS = 7;
export const TLS_CONNECTIONS = 8;
const ADDRESS_CONNECTIONS = 9;
const ADDRESS_QUEUED = ADDRESS_CONNECTIONS + ADDRESSES;
/** Two for each revision: bytes of requests and of responses. */
const REVISION_BYTES = ADDRESS_QUEUED + ADDRESSES;

function cells(): number {
  return REVISION_BYTES + 2 * MAX_REVISIONS;
}

/** What a limit did to a connection or a response. */
export const LIMIT_ACTIONS = [
  'closedForCap',
  'closedForHandshakeTime',
  'closedForHeaderTime',
  'closedForHeaderBytes',
  'closedForIdleness',
  'closedForLingering',
  'closedForPipelining',
  'refusedConnections',
  'cutForStalling',
] as const;

const OTHER_EVENTS = [
  'clientLeft',
  'internalError',
  'repeated',
  'forwarded',
  'ejected',
  'accessLogDropped',
  'spansDropped',
  'failedHandshakes',
] as const;
export const REJECTION_REASONS = Object.keys(REJECTIONS) as RejectionReason[];

/** What is counted for the whole process: limits that took effect, rejections by reason, and other events. */
const EVENTS = [...LIMIT_ACTIONS, ...REJECTION_REASONS, ...OTHER_EVENTS] as const;
export type Event = (typeof EVENTS)[number];
const EVENT_INDEX = new Map<Event, number>(EVENTS.map((event, i) => [event, i]));

/** Bytes of shared memory that {@link Usage} needs; untouched pages cost nothing. */
export function usageBytes(threads: number): number {
  const amounts = Int32Array.BYTES_PER_ELEMENT * cells() * (threads + 1);
  return amounts + BigInt64Array.BYTES_PER_ELEMENT * (EVENTS.length + 1);
}

/** Amounts that can be read and changed, each in a numbered cell. */
export interface Amounts {
  get(cell: number): number;
  /** @returns the amount after the change. */
  add(cell: number, delta: number): number;
}

/** What the whole process holds at the moment, and how often its limits took effect since it started. */
export interface UsageReport {
  connections: number;
  http1Connections: number;
  http2Connections: number;
  queued: number;
  requestBytes: number;
  answerBytes: number;
  headerBytes: number;
  websockets: number;
  tlsConnections: number;
  /** How often each event has occurred. */
  count: (event: Event) => number;
}

/**
 * What clients use of a gateway process, over all of its threads: connections, queue entries, memory. Limits of the
 * process are exact this way, whichever thread accepted a connection.
 */
export class Usage {
  readonly #all: Int32Array;
  /** The part of each thread, so that it can be subtracted when the thread ends. */
  readonly #own: Int32Array[];
  readonly #events: BigInt64Array;

  constructor(memory: SharedArrayBuffer, offset: number, threads: number) {
    const length = cells();
    const row = (index: number) =>
      new Int32Array(memory, offset + index * length * Int32Array.BYTES_PER_ELEMENT, length);
    this.#all = row(0);
    this.#own = Array.from({ length: threads }, (_, thread) => row(thread + 1));
    const end = offset + (threads + 1) * length * Int32Array.BYTES_PER_ELEMENT;
    // It begins at a multiple of its elements' size.
    const aligned = Math.ceil(end / BigInt64Array.BYTES_PER_ELEMENT) * BigInt64Array.BYTES_PER_ELEMENT;
    this.#events = new BigInt64Array(memory, aligned, EVENTS.length);
  }

  /** The writer of one thread. */
  writer(thread: number): UsageWriter {
    return new UsageWriter(this.#all, this.#own[thread] as Int32Array, this.#events);
  }

  read(): UsageReport {
    const at = (cell: number) => Atomics.load(this.#all, cell);
    return {
      connections: at(CONNECTIONS),
      http1Connections: at(HTTP1_CONNECTIONS),
      http2Connections: at(HTTP2_CONNECTIONS),
      queued: at(QUEUED),
      requestBytes: at(REQUEST_BYTES),
      answerBytes: at(ANSWER_BYTES),
      headerBytes: at(HEADER_BYTES),
      websockets: at(WEBSOCKETS),
      tlsConnections: at(TLS_CONNECTIONS),
      count: (event) => Number(Atomics.load(this.#events, EVENT_INDEX.get(event) as number)),
    };
  }

  /** Releases what a thread that ended held. */
  forget(thread: number): void {
    const own = this.#own[thread] as Int32Array;
    for (let cell = 0; cell < own.length; cell++) {
      // A page that is only read costs no memory.
      if (Atomics.load(own, cell) === 0) continue;
      Atomics.sub(this.#all, cell, Atomics.exchange(own, cell, 0));
    }
  }
}

/** What one thread adds to {@link Usage}, and the sums over all threads. */
export class UsageWriter implements Amounts {
  readonly #all: Int32Array;
  readonly #own: Int32Array;
  readonly #events: BigInt64Array;

  constructor(all: Int32Array, own: Int32Array, events: BigInt64Array) {
    this.#all = all;
    this.#own = own;
    this.#events = events;
  }

  get(cell: number): number {
    return Atomics.load(this.#all, cell);
  }

  add(cell: number, delta: number): number {
    Atomics.add(this.#own, cell, delta);
    return Atomics.add(this.#all, cell, delta) + delta;
  }

  count(event: Event, times = 1): void {
    Atomics.add(this.#events, EVENT_INDEX.get(event) as number, BigInt(times));
  }
}

/** Bytes that are held for requests of a revision. */
export const requestBytesOf = (revision: number): number => REVISION_BYTES + 2 * revision;
/** Bytes of a revision's responses that clients have not read. */
export const answerBytesOf = (revision: number): number => REVISION_BYTES + 2 * revision + 1;
/** Open connections from the addresses that share a cell. */
export const connectionsFrom = (address: number): number => ADDRESS_CONNECTIONS + address;
/** Requests that wait, from the addresses that share a cell. */
export const queuedFrom = (address: number): number => ADDRESS_QUEUED + address;

/** The cell of an address: two addresses rarely share one. An IPv6 client owns its /64, so only that part counts. */
export function addressCell(address: string): number {
  const subject = address.includes(':') ? ipv6Network(address) : address;
  let hash = 0x811c9dc5;
  for (let i = 0; i < subject.length; i++) hash = Math.imul(hash ^ subject.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  return (hash >>> 0) % ADDRESSES;
}

/** The first four groups of an IPv6 address. */
function ipv6Network(address: string): string {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    while (groups.length + last.length < 8) groups.push('0');
  }
  return groups.slice(0, 4).join(':');
}
