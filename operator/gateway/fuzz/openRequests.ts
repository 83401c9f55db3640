import type { Downstream } from '../data/downstream/downstream.ts';
import type { ExchangeShared } from '../data/exchangeShared.ts';
import { InstanceRequest } from '../data/instanceRequest.ts';
import type { Throttler } from '../data/throttler.ts';
import { clock } from '../shared/clock.ts';

/** A request as a report reads it, from outside: the gateway itself only counts its requests. */
interface Followed {
  begin(): void;
  shared: ExchangeShared;
  readonly throttler: Throttler;
  readonly arrivedAt: number;
  readonly queuedMs: number;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly status: number;
  readonly instance: object | undefined;
  /** Undefined for a tunnel, as the next. */
  readonly phase?: number;
  readonly downstream?: Downstream;
}

const prototype = InstanceRequest.prototype as unknown as Followed;

/** The requests of the data planes of this process that have arrived and not ended, of those that begin from now on. */
export class OpenRequests {
  readonly #open = new Set<Followed>();
  readonly #begin = prototype.begin;

  constructor() {
    const open = this.#open;
    const begin = this.#begin;
    prototype.begin = function (this: Followed): void {
      const { shared } = this;
      const closed = (): void => {
        open.delete(this);
        shared.closed();
      };
      this.shared = { ...shared, closed };
      open.add(this);
      begin.call(this);
    };
  }

  /** One line for each: where it is, and since when. */
  describe(): string[] {
    return [...this.#open].map(describe);
  }

  /** Follows no further requests. */
  stop(): void {
    prototype.begin = this.#begin;
  }
}

function describe(request: Followed): string {
  const { throttler, status, phase, instance, queuedMs, arrivedAt, sentAt, answeredAt, downstream } = request;
  const now = clock();
  const ago = (at: number): number | undefined => (at ? Math.round(now - at) : undefined);
  return JSON.stringify({
    revision: throttler.entry.key,
    request: downstream && `${downstream.method} ${downstream.path} ${downstream.protocol}`,
    status,
    phase,
    hasInstance: instance !== undefined,
    msAgo: { arrived: ago(arrivedAt), sent: ago(sentAt), answered: ago(answeredAt) },
    queuedMs: Math.round(queuedMs),
    client: downstream && {
      complete: downstream.complete,
      begun: downstream.begun,
      wasReset: downstream.wasReset,
      unsent: downstream.unsent,
    },
  });
}
