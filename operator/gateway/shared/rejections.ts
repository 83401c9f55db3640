/** Why the gateway answers a request itself, and with which status. The reasons are label values of a metric. */
export const REJECTIONS = {
  /** It is not valid HTTP, or names no host or path. */
  malformed: 400,
  /** Nobody has its host. */
  unknown_host: 404,
  method: 405,
  /** Its headers did not come in time. */
  header_time: 408,
  header_size: 431,
  /** A method, a transfer coding or an upgrade that is not supported. */
  unsupported: 501,
  version: 505,
  /** The service has no revision that takes requests. */
  no_revision: 503,
  /** It waited for an instance as long as it may. */
  queue_time: 429,
  /** It waited as long, and no instance can start. */
  start_failed: 503,
  /** Too many wait for the revision. */
  queue_full: 429,
  /** Too many of the same client wait. */
  queue_address: 429,
  /** Too many wait in this process. */
  queue_total: 503,
  /** There is no memory for one more. */
  memory: 503,
  /** The revision was deleted while the request waited. */
  revision_gone: 503,
  /** A person has set the service to no instance. */
  stopped: 503,
  /** timeoutSeconds have passed. */
  deadline: 504,
  /** The instance accepts connections and breaks them before a request is sent. */
  unreachable: 503,
  /** The instance ended the connection before it answered. */
  instance_ended: 500,
  /** The instance did not answer with HTTP, or with something that cannot be passed on. */
  bad_response: 502,
} as const satisfies Record<string, number>;

export type RejectionReason = keyof typeof REJECTIONS;

/** An answer of the gateway's own. */
export interface Rejection {
  reason: RejectionReason;
  message: string;
  /** Another attempt may help after so long. */
  retryAfterSeconds?: number;
}
