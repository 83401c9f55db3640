import type { Rejection } from '../shared/rejections.ts';

/** Why a request waits no longer, or not at all. */
export type QueueRejection =
  /** Its queue limit has passed. */
  | 'timeout'
  /** Its queue limit has passed, and no instance can start. */
  | 'failing'
  /** Too many requests wait for the revision. */
  | 'full'
  /** Too many requests from the same address wait. */
  | 'address'
  /** Too many requests wait in this process. */
  | 'crowded'
  /** No memory is left for another request. */
  | 'memory'
  /** The revision was deleted. */
  | 'gone'
  /** The service's manual instance count is 0. */
  | 'stopped';

/**
 * The response to a request that is not admitted to an instance.
 * @param failing the reason why no instance can start. Clients get no more than that: the condition's message may name
 *   secrets or quote the program's log.
 */
export function rejectionOf(why: QueueRejection, failing: string | undefined): Rejection {
  if (why !== 'failing') return QUEUE_REJECTIONS[why];
  return {
    reason: 'start_failed',
    message: `No instance can start: ${failing}. The condition Active of the revision says more.`,
    retryAfterSeconds: 1,
  };
}

const QUEUE_REJECTIONS: Readonly<Record<Exclude<QueueRejection, 'failing'>, Rejection>> = {
  timeout: {
    reason: 'queue_time',
    message: 'No instance became free for this request in time.',
    retryAfterSeconds: 1,
  },
  full: {
    reason: 'queue_full',
    message: 'Too many requests are waiting for an instance.',
    retryAfterSeconds: 1,
  },
  address: {
    reason: 'queue_address',
    message: 'Too many requests from this address are waiting for an instance.',
    retryAfterSeconds: 1,
  },
  crowded: {
    reason: 'queue_total',
    message: 'Too many requests are waiting for instances in this gateway.',
    retryAfterSeconds: 1,
  },
  memory: {
    reason: 'memory',
    message: 'This gateway has no memory left for requests that wait.',
    retryAfterSeconds: 1,
  },
  stopped: { reason: 'stopped', message: 'The service is stopped: its manual instance count is 0.' },
  gone: { reason: 'revision_gone', message: 'The revision was deleted while the request waited for it.' },
};
