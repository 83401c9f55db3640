import type { Limits } from '../shared/limits.ts';
import type { Callers } from './callers.ts';
import type { Certificates } from './certificates.ts';
import { Connections } from './connections.ts';
import { Destinations, type Side } from './destinations.ts';
import type { ExchangeShared } from './exchangeShared.ts';
import { Handler } from './handler.ts';
import type { HeldRequests } from './heldRequests.ts';
import { HttpsRedirect } from './httpsRedirect.ts';
import { Listener } from './listener.ts';
import type { Router } from './router.ts';
import type { Throttler } from './throttler.ts';

/** How requests over TLS are served. */
export interface TlsOptions {
  /** The secret of session tickets ({@link Handshakes}). */
  ticketKeys: Uint8Array;
  /** Where requests without TLS are redirected, as far as their hosts have certificates; unset where they are served. */
  redirectPort: number | undefined;
}

/** Where a data plane listens; 0 lets the system choose a port. */
export interface ListenOptions {
  /** Of requests from outside the cluster, or from anywhere. */
  port: number;
  /** Of requests from inside the cluster, which may also reach internal routes. */
  internalPort: number;
  /** Of requests over TLS from anywhere, if there are {@link TlsOptions}. */
  tlsPort?: number;
  /** Of requests that other gateways forward; unset where there can be none. */
  gatewayPort?: number | undefined;
  host?: string;
  reusePort?: boolean;
}

/** Where it listens then. */
export interface Ports {
  port: number;
  internalPort: number;
  tlsPort: number | undefined;
  gatewayPort: number | undefined;
}

export interface ListenersOptions {
  router: Router;
  throttlers: ReadonlyMap<string, Throttler>;
  callers: Callers;
  /** Shared by all ports, as the keys that they wait for are. */
  held: HeldRequests;
  certificates: Certificates;
  limits: Limits;
  shared: ExchangeShared;
  /** Unset where no certificates are configured. */
  tls: TlsOptions | undefined;
}

/** The ports of one thread: which destinations each reaches, and which connections count together. */
export class Listeners {
  /** Addresses of other gateways. */
  gateways: ReadonlySet<string> = new Set();
  readonly #external: Listener;
  readonly #internal: Listener;
  readonly #gateway: Listener;
  readonly #secure: Listener | undefined;
  readonly #all: readonly Listener[];
  readonly #handlers: readonly Handler[];

  constructor(options: ListenersOptions) {
    const { router, throttlers, callers, held, certificates, limits, shared, tls } = options;
    const { deadlines, usage, requests: requestBytes } = shared;
    const connections = new Connections({ deadlines, limits, usage, requestBytes });
    const redirect = tls?.redirectPort ? new HttpsRedirect(certificates, tls.redirectPort) : undefined;
    const destinations = (side: Side, redirect?: HttpsRedirect): Destinations =>
      new Destinations(side, router, throttlers, callers, redirect);
    const handler = (side: Side, redirect?: HttpsRedirect): Handler =>
      new Handler(destinations(side, redirect), shared, connections, held);
    const external = handler('external', redirect);
    const internal = handler('internal');
    this.#external = new Listener(external, connections);
    this.#internal = new Listener(internal, connections);
    const gateways = new Connections({ deadlines, limits, usage, requestBytes, fromGateways: true });
    // The gateway that the client is connected to logs its requests.
    const unlogged = { ...shared, accessLog: undefined };
    const gateway = new Handler(destinations('gateway'), unlogged, gateways, held);
    this.#gateway = new Listener(gateway, gateways, { gateways: () => this.gateways });
    this.#handlers = [external, internal, gateway];
    this.#all = [this.#external, this.#internal, this.#gateway];
    if (!tls) return;
    const secure = handler('external');
    this.#secure = new Listener(secure, connections, {
      secure: { certificates, ticketKeys: tls.ticketKeys },
    });
    this.#handlers = [...this.#handlers, secure];
    this.#all = [...this.#all, this.#secure];
  }

  /** @returns the ports. */
  async listen({ port, internalPort, tlsPort, gatewayPort, ...where }: ListenOptions): Promise<Ports> {
    const on = (listener: Listener | undefined, port: number | undefined) =>
      port === undefined ? undefined : listener?.listen({ ...where, port });
    return {
      port: await this.#external.listen({ ...where, port }),
      internalPort: await this.#internal.listen({ ...where, port: internalPort }),
      tlsPort: await on(this.#secure, tlsPort),
      gatewayPort: await on(this.#gateway, gatewayPort),
    };
  }

  /** From now on each response closes its connection. */
  closing(): void {
    for (const handler of this.#handlers) handler.closing = true;
    for (const listener of this.#all) listener.closing();
  }

  /** This share of the connections moves to another thread. */
  shed(share: number): void {
    for (const handler of this.#handlers) handler.shed(share);
    for (const listener of this.#all) listener.shed(share);
  }

  /** Takes no new connections, and resolves when the idle ones are closed, at most after `graceMs`; requests in flight go on. */
  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.#all.map((listener) => listener.stop(graceMs)));
  }

  /** Resolves when the HTTP/2 clients have been sent everything and their connections are closed. */
  async idle(): Promise<void> {
    await Promise.all(this.#all.map((listener) => listener.idle()));
  }

  /** Aborts what is left. */
  destroy(): void {
    for (const listener of this.#all) listener.destroy();
  }
}
