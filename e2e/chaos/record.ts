import type { TaskFindings } from './tasks.ts';

/** A request that was sent and did not end with 200. Times are milliseconds since the run began. */
export interface LostRequest {
  service: string;
  sentAt: number;
  failedAt: number;
  /** What was answered, or how the connection failed. */
  error: string;
  /** What was answered; or the connection was cut, or nothing came in time. */
  status: number | 'cut' | 'silent';
}

/** A container that was started again, or a pod that is another than before. */
export interface Restart {
  pod: string;
  what: string;
}

/** What happened from one fault until all was as it should be again; times are milliseconds since the run began. */
export interface RoundRecord {
  number: number;
  /** Name of the fault in {@link FAULTS}. */
  fault: string;
  /** What it was done to. */
  target: string;
  /** When it began and when it was over; the same for a kill. */
  at: number;
  overAt: number;
  /** When what had been hit worked again; undefined if it never did. */
  backAt: number | undefined;
  /** When every condition was true again and everything that should run ran; undefined if that was never so. */
  settledAt: number | undefined;
  /** What kept it from being settled, when it was last looked at. */
  unsettled: string[];
  lost: LostRequest[];
  /** A gateway was killed, with the requests inside it. */
  killsGateway: boolean;
  restarts: Restart[];
  /** Pods that the fault itself stops, or that the kubelet may have to start again because of it. */
  mayRestart: string[];
  tasks: TaskFindings;
  /** How long a worker pool had fewer instances than it should have. */
  poolShortMs: number;
  /** From a leader's kill until another, or the same anew, had renewed the lease; undefined when no leader was killed. */
  leaderlessMs: number | undefined;
}
