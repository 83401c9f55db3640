import type { StatsWriter } from '../shared/stats.ts';
import type { UsageWriter } from '../shared/usage.ts';
import type { AccessLog } from './accessLog.ts';
import type { Budget } from './budget.ts';
import type { Deadlines, Timed } from './deadlines.ts';
import type { StalledAnswers } from './stalled.ts';
import type { Throttler, Waiter } from './throttler.ts';
import type { Instance } from './upstream/instance.ts';

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

/** The gateway that a request is forwarded to ends it at its deadline, and has this long for it. */
const FORWARDED_MS = 1000;

/** The request's time begins with its arrival, the start of an instance included (container contract, Responses). */
export function beginRequest(request: Timed & Waiter, throttler: Throttler, shared: ExchangeShared): void {
  const { timeoutMs } = throttler.entry;
  shared.opened();
  const slack = throttler.forwardsAtOnce ? FORWARDED_MS : 0;
  shared.deadlines.add(request, timeoutMs + slack, request.arrivedAt);
}

/** Whether a fence aborts a request: it is in an instance of a revision with a limit, which all are placed elsewhere then. */
export function isFenced({ isGateway }: Instance, { entry }: Throttler): boolean {
  return !isGateway && entry.placement !== undefined;
}

export const INSTANCE_ENDED = 'The instance ended before it answered the request.';
export const NO_CONNECTION = 'No connection to the instance could be made.';

/** The message of a 504. */
export function deadlineMessage({ entry }: Throttler): string {
  return `The request was not answered within ${entry.timeoutMs / 1000} seconds.`;
}
