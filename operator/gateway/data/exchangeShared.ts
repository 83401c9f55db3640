import type { StatsWriter } from '../shared/stats.ts';
import type { UsageWriter } from '../shared/usage.ts';
import type { Budget } from './budget.ts';
import type { Deadlines } from './deadlines.ts';
import type { StalledAnswers } from './stalled.ts';
import type { Throttler } from './throttler.ts';
import type { Instance } from './upstream/instance.ts';

/** What the exchanges and tunnels of one thread share. */
export interface ExchangeShared {
  readonly stats: StatsWriter;
  readonly usage: UsageWriter;
  readonly deadlines: Deadlines;
  /** Memory for requests. */
  readonly requests: Budget;
  readonly stalled: StalledAnswers;
  /** An instance does not accept connections: it is set aside until it passes its probe again. */
  refused(throttler: Throttler, instance: Instance, reason: string): void;
  /** Counts requests in this thread, from their arrival until the client has the whole response, for the drain. */
  opened(): void;
  closed(): void;
  /** A callback threw; its exchange has ended. */
  faulted(error: unknown): void;
}
