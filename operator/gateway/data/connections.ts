import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { clock } from '../shared/clock.ts';
import { KEEP_ALIVE_MS, type Limits, MAX_STREAMS, streamsOfConnection } from '../shared/limits.ts';
import { REJECTIONS, type Rejection } from '../shared/rejections.ts';
import {
  CONNECTIONS,
  connectionsFrom,
  HEADER_BYTES,
  HTTP1_CONNECTIONS,
  HTTP2_CONNECTIONS,
  TLS_CONNECTIONS,
  type UsageWriter,
} from '../shared/usage.ts';
import type { Budget } from './budget.ts';
import { Connection } from './connection.ts';
import type { ConnectionSet } from './connectionSet.ts';
import type { Deadlines, Timed } from './deadlines.ts';
import { rejectSocket } from './downstream/socket.ts';

/** How often connections are looked at for header sections that are not complete. */
const LOOK_MS = 200;
/** From a connection's accept to the end of its TLS handshake: two or three packets from the client. */
const HANDSHAKE_MS = 10_000;
const MEBIBYTE = 1024 * 1024;
/** Less than this is the ordinary begin of a header section. */
const NOTABLE_BYTES = 512;

const NO_LIMITS = {
  connections: Number.MAX_SAFE_INTEGER,
  http2Connections: Number.MAX_SAFE_INTEGER,
  connectionsPerAddress: Number.MAX_SAFE_INTEGER,
};

export interface ConnectionsOptions {
  deadlines: Deadlines;
  limits: Limits;
  usage: UsageWriter;
  requestBytes: Budget;
  /** Other gateways forward the requests of many clients, whose connections are limited where they are. */
  fromGateways?: boolean;
}

/** The open connections of one thread, and the limits that the whole process has for them. */
export class Connections implements ConnectionSet<Connection> {
  readonly deadlines: Deadlines;
  readonly usage: UsageWriter;
  readonly requestBytes: Budget;
  readonly handshakeMs: number;
  readonly headerMs: number;
  readonly firstRequestMs: number;
  readonly lingerMs: number;
  readonly #limits: Limits;
  readonly #fromGateways: boolean;
  readonly #open = new Set<Connection>();
  #idleLongest: Connection | undefined;
  #idleShortest: Connection | undefined;
  #headerBytes = 0;
  #looking: NodeJS.Timeout | undefined;

  constructor({ deadlines, limits, usage, requestBytes, fromGateways = false }: ConnectionsOptions) {
    this.deadlines = deadlines;
    this.usage = usage;
    this.requestBytes = requestBytes;
    this.headerMs = limits.headerSeconds * 1000;
    this.handshakeMs = Math.min(HANDSHAKE_MS, this.headerMs);
    this.firstRequestMs = limits.firstRequestSeconds * 1000;
    this.lingerMs = limits.lingerSeconds * 1000;
    this.#limits = fromGateways ? { ...limits, ...NO_LIMITS } : limits;
    this.#fromGateways = fromGateways;
  }

