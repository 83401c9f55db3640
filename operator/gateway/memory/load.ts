import { connect, type Socket } from 'node:net';
import { downloads, session, uploads } from './http2Client.ts';

// A client that takes what it can: opens many connections of one kind, each doing its worst, and holds them. It reports
// `held` once all have done what they do, and ends when its parent does.

const [kind = '', port = '', connections = ''] = process.argv.slice(2);
/** Connections that are being opened at a time: the accept queue holds 4,096. */
const BATCH = 500;
const BODY = Buffer.alloc(200_000, 'x');
const FIELD = 'x'.repeat(7_500);

/** What each connection of `burst` does at last, once it has the settings of the gateway or is closed. */
const lastSteps: Promise<() => unknown>[] = [];

/** What each kind of connection sends, and what once all are open. No answer is ever read. */
const KINDS: Record<string, (socket: Socket) => unknown> = {
  silent: () => {},
  head: (socket) => {
    socket.write('GET / HTTP/1.1\r\nHost: app.test\r\n');
    for (let i = 0; i < 8; i++) socket.write(`x-${i}: ${FIELD}\r\n`);
  },
  post: (socket) => {
    socket.write(`POST / HTTP/1.1\r\nHost: zero.test\r\nContent-Length: ${BODY.length}\r\n\r\n`);
    socket.write(BODY);
  },
  answers: (socket) => socket.write('GET /large HTTP/1.1\r\nHost: large.test\r\n\r\n'),
  pipelined: (socket) => socket.write('GET / HTTP/1.1\r\nHost: zero.test\r\n\r\n'.repeat(2000)),
  heads: (socket) => {
    socket.write(`GET / HTTP/1.1\r\nHost: zero.test\r\n${`x: ${FIELD}\r\n`.repeat(8)}\r\n`);
  },
  session: (socket) => session(socket, 0),
  burst: (socket) => {
    const ask = session(socket, 100);
    lastSteps.push(
      new Promise((resolve) =>
        socket.once('data', () => resolve(ask)).once('close', () => resolve(() => {})),
      ),
    );
  },
  streams: (socket) => uploads(socket, 100),
  downloads: (socket) => downloads(socket, 100),
};

let made = 0;
/** Many clients: no limit of a single address is in the way. */
const localAddress = (): string => `127.0.0.${2 + (made++ % 50)}`;

/** Resolves when it is open and has begun, or was refused. */
function open(begin: (socket: Socket) => unknown): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: localAddress() });
    socket.on('connect', () => {
      begin(socket);
      if (socket.listenerCount('data') === 0) socket.pause();
      resolve();
    });
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
}

const begin = KINDS[kind] as (socket: Socket) => unknown;
for (let opened = 0; opened < Number(connections); opened += BATCH) {
  const batch = Math.min(BATCH, Number(connections) - opened);
  await Promise.all(Array.from({ length: batch }, () => open(begin)));
}
for (const ask of await Promise.all(lastSteps)) ask();
process.send?.('held');
process.on('disconnect', () => process.exit());
