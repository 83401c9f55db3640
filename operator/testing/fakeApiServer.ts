import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { resetSocket } from '../gateway/data/downstream/socket.ts';
import { KubeClient } from '../kube/client.ts';
import { apiAgent, type Connection } from '../kube/connection.ts';
import * as core from '../kube/core.ts';
import { type KubeObject, keyOf, type ObjectRef, type ResourceType } from '../kube/types.ts';
import { listen, readBody, reject, reply, type ServerIdentity, statusOf } from './fakeHttp.ts';
import { type FakeLog, logKey, sendLog } from './fakeLogs.ts';
import { FakeRest, type SeenRequest, type Target } from './fakeRest.ts';
import { Rejection, type Stored } from './fakeRules.ts';
import { FakeStorage } from './fakeStorage.ts';
import { FakeWatch, selection } from './fakeWatch.ts';
import { freePort } from './freePort.ts';

export type { SeenRequest } from './fakeRest.ts';
export { isWrite } from './fakeRest.ts';
export { Rejection } from './fakeRules.ts';

/** Where anyone asks what he may do: here everything. */
const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

export interface FakeApiServerOptions {
  /** Kinds besides those of operator/kube/core.ts. */
  types?: ResourceType[];
  /** Changes each object as it is written, as defaulting and mutating webhooks do. */
  defaults?: (object: Stored) => void;
  /** By which it serves HTTPS; without one it serves HTTP. */
  tls?: ServerIdentity;
}

interface Failure {
  times: number;
  matches: (request: SeenRequest) => boolean;
  fail: Rejection | 'reset';
}

/**
 * A Kubernetes API server for tests, over real HTTP on loopback: create, get, list in pages, watch with bookmarks,
 * resume and compaction, update with conflicts, merge patch, server-side apply with ownership, status and scale
 * subresources, tokens, deletion with preconditions and finalizers.
 *
 * It has no namespaces to create first, no schemas, no authorization and no controllers: nothing deletes
 * dependents, makes pods or fills in a Deployment's status. `put` and `remove` play those parts in a test.
 *
 *     const server = await FakeApiServer.start({ types: [SERVICES] });
 *     server.put(object);                       // seeds, status included
 *     await server.client.apply(SERVICES, ...); // a client of this server
 *     server.kill(); await server.restart();    // the process dies and comes back, with its data
 *     await server.close();                     // in afterEach
 */
export class FakeApiServer {
  readonly storage: FakeStorage;
  readonly connection: Connection;
  readonly client: KubeClient;
  /** Logs by `namespace/pod/container`, with `/previous` for that of the run before. */
  readonly logs = new Map<string, FakeLog>();
  /** Bytes of logs that were sent. */
  logBytes = 0;
  /** All requests so far, oldest first; empty it to count anew. */
  requests: SeenRequest[] = [];
  /** What is served at paths that are no object's, such as those of the cluster's issuer. */
  readonly documents = new Map<string, unknown>();
  readonly #types: ResourceType[];
  readonly #rest: FakeRest;
  readonly #port: number;
  readonly #tls: ServerIdentity | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<FakeWatch>();
  #failures: Failure[] = [];
  #server: Server | undefined;
  #paused: PromiseWithResolvers<void> | undefined;
  #holdsWatches = false;

