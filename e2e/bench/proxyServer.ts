import { createServer as createHttp } from 'node:http';
import { createServer as createNet } from 'node:net';
import { parseConfig } from '../../operator/config.ts';
import { RouteTable } from '../../operator/gateway/control/routeTable.ts';
import { Threads } from '../../operator/gateway/control/threads.ts';
import { Slots } from '../../operator/gateway/shared/slots.ts';
import { Stats } from '../../operator/gateway/shared/stats.ts';
import { createLogger } from '../../operator/telemetry/log.ts';
import { tuneV8 } from '../../operator/v8.ts';

// One process of the proxy benches, named by its first argument; it says `ready` to its parent once it listens.

const BODY = 'Hello, world!';
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
);

/** A program that costs next to nothing: what is measured is the way to it. */
function backend(port: number): Promise<void> {
  const server = createNet({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    // Each request of these benches comes in one piece.
    socket.on('data', () => socket.write(ANSWER));
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
}

/** node:http answering by itself: the baseline. */
function plain(port: number): Promise<void> {
  const server = createHttp((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': BODY.length });
    response.end(BODY);
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
}

/** The gateway's own data thread, with the route table that it would have for one service of one instance. */
async function gateway(port: number, backendPort: number): Promise<void> {
  tuneV8();
  const table = new RouteTable();
  const revision = 'bench/hello-00001';
  table.setRevision(
    revision,
    {
      limit: 80,
      timeoutMs: 300_000,
      protocol: 'http1',
      port: backendPort,
      check: { attempt: { kind: 'tcp', port: backendPort, timeoutMs: 1000 }, delayMs: 0 },
    },
    10_000,
  );
  table.setRoute('bench/hello', {
    createdAt: '',
    hosts: new Map([['127.0.0.1', [{ revision, percent: 100 }]]]),
    internalOnly: false,
  });
  table.setInstance(0, { slot: 0, revision, pod: 'hello', host: '127.0.0.1', port: backendPort });
  const threads = new Threads({
    slots: Slots.create(1),
    stats: Stats.create(1),
    port,
    internalPort: 0,
    host: '127.0.0.1',
    limits: parseConfig({}).gateway.limits,
    log: createLogger('bench', 'warn'),
    snapshot: () => table.snapshot(),
    receive: () => {},
  });
  await threads.start();
}

const [role, port, backendPort] = process.argv.slice(2);
const roles: Record<string, () => Promise<void>> = {
  backend: () => backend(Number(port)),
  plain: () => plain(Number(port)),
  gateway: () => gateway(Number(port), Number(backendPort)),
};
await roles[role as string]?.();
process.send?.('ready');
