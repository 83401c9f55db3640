import type { Rejection } from './throttler.ts';

/** What a client is answered whose request does not get an instance. */
interface RejectionAnswer {
  status: number;
  message: string;
  retryAfterSeconds?: number;
}

/** The answer to each reason; another attempt helps where it says when. */
export const REJECTIONS: Readonly<Record<Rejection, RejectionAnswer>> = {
  timeout: {
    status: 429,
    message: 'No instance became free for this request in time.',
    retryAfterSeconds: 1,
  },
  full: { status: 429, message: 'Too many requests are waiting for an instance.', retryAfterSeconds: 1 },
  address: {
    status: 429,
    message: 'Too many requests from this address are waiting for an instance.',
    retryAfterSeconds: 1,
  },
  crowded: {
    status: 503,
    message: 'Too many requests are waiting for instances in this gateway.',
    retryAfterSeconds: 1,
  },
  memory: {
    status: 503,
    message: 'This gateway has no memory left for requests that wait.',
    retryAfterSeconds: 1,
  },
  stopped: { status: 503, message: 'The service is stopped: its manual instance count is 0.' },
  gone: { status: 503, message: 'The revision was deleted while the request waited for it.' },
};
