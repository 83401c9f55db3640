import type { Socket } from 'node:net';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import { tls } from '../../builtins.ts';
import type { UsageWriter } from '../shared/usage.ts';
import type { Certificates } from './certificates.ts';
import { type Connection, connectionOf } from './connection.ts';
import { SessionStarts } from './sessionStarts.ts';

/** SSL_OP_NO_RENEGOTIATION: a client of TLS 1.2 could have any number of handshakes on one connection. */
const NO_RENEGOTIATION = 1 << 30;

export interface HandshakesOptions {
  certificates: Certificates;
  usage: UsageWriter;
  /** 48 bytes that all threads share, so that a client may resume its session on another one (RFC 8446, 2.2). */
  ticketKeys: Uint8Array;
  /** Serves a connection whose handshake is complete. */
  secured: (connection: Connection) => void;
}

/**
 * The TLS side of a listener. Handshakes are answered one in each turn of the event loop: one takes up to a millisecond
 * (RSA), and a thousand that arrive together must not keep the requests of open connections waiting for a second.
 */
export class Handshakes {
  readonly #server: TlsServer;
  readonly #starts = new SessionStarts(0);

  constructor({ certificates, usage, ticketKeys, secured }: HandshakesOptions) {
    this.#server = tls().createServer({
      ALPNProtocols: ['h2', 'http/1.1'],
      // The key exchange and the signature follow it. Where a client names no server there is no certificate.
      SNICallback: (name, done) => this.#starts.add(() => done(null, certificates.contextFor(name))),
      ticketKeys: Buffer.from(ticketKeys),
      secureOptions: NO_RENEGOTIATION,
    });
    this.#server.on('secureConnection', (socket) => {
      socket.allowHalfOpen = true;
      const connection = connectionBelow(socket);
      if (connection.secured(socket)) secured(connection);
    });
    this.#server.on('tlsClientError', (_error, socket) => {
      usage.count('failedHandshakes');
      socket.destroy();
    });
  }

  start(connection: Connection): void {
    const { socket } = connection;
    // For its whole life: a client may reset it in any phase.
    socket.on('error', () => void socket.destroy());
    this.#server.emit('connection', socket);
  }
}

/** The connection of the client's own socket, which Node keeps with the one on top of it. */
function connectionBelow(socket: TLSSocket): Connection {
  return connectionOf((socket as unknown as { _parent: Socket })._parent);
}
