import type { InstanceEntry, Protocol } from '../../shared/messages.ts';
import type { Deadlines } from '../deadlines.ts';
import { Ejection } from './ejection.ts';
import { Http1Upstream } from './http1.ts';
import { Http2Upstream } from './http2.ts';
import type { Upstream } from './upstream.ts';

/** An instance as one data thread sees it. It closes its connections when it is removed and its last request ended. */
export class Instance {
  readonly slot: number;
  readonly pod: string;
  readonly host: string;
  readonly port: number;
  readonly upstream: Upstream;
  readonly ejection = new Ejection();
  /** Value of the cookie that binds a client to it; unset without session affinity. */
  cookie: string | undefined;
  /** When a trace that began here was last sampled, on `clock()`. */
  sampledAt = Number.NEGATIVE_INFINITY;
  /** It has responded to a request. */
  answered = false;
  /** It is the gateway that owns the revision, to which requests are forwarded. */
  readonly isGateway: boolean;
  #inFlight = 0;
  #removed = false;

  constructor(entry: InstanceEntry, protocol: Protocol, deadlines: Deadlines) {
    this.slot = entry.slot;
    this.pod = entry.pod;
    this.host = entry.host;
    this.port = entry.port;
    this.cookie = entry.cookie;
    this.isGateway = entry.isGateway === true;
    this.upstream =
      protocol === 'h2c'
        ? new Http2Upstream(entry.host, entry.port)
        : new Http1Upstream(entry.host, entry.port, deadlines);
  }

  taken(): void {
    this.#inFlight++;
  }

  released(): void {
    this.#inFlight--;
    if (this.#removed && this.#inFlight === 0) this.upstream.close();
  }

  /** It gets no request any more; those in flight go on. */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    if (this.#inFlight === 0) this.upstream.close();
  }
}
