import type { Client, Dispatcher } from 'undici';
// The whole of undici, with fetch, caches and mocks, is 6 MB for each thread; this is the part that is used.
import ClientOfUndici from 'undici/lib/dispatcher/client.js';
import { type FlatHeaders, responseHead } from '../headers.ts';
import { RequestBody } from './body.ts';
import type { Upstream, UpstreamCall, UpstreamEvents } from './upstream.ts';

/**
 * Idle connections are closed before the program would close them, else a request could meet the closing; programs
 * that say more with `Keep-Alive: timeout=` are believed, minus a second.
 */
const KEEP_ALIVE_MS = 1500;
const CLIENT_OPTIONS: Client.Options = {
  pipelining: 1,
  allowH2: false,
  // Time limits are the exchange's: the revision's timeoutSeconds and nothing else.
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: KEEP_ALIVE_MS,
  keepAliveMaxTimeout: 600_000,
  keepAliveTimeoutThreshold: 1000,
  maxHeaderSize: 128 * 1024,
  // Longer than two SYN retransmissions, so that one lost packet is no failure.
  connectTimeout: 5000,
};

/**
 * HTTP/1.1 connections to one instance: one undici Client per connection, each with one request at a time, the one
 * used last taken first, so that as few stay open as the load needs. (undici's Pool looks through all of its clients
 * for each request; this is a stack.)
 */
export class Http1Upstream implements Upstream {
  readonly #origin: string;
  readonly #idle: Client[] = [];
  #closed = false;

  constructor(origin: string) {
    this.#origin = origin;
  }

  send(events: UpstreamEvents): UpstreamCall {
    const client = this.#idle.pop() ?? this.#open();
    const { downstream } = events;
    const call = new Http1Call(this, client, events);
    client.dispatch(
      {
        method: downstream.method as Dispatcher.HttpMethod,
        path: downstream.path,
        headers: downstream.head.headers,
        body: downstream.hasBody ? new RequestBody(downstream.body) : null,
        // After HEAD undici would close the connection, for fear of servers that send a body; ours is not used then.
        reset: downstream.method === 'HEAD' ? false : undefined,
      },
      call,
    );
    return call;
  }

  /** A connection is free for the next request. */
  release(client: Client): void {
    if (this.#closed) client.destroy().catch(ignore);
    else this.#idle.push(client);
  }

  discard(client: Client): void {
    client.destroy().catch(ignore);
  }

  close(): void {
    this.#closed = true;
    for (const client of this.#idle.splice(0)) client.destroy().catch(ignore);
  }

  #open(): Client {
    const client = new ClientOfUndici(this.#origin, CLIENT_OPTIONS);
    client.on('disconnect', () => {
      const at = this.#idle.indexOf(client);
      if (at < 0) return;
      this.#idle.splice(at, 1);
      client.destroy().catch(ignore);
    });
    return client;
  }
}

const ignore = (): void => {};

class Http1Call implements Dispatcher.DispatchHandler, UpstreamCall {
  readonly #upstream: Http1Upstream;
  readonly #client: Client;
  readonly #events: UpstreamEvents;
  #controller: Dispatcher.DispatchController | undefined;
  #cancelled = false;

  constructor(upstream: Http1Upstream, client: Client, events: UpstreamEvents) {
    this.#upstream = upstream;
    this.#client = client;
    this.#events = events;
  }

  resume(): void {
    this.#controller?.resume();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#controller?.abort(new Error('the request was given up'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cancelled) controller.abort(new Error('the request was given up'));
    else this.#events.sent();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason?: string,
  ): void {
    const raw = (controller.rawHeaders ?? []) as unknown as Buffer[];
    const { headers, contentLength } = responseHead(raw);
    if (status < 200) this.#events.information(status, headers);
    else this.#events.responseStart(status, reason ?? '', headers, contentLength);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#events.responseData(chunk)) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#upstream.release(this.#client);
    this.#events.responseEnd(flat(controller.rawTrailers as unknown as Buffer[] | null));
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#upstream.discard(this.#client);
    this.#events.upstreamFailed(error, this.#controller !== undefined);
  }
}

function flat(raw: Buffer[] | null): FlatHeaders | undefined {
  return raw?.length ? raw.map((part) => part.toString('latin1')) : undefined;
}
