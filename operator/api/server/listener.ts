import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type {
  Http2SecureServer,
  Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  Http2Session,
} from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { createHttpServer, http2 } from '../../builtins.ts';
import type { KeyPair } from '../../webhook/certificates/rotation.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface ListenerOptions {
  port: number;
  host?: string;
  /** Whether requests without TLS are answered, for a proxy in front that ends TLS. */
  plainHttp: boolean;
  /** Requests over HTTP/1.1 and HTTP/2. */
  rest: Handler;
  /** Calls of gRPC, all over HTTP/2; they are refused where it is left out. */
  grpc?: (request: Http2ServerRequest, response: Http2ServerResponse) => void;
}

export interface Listener {
  readonly port: number;
  /** Uses the certificate for new connections; handshakes fail before the first. */
  serve(pair: KeyPair): void;
  /** Takes no more connections, ends idle ones, and waits at most `drainMs` for the others. */
  close(drainMs: number): Promise<void>;
}

/** The first byte of a TLS connection (RFC 8446, 5.1: handshake). */
const TLS_HANDSHAKE = 0x16;
/** The first bytes of HTTP/2 (RFC 9113, 3.4), and no method of HTTP/1.1. */
const PREFACE = 'PRI * HTTP/2';
/** How long a connection may take to send its first byte. */
const FIRST_BYTE_MS = 30_000;
const HANDSHAKE_MS = 10_000;
const TLS = { minVersion: 'TLSv1.2' } as const;
/** Proxies keep idle connections for up to a minute. */
const KEEP_ALIVE_MS = 75_000;
/** A client has one connection, or a few; each of a kubectl-like tool is short. */
const MOST_CONNECTIONS = 2_000;
const SETTINGS = { settings: { maxConcurrentStreams: 100 } } as const;

interface Inner {
  secure: Http2SecureServer;
  plain: HttpServer;
  plainHttp2: Http2Server;
  sessions: Set<Http2Session>;
}

/**
 * One port for all: TLS with HTTP/1.1 and HTTP/2 by ALPN, and CONNECT, by which a client takes this server for its HTTP
 * proxy and finds every host here, whatever its name. The tunnel ends in this process: nothing is forwarded. Requests
 * without TLS are refused unless `plainHttp`.
 */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const inner = innerServers(options);
  const sockets = new Set<Socket>();
  const outer = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that goes away is no error of ours.
    socket.on('error', () => socket.destroy());
    lead(socket, inner, options);
  });
  outer.maxConnections = MOST_CONNECTIONS;
  inner.plain.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (!/:\d+$/.test(request.url ?? '')) return socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    lead(socket, inner, options);
  });
  await new Promise<void>((resolve, reject) => {
    outer.once('error', reject);
    outer.listen({ port: options.port, host: options.host }, resolve);
  });
  return {
    port: (outer.address() as { port: number }).port,
    serve: ({ certificate, key }) => inner.secure.setSecureContext({ ...TLS, cert: certificate, key }),
    close: (drainMs) => close(outer, inner, sockets, drainMs),
  };
}

/** Hands a connection to the server that speaks what its first bytes are. */
function lead(
  socket: Socket,
  { secure, plain, plainHttp2 }: Inner,
  { plainHttp }: Pick<ListenerOptions, 'plainHttp'>,
): void {
  socket.setTimeout(FIRST_BYTE_MS, () => socket.destroy());
  socket.once('data', (first: Buffer) => {
    socket.pause();
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    socket.unshift(first);
    const isHttp2 = first.toString('latin1', 0, PREFACE.length).startsWith(PREFACE);
    // Node's session of one that it is to refuse would read what has arrived after its end.
    if (isHttp2 && !plainHttp) return socket.destroy();
    const server = first[0] === TLS_HANDSHAKE ? secure : isHttp2 ? plainHttp2 : plain;
    server.emit('connection', socket);
    // The others read what has arrived from the paused socket themselves.
    if (server === plain) socket.resume();
  });
}

function innerServers({ plainHttp, rest, grpc }: ListenerOptions): Inner {
  const dispatch = (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const isGrpc = request.headers['content-type']?.startsWith('application/grpc') ?? false;
    if (isGrpc && grpc && request.httpVersionMajor === 2) grpc(request, response);
    else rest(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  };
  const refuse: Handler = (_request, response) => {
    response.writeHead(400, { 'content-type': 'text/plain', connection: 'close' });
    response.end('This port speaks HTTPS; requests without TLS are not answered.\n');
  };
  const secure = http2().createSecureServer(
    { ...TLS, ...SETTINGS, allowHTTP1: true, handshakeTimeout: HANDSHAKE_MS },
    dispatch,
  );
  // Clients that do not trust the certificate, and those that speak no TLS after all.
  secure.on('tlsClientError', (_error, socket) => socket.destroy());
  secure.on('sessionError', () => {});
  const plain = createHttpServer({ keepAliveTimeout: KEEP_ALIVE_MS }, plainHttp ? rest : refuse);
  const plainHttp2 = http2().createServer(SETTINGS, dispatch);
  plainHttp2.on('sessionError', () => {});
  const sessions = new Set<Http2Session>();
  for (const server of [secure, plainHttp2]) {
    server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
    });
  }
  return { secure, plain, plainHttp2, sessions };
}

async function close(
  outer: ReturnType<typeof createServer>,
  { plain, sessions }: Inner,
  sockets: Set<Socket>,
  drainMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => outer.close(() => resolve()));
  plain.closeIdleConnections();
  // They end when their streams have.
  for (const session of sessions) session.close();
  const cut = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, drainMs);
  await closed;
  clearTimeout(cut);
}
