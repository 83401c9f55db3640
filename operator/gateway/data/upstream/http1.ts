import { clock } from '../../shared/clock.ts';
import type { Deadlines } from '../deadlines.ts';
import { Connection, type ConnectionOwner } from './http1/connection.ts';
import type { Upstream, UpstreamCall, UpstreamEvents } from './upstream.ts';

/**
 * Idle connections are closed before the program closes them, or else a request could meet the close; a longer timeout
 * that a program announces (`Keep-Alive: timeout=`) counts, minus a second.
 */
const KEEP_ALIVE_MS = 1500;
const KEEP_ALIVE_MARGIN_MS = 1000;
const MAX_KEEP_ALIVE_MS = 600_000;

/**
 * HTTP/1.1 connections to one instance, each with one request at a time. The one used last is taken first, so that as
 * few stay open as the load needs.
 */
export class Http1Upstream implements Upstream, ConnectionOwner {
  readonly #host: string;
  readonly #port: number;
  readonly #deadlines: Deadlines;
  readonly #idle: Connection[] = [];
  #closed = false;

  constructor(host: string, port: number, deadlines: Deadlines) {
    this.#host = host;
    this.#port = port;
    this.#deadlines = deadlines;
  }

  send(events: UpstreamEvents, fresh: boolean): UpstreamCall {
    const idle = fresh ? undefined : this.#idle.pop();
    if (idle) this.#deadlines.remove(idle);
    return (idle ?? new Connection(this.#host, this.#port, this)).send(events);
  }

  idle(connection: Connection, keepAliveSeconds: number | undefined): void {
    const keepMs = keepAliveMs(keepAliveSeconds);
    if (this.#closed || keepMs <= 0) {
      connection.destroy();
      return;
    }
    this.#idle.push(connection);
    this.#deadlines.add(connection, keepMs, clock());
  }

  gone(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#deadlines.remove(connection);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) {
      this.#deadlines.remove(connection);
      connection.destroy();
    }
  }
}

function keepAliveMs(seconds: number | undefined): number {
  if (seconds === undefined) return KEEP_ALIVE_MS;
  return Math.min(MAX_KEEP_ALIVE_MS, seconds * 1000 - KEEP_ALIVE_MARGIN_MS);
}
