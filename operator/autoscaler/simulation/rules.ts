import type { RequestLoad } from '../load.ts';

/** What rules of scaling see of a revision, once a second. */
export interface Seen {
  /** Unix time in ms. */
  readonly now: number;
  /** The number that is set. */
  readonly replicas: number;
  readonly ready: number;
  /** What gateways report; undefined in a second without a request. */
  readonly requests: RequestLoad | undefined;
}

/** One revision's scaling, from second to second. */
export interface Rules {
  /** Instances are removed as Homerun does it: drained first, and only then is the number lowered. */
  readonly drains: boolean;
  /** The number of instances wanted now. */
  next(seen: Seen): number;
  /** The number that has been set. */
  wrote?(replicas: number): void;
}

/** What is the same for all rules, so that only the rules differ. */
export interface Terms {
  /** Concurrent requests that an instance takes. */
  readonly concurrency: number;
  /** The share of them that is aimed at. */
  readonly utilization: number;
  /** How long an instance stays that is no longer needed. */
  readonly retentionMs: number;
  /** Over which load is averaged. */
  readonly windowMs: number;
  readonly max: number;
}
