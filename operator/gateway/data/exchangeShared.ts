import type { StatsWriter } from '../shared/stats.ts';
import type { UsageWriter } from '../shared/usage.ts';
import type { AccessLog } from './accessLog.ts';
import type { Budget } from './budget.ts';
import type { Deadlines } from './deadlines.ts';
import type { StalledAnswers } from './stalled.ts';
import type { Throttler } from './throttler.ts';
import type { Tracer } from './tracer.ts';
import type { Instance } from './upstream/instance.ts';

/** From the close frames of a WebSocket until its connections are destroyed. */
export const CLOSE_MS = 1000;

/** What the exchanges and tunnels of one thread share. */
export interface ExchangeShared {
  readonly stats: StatsWriter;
  readonly usage: UsageWriter;
  readonly deadlines: Deadlines;
  /** Memory for requests. */
  readonly requests: Budget;
  readonly stalled: StalledAnswers;
  /** Unset when it is switched off. */
  readonly accessLog: AccessLog | undefined;
  /** Unset where tracing is not configured. */
  readonly tracer: Tracer | undefined;
  /** Connections that have left HTTP, which nothing else closes when the gateway ends. */
  readonly upgraded: Set<{ goAway(): void; abort(): void }>;
  /** An instance does not accept connections: it gets no request until it passes its probe again. */
  unreachable(throttler: Throttler, instance: Instance, reason: string): void;
  /** An instance has responded for the first time. @param at on `clock()`. */
  firstAnswer(revision: string, at: number): void;
  /** Counts the requests of this thread, from arrival until the client has the whole response, for the drain. */
  opened(): void;
  closed(): void;
  /** A callback threw; its exchange has ended. */
  onError(error: unknown): void;
}

export const BAD_RESPONSE = 'The instance sent a response that is not valid HTTP.';
export const NO_CONNECTION = 'No connection to the instance could be made.';

/** The message of a 500 to a request that went away with what it was sent to. */
export function endedMessage({ isGateway }: Instance): string {
  return isGateway
    ? 'The gateway that sends requests to this revision ended before this one was answered.'
    : 'The instance ended before it answered the request.';
}

/** The message of a 504. */
export function deadlineMessage({ entry }: Throttler): string {
  return `The request was not answered within ${entry.timeoutMs / 1000} seconds.`;
}