  /** Accepts a new connection, with TLS or without; undefined when it exceeds a limit, and then it is closed. */
  open(socket: Socket, isSecure = false): Connection | undefined {
    // It was reset before it was accepted.
    if (socket.destroyed || socket.remoteAddress === undefined) {
      socket.destroy();
      return undefined;
    }
    const connection = new Connection(socket, this, isSecure);
    this.#open.add(connection);
    const address = connectionsFrom(connection.address);
    this.usage.add(CONNECTIONS, 1);
    const same = this.usage.add(address, 1);
    const withTls = isSecure ? this.usage.add(TLS_CONNECTIONS, 1) : 0;
    const { connections, connectionsPerAddress, tlsConnections } = this.#limits;
    const room =
      (same <= connectionsPerAddress || this.#evict(({ address }) => address === connection.address)) &&
      (withTls <= tlsConnections || this.#evict(({ isSecure }) => isSecure)) &&
      (this.usage.get(CONNECTIONS) <= connections || this.#evict(() => true));
    if (!room) {
      connection.close('refusedConnections');
      return undefined;
    }
    this.becameIdle(connection);
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS).unref();
    return connection;
  }

  closed(connection: Connection): void {
    if (!this.#open.delete(connection)) return;
    if (connection.idle) this.busy(connection);
    this.usage.add(CONNECTIONS, -1);
    this.usage.add(connectionsFrom(connection.address), -1);
    if (connection.isSecure) this.usage.add(TLS_CONNECTIONS, -1);
  }

  /** Counts a connection by its protocol. @returns how many there are. */
  count(protocol: 'http1' | 'http2', delta: 1 | -1): number {
    return this.usage.add(protocol === 'http1' ? HTTP1_CONNECTIONS : HTTP2_CONNECTIONS, delta);
  }

  /** Whether so many HTTP/2 connections, the new one included, are within the limit. An idle one may be closed for it. */
  hasRoomForHttp2(connections: number): boolean {
    return (
      connections <= this.#limits.http2Connections || this.#evict(({ session }) => session !== undefined)
    );
  }

  /** How many streams the next HTTP/2 connection may have open at a time. */
  get streams(): number {
    return this.#fromGateways ? MAX_STREAMS : streamsOfConnection(this.usage.get(HTTP2_CONNECTIONS));
  }

  becameIdle(connection: Connection): void {
    connection.idle = true;
    connection.idleSince = clock();
    connection.idleLonger = this.#idleShortest;
    if (this.#idleShortest) this.#idleShortest.idleShorter = connection;
    else this.#idleLongest = connection;
    this.#idleShortest = connection;
  }

  busy(connection: Connection): void {
    const { idleLonger, idleShorter } = connection;
    if (idleLonger) idleLonger.idleShorter = idleShorter;
    else this.#idleLongest = idleShorter;
    if (idleShorter) idleShorter.idleLonger = idleLonger;
    else this.#idleShortest = idleLonger;
    connection.idle = false;
    connection.idleLonger = undefined;
    connection.idleShorter = undefined;
  }

  /** Responds with one line of text on a connection whose request is incomplete, and closes it. */
  reject(connection: Connection, { reason, message, fields }: Rejection, toHead = false): void {
    this.usage.count(reason);
    rejectSocket(connection.socket, REJECTIONS[reason], message, toHead, fields);
    connection.rejected();
  }

  /** The response on this stream is sent, but the client still sends the request's body (RFC 9113, 8.1). */
  linger(stream: ServerHttp2Stream): void {
    if (stream.destroyed || stream.readableEnded) return;
    const lingering = new LingeringStream(stream, this.usage);
    this.deadlines.add(lingering, this.lingerMs, clock());
    stream.once('close', () => this.deadlines.remove(lingering));
  }

  /** Closes the connection that has been idle longest of those that match. @returns false when there is none. */
  #evict(matches: (connection: Connection) => boolean): boolean {
    let connection = this.#idleLongest;
    while (connection) {
      const next: Connection | undefined = connection.idleShorter;
      if (matches(connection)) {
        if (connection.pendingBytes === 0) {
          connection.close('closedForCap');
          return true;
        }
        // A request is arriving. The connection is idle again when it has been answered.
        this.busy(connection);
      }
      connection = next;
    }
    return false;
  }

  /** Checks incomplete header sections: overdue ones of HTTP/2, and too many bytes of all together. */
  #look(): void {
    if (this.#open.size === 0) {
      clearInterval(this.#looking);
      this.#looking = undefined;
    }
    const now = clock();
    const pending: { connection: Connection; bytes: number }[] = [];
    let sum = 0;
    for (const connection of this.#open) {
      connection.look();
      // A timer of the session's own would keep it in memory for as long, also when its client has left.
      if (connection.session && connection.idle && now - connection.idleSince > KEEP_ALIVE_MS) {
        connection.endIdle();
        continue;
      }
      const bytes = connection.pendingBytes;
      if (bytes === 0) {
        connection.pendingSince = 0;
        continue;
      }
      connection.pendingSince ||= now;
      if (connection.protocol === 'http2' && now - connection.pendingSince > this.headerMs) {
        connection.close('closedForHeaderTime');
      } else if (bytes >= NOTABLE_BYTES) {
        sum += bytes;
        pending.push({ connection, bytes });
      }
    }
    this.#boundHeaderBytes(pending, sum);
  }

  #boundHeaderBytes(pending: { connection: Connection; bytes: number }[], sum: number): void {
    const limit = this.#limits.headerMebibytes * MEBIBYTE;
    const all = this.usage.add(HEADER_BYTES, sum - this.#headerBytes);
    this.#headerBytes = sum;
    if (all <= limit) return;
    let excess = Math.min(all - limit, sum);
    pending.sort((a, b) => b.bytes - a.bytes);
    for (const { connection, bytes } of pending) {
      if (excess <= 0) return;
      connection.close('closedForHeaderBytes');
      excess -= bytes;
    }
  }
}

/** A stream whose client has its response and still sends. */
class LingeringStream implements Timed {
  readonly #stream: ServerHttp2Stream;
  readonly #usage: UsageWriter;
  expiresAt = 0;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: Timed['deadlineList'];

  constructor(stream: ServerHttp2Stream, usage: UsageWriter) {
    this.#stream = stream;
    this.#usage = usage;
  }

  expired(): void {
    this.#usage.count('closedForLingering');
    this.#stream.close();
  }
}
