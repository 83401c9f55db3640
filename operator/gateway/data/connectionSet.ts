import type { ServerHttp2Stream } from 'node:http2';
import type { Rejection } from '../shared/rejections.ts';
import type { UsageWriter } from '../shared/usage.ts';
import type { Budget } from './budget.ts';
import type { Deadlines } from './deadlines.ts';

/** What a connection needs of the set of connections that it belongs to. */
export interface ConnectionSet<C> {
  readonly deadlines: Deadlines;
  readonly usage: UsageWriter;
  readonly requestBytes: Budget;
  readonly handshakeMs: number;
  readonly headerMs: number;
  readonly firstRequestMs: number;
  readonly lingerMs: number;
  /** Counts it by its protocol. @returns how many there are. */
  count(protocol: 'http1' | 'http2', delta: 1 | -1): number;
  hasRoomForHttp2(connections: number): boolean;
  becameIdle(connection: C): void;
  busy(connection: C): void;
  closed(connection: C): void;
  reject(connection: C, rejection: Rejection): void;
  linger(stream: ServerHttp2Stream): void;
}
