import { createServer as createHttp } from 'node:http';
import { createServer as createNet, type Socket } from 'node:net';
import { parseConfig } from '../../operator/config.ts';
import { RouteTable } from '../../operator/gateway/control/routeTable.ts';
import { Threads } from '../../operator/gateway/control/threads.ts';
import type { InvokersEntry } from '../../operator/gateway/shared/invokers.ts';
import { Slots } from '../../operator/gateway/shared/slots.ts';
import { Stats } from '../../operator/gateway/shared/stats.ts';
import type { PublicKey } from '../../operator/identity/issuer.ts';
import { createLogger } from '../../operator/telemetry/log.ts';
import { tuneV8 } from '../../operator/v8.ts';

// One process of the proxy benches, named by its first argument; it says `ready` to its parent once it listens.

const BODY = 'Hello, world!';
const ANSWER = answer(BODY.length, BODY);
const SPACE = 0x20;
/** Where the path begins after the slash of `GET /`. */
const PATH = 5;
const CHUNK = Buffer.alloc(64 * 1024, 'x');
/** What each request of the flooded service takes; it does one at a time. */
const SLOW_MS = 5;

function answer(length: number, body = ''): Buffer {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\nContent-Length: ${length}\r\n\r\n${body}`,
  );
}

/**
 * A program that costs next to nothing: what is measured is the way to it. Its path is the length of the body, or
 * nothing. Each request of these benches comes in one piece.
 */
function backend(port: number): Promise<void> {
  return listen(port, (socket, request) => {
    if (request[PATH] === SPACE) socket.write(ANSWER);
    else large(socket, Number.parseInt(request.toString('latin1', PATH), 10));
  });
}

/** Writes a body no faster than it is taken. */
function large(socket: Socket, length: number): void {
  let left = length;
  socket.write(answer(length));
  const more = (): void => {
    while (left > 0) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
      left -= chunk.length;
      if (!socket.write(chunk)) break;
    }
    if (left > 0) socket.once('drain', more);
  };
  more();
}

/** A program that never answers. */
function stuck(port: number): Promise<void> {
  return listen(port, () => {});
}

/** A program that is always busy. */
function slow(port: number): Promise<void> {
  return listen(port, (socket) => setTimeout(() => socket.write(ANSWER), SLOW_MS));
}

function listen(port: number, onRequest: (socket: Socket, request: Buffer) => void): Promise<void> {
  const server = createNet({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (request) => onRequest(socket, request));
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', 4096, resolve));
}

/** node:http answering by itself: the baseline. */
function plain(port: number): Promise<void> {
  const server = createHttp((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': BODY.length });
    response.end(BODY);
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
}

/** Who may call a service, and whose tokens prove it. */
export interface Guard {
  issuer: string;
  key: PublicKey;
  invokers: InvokersEntry;
}

/** A service of one instance. */
interface Service {
  host: string;
  port: number;
  limit: number;
  invokers?: InvokersEntry;
}

/** The gateway's own data threads, with the route table that they would have for these services. */
async function serve(
  port: number,
  threads: number,
  services: readonly Service[],
  table = new RouteTable(),
): Promise<void> {
  tuneV8();
  for (const [slot, { host, port, limit, invokers }] of services.entries()) {
    const revision = `bench/${host}`;
    const check = { attempt: { kind: 'tcp' as const, port, timeoutMs: 1000 }, delayMs: 0 };
    table.setRevision(revision, { limit, timeoutMs: 300_000, protocol: 'http1', port, check }, 10_000);
    const hosts = new Map([[host, [{ revision, percent: 100 }]]]);
    table.setRoute(revision, { createdAt: '', hosts, internalOnly: false, invokers });
    table.setInstance(slot, { slot, revision, pod: host, host: '127.0.0.1', port });
  }
  const data = new Threads({
    slots: Slots.create(threads),
    stats: Stats.create(threads),
    port,
    internalPort: 0,
    host: '127.0.0.1',
    limits: parseConfig({}).gateway.limits,
    log: createLogger('bench', 'warn'),
    snapshot: () => table.snapshot(),
    receive: () => {},
  });
  await data.start();
}

/** One thread, before one service. */
function gateway(port: number, backend: number): Promise<void> {
  return serve(port, 1, [{ host: '127.0.0.1', port: backend, limit: 80 }]);
}

/** One thread, before one service that is not open; the argument behind the ports is a {@link Guard} in JSON. */
function guarded(port: number, backend: number): Promise<void> {
  const { issuer, key, invokers } = JSON.parse(args[2] as string) as Guard;
  const table = new RouteTable();
  table.setIssuers([{ issuer, isCluster: true, audiences: [], keys: [key] }]);
  return serve(port, 1, [{ host: '127.0.0.1', port: backend, limit: 80, invokers }], table);
}

/** Two threads, before so many services of one program and another one, whose instance takes one request at a time. */
function neighbours(port: number, backend: number, hostile: number, count: number): Promise<void> {
  const steady = Array.from({ length: count }, (_, i) => ({ host: `steady-${i}`, port: backend, limit: 80 }));
  return serve(port, 2, [...steady, { host: 'hostile', port: hostile, limit: 1 }]);
}

const [role = '', ...args] = process.argv.slice(2);
const roles: Record<string, (...args: [number, number, number, number]) => Promise<void>> = {
  backend,
  stuck,
  slow,
  plain,
  gateway,
  guarded,
  neighbours,
};
await roles[role]?.(...(args.map(Number) as [number, number, number, number]));
process.send?.('ready');
process.on('disconnect', () => process.exit());
