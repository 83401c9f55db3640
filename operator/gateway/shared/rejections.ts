/** Why the gateway rejects a request, and with which status. The reasons are label values of a metric. */
export const REJECTIONS = {
  /** It came without TLS, and its host has a certificate. */
  redirected: 302,
  /** It is not valid HTTP, or names no host or path. */
  malformed: 400,
  /** Its identity token is not valid for the service. */
  unauthenticated: 401,
  /** It has no identity token, or that of someone who may not call the service. */
  forbidden: 403,
  /** No service has its host. */
  unknown_host: 404,
  method: 405,
  /** Its headers did not arrive in time. */
  header_time: 408,
  header_size: 431,
  /** A method, a transfer coding or an upgrade that is not supported. */
  unsupported: 501,
  version: 505,
  /** The service has no revision that takes requests. */
  no_revision: 503,
  /** The keys of its token's issuer have not been fetched yet. */
  no_keys: 503,
  /** It waited for an instance until its queue limit. */
  queue_time: 429,
  /** It waited until its queue limit, and no instance can start. */
  start_failed: 503,
  /** Too many requests wait for the revision. */
  queue_full: 429,
  /** Too many requests from the same address wait. */
  queue_address: 429,
  /** Too many requests wait in this process. */
  queue_total: 503,
  /** No memory is left for another request. */
  memory: 503,
  /** The revision was deleted while the request waited. */
  revision_gone: 503,
  /** The service's manual instance count is 0. */
  stopped: 503,
  /** timeoutSeconds have passed. */
  deadline: 504,
  /** The instance accepts connections and closes them before a request is sent. */
  unreachable: 503,
  /** The instance closed the connection before it responded. */
  instance_ended: 500,
  /** The instance's response is not valid HTTP, or cannot be passed on. */
  bad_response: 502,
} as const satisfies Record<string, number>;

export type RejectionReason = keyof typeof REJECTIONS;

/** A response of the gateway itself. */
export interface Rejection {
  reason: RejectionReason;
  message: string;
  /** When another attempt may succeed. */
  retryAfterSeconds?: number;
  /**
   * Further fields of the response, names in lower case and values in turn; a content-type among them is that of the
   * message.
   */
  fields?: readonly string[];
}
