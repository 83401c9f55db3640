import type { InvokersEntry } from '../shared/invokers.ts';
import type { HostEntry, Target } from '../shared/messages.ts';
import { Invokers } from './callers.ts';

const HOST = /^[a-z0-9_.-]+$/;

/**
 * A Host header as the route table has it: lower case, without port and trailing dot; undefined when it is no host
 * name (RFC 9110, 7.2).
 */
export function normalHost(header: string): string | undefined {
  const colon = header.lastIndexOf(':');
  let host = header;
  if (colon >= 0) {
    const port = header.slice(colon + 1);
    if (!/^\d{0,5}$/.test(port)) return undefined;
    host = header.slice(0, colon);
  }
  host = host.toLowerCase();
  if (host.endsWith('.')) host = host.slice(0, -1);
  return HOST.test(host) ? host : undefined;
}

/**
 * Spreads requests over targets so that after any number of requests each has had its share to within one request
 * (smooth weighted round-robin): exact splits even for small samples, and no burst to one target.
 */
export class Split {
  readonly targets: readonly Target[];
  /** Only requests from inside the cluster may reach it. */
  readonly internalOnly: boolean;
  /** Who may call it; unset where everyone may. */
  readonly invokers: Invokers | undefined;
  readonly #credit: number[];
  readonly #total: number;

  constructor(targets: readonly Target[], internalOnly = false, invokers?: Invokers) {
    this.targets = targets;
    this.internalOnly = internalOnly;
    this.invokers = invokers;
    this.#total = targets.reduce((sum, target) => sum + target.percent, 0);
    // A random start keeps threads and gateways from all sending their first request to the same target.
    const start = Math.random() * this.#total;
    let passed = 0;
    this.#credit = targets.map((target) => {
      const chosen = start >= passed && start < passed + target.percent;
      passed += target.percent;
      return chosen ? 0 : -target.percent / 2;
    });
  }

  /** The revision that takes the next request; undefined when no target has a share. */
  next(): string | undefined {
    const { targets } = this;
    if (targets.length === 1) return (targets[0] as Target).revision;
    if (this.#total <= 0) return undefined;
    const credit = this.#credit;
    let best = -1;
    for (let i = 0; i < targets.length; i++) {
      const percent = (targets[i] as Target).percent;
      if (percent <= 0) continue;
      credit[i] = (credit[i] as number) + percent;
      if (best < 0 || (credit[i] as number) > (credit[best] as number)) best = i;
    }
    credit[best] = (credit[best] as number) - this.#total;
    return (targets[best] as Target).revision;
  }
}

/** Host to revision, as one data thread sees it. */
export class Router {
  readonly #splits = new Map<string, Split>();
  /** The hosts of a service have one entry in common. */
  readonly #invokers = new WeakMap<InvokersEntry, Invokers>();

  set(host: string, entry: HostEntry | undefined): void {
    if (entry) {
      const { targets, internalOnly, invokers } = entry;
      this.#splits.set(host, new Split(targets, internalOnly, invokers && this.#invokersOf(invokers)));
    } else {
      this.#splits.delete(host);
    }
  }

  #invokersOf(entry: InvokersEntry): Invokers {
    const known = this.#invokers.get(entry) ?? new Invokers(entry);
    this.#invokers.set(entry, known);
    return known;
  }

  /**
   * The split for a Host header; `null` when the header is not a host name, undefined when no service has the
   * host or the request may not reach it.
   * @param internal whether the request came to the internal port.
   */
  find(header: string, internal: boolean): Split | undefined | null {
    const direct = this.#splits.get(header);
    if (direct) return internal || !direct.internalOnly ? direct : undefined;
    const host = normalHost(header);
    if (host === undefined) return null;
    const split = this.#splits.get(host);
    return internal || !split?.internalOnly ? split : undefined;
  }
}