  private constructor(options: FakeApiServerOptions, server: Server) {
    this.#types = [
      ...Object.values(core).filter((value): value is ResourceType => typeof value === 'object'),
      ...(options.types ?? []),
    ];
    this.storage = new FakeStorage(options.defaults);
    this.#rest = new FakeRest(this.storage, this.#types);
    this.storage.listeners.add((event) => {
      for (const watch of this.#watches) watch.send(event);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#tls = options.tls;
    this.#adopt(server);
    this.connection = {
      server: `${options.tls ? 'https' : 'http'}://127.0.0.1:${this.#port}`,
      dispatcher: apiAgent(options.tls ? { ca: options.tls.ca } : {}),
      headers: () => ({}),
    };
    this.client = new KubeClient(this.connection);
  }

  static async start(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
    return new FakeApiServer(options, await listen(await freePort(), options.tls));
  }

  /** Ends the server and all its connections. */
  async close(): Promise<void> {
    this.resume();
    this.kill();
    await this.connection.dispatcher.destroy();
  }

  /** Writes an object as it is, status included; uid and creation time are filled in. */
  put<T extends KubeObject>(object: T): T {
    return structuredClone(this.storage.put(this.#typeOf(object), object)) as unknown as T;
  }

  get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): T | undefined {
    return this.storage.has(type, keyOf(ref))
      ? (structuredClone(this.storage.get(type, keyOf(ref))) as unknown as T)
      : undefined;
  }

  list<T extends KubeObject>(type: ResourceType<T>): T[] {
    return structuredClone(this.storage.list(type)) as unknown as T[];
  }

  remove(type: ResourceType, ref: ObjectRef): void {
    this.storage.delete(type, keyOf(ref));
  }

  /** Serves one more kind from now on, as when its definition is installed. */
  serve(type: ResourceType): void {
    this.#types.push(type);
  }

  /** Requests that could have changed something. */
  get writes(): SeenRequest[] {
    return this.requests.filter(({ method }) => method !== 'GET');
  }

  /** Open watches. */
  get watches(): number {
    return this.#watches.size;
  }

  /** Lets the next `times` requests that match fail: with a Rejection, or with a connection reset. */
  failNext(fail: Rejection | 'reset', matches: Failure['matches'] = () => true, times = 1): void {
    this.#failures.push({ fail, matches, times });
  }

  /** Forgets the history: whoever watches from an older version gets 410. */
  compact(): void {
    this.storage.compact();
  }

  /** Sends a bookmark on each watch that asked for them. */
  bookmark(): void {
    for (const watch of this.#watches) watch.bookmark(this.storage.version);
  }

  /** Ends all watches as the server does when their time is up. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  /** Sends an event as it is on all watches. */
  send(event: unknown): void {
    for (const watch of this.#watches) watch.write(event);
  }

  /** Resets all connections; new ones are accepted. */
  dropConnections(): void {
    for (const socket of this.#sockets) resetSocket(socket);
  }

  /** Accepts connections but says nothing more, as a stopped process or a half-open connection. */
  pause(): void {
    this.#paused ??= Promise.withResolvers();
    for (const watch of this.#watches) watch.hold();
  }

  /** Goes on, and says what it kept back. */
  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
    for (const watch of this.#watches) watch.release();
  }

  /** From now on each watch keeps its events back, and a test lets them pass one by one, in an order of its own. */
  holdWatches(): void {
    this.#holdsWatches = true;
    for (const watch of this.#watches) watch.hold();
  }

  /** Watches that keep events back. */
  get watchesBehind(): FakeWatch[] {
    return [...this.#watches].filter(({ isBehind }) => isBehind);
  }

  /** Dies at once: connections are reset, new ones rejected. The data stays. */
  kill(): void {
    this.#server?.close();
    this.#server = undefined;
    this.dropConnections();
  }

  /** Comes back on the same port after {@link kill}. */
  async restart(): Promise<void> {
    this.#adopt(await listen(this.#port, this.#tls));
  }

  #adopt(server: Server): void {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response).catch((error: unknown) => reject(response, error));
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    await this.#paused?.promise;
    const url = new URL(request.url ?? '/', 'http://fake');
    const seen = { method: request.method ?? '', path: url.pathname, query: url.searchParams, body };
    this.requests.push(seen);
    const failure = this.#failures.find(({ matches }) => matches(seen));
    if (failure) {
      if (--failure.times === 0) this.#failures = this.#failures.filter((other) => other !== failure);
      if (failure.fail !== 'reset') throw failure.fail;
      resetSocket(request.socket);
      return;
    }
    if (this.documents.has(url.pathname)) {
      reply(response, 200, this.documents.get(url.pathname));
      return;
    }
    const resources = this.#rest.resources(url.pathname);
    if (resources) {
      reply(response, 200, { kind: 'APIResourceList', resources });
      return;
    }
    const key = logKey(url.pathname, url.searchParams);
    if (key !== undefined) {
      const log = this.logs.get(key);
      if (!log) throw new Rejection(404, 'NotFound', `there is no log of ${key}`);
      if (log.fails) throw new Rejection(log.fails, 'InternalError', 'the node does not answer');
      this.logBytes += await sendLog(response, log, url.searchParams);
      return;
    }
    if (url.pathname === ACCESS_REVIEWS) {
      reply(response, 201, { ...(body as object), status: { allowed: true } });
      return;
    }
    const target = this.#rest.target(url.pathname);
    if (seen.method === 'GET' && !target.name) {
      if (seen.query.get('watch') === 'true') this.#watch(target, seen.query, response);
      else reply(response, 200, this.#rest.list(target, seen.query));
      return;
    }
    const [status, answer] = this.#rest.act(seen, target, request.headers['content-type'] ?? '');
    reply(response, status, answer);
  }

  #watch({ type, namespace }: Target, query: URLSearchParams, response: ServerResponse): void {
    // Its client went while the server stood still: it has closed already, and would be watched for ever.
    if (response.destroyed) return;
    const watch = new FakeWatch(response, {
      type,
      test: selection(namespace, query),
      bookmarks: query.get('allowWatchBookmarks') === 'true',
      show: (object) => this.#rest.show(object),
    });
    if (this.#holdsWatches) watch.hold();
    const version = query.get('resourceVersion') ?? '';
    if (version === '' || version === '0') {
      for (const object of this.storage.list(type)) watch.begin(object);
    } else {
      try {
        for (const event of this.storage.since(Number(version))) watch.send(event);
      } catch (error) {
        watch.write({ type: 'ERROR', object: statusOf(error as Rejection) });
        watch.end();
        return;
      }
    }
    this.#watches.add(watch);
    const seconds = Number(query.get('timeoutSeconds') ?? 0);
    const timer = seconds > 0 ? setTimeout(() => watch.end(), seconds * 1000) : undefined;
    response.on('close', () => {
      clearTimeout(timer);
      this.#watches.delete(watch);
    });
  }

  #typeOf(object: KubeObject): ResourceType {
    const type = this.#types.find(
      ({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind,
    );
    if (!type) throw new Error(`the fake API server does not serve ${object.apiVersion} ${object.kind}`);
    return type;
  }
}
