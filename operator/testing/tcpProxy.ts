import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../gateway/data/downstream/socket.ts';

/** A TCP proxy on loopback that can misbehave as networks do. */
export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #refusing = false;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#join(socket, target));
  }

  static async start(target: number): Promise<TcpProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, target);
  }

  /** Connections that are open now go silent for ever, without an end; new ones work. */
  freeze(): void {
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        socket.unpipe();
        socket.pause();
      }
    }
  }

  /** Resets all connections, and new ones too until {@link mend}. */
  cut(): void {
    this.#refusing = true;
    this.#reset();
  }

  mend(): void {
    this.#refusing = false;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(inner: Socket, target: number): void {
    if (this.#refusing) {
      resetSocket(inner);
      return;
    }
    const outer = connect(target, '127.0.0.1');
    const pair: [Socket, Socket] = [inner, outer];
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        inner.destroy();
        outer.destroy();
      });
    }
    inner.pipe(outer);
    outer.pipe(inner);
  }

  #reset(): void {
    for (const [inner, outer] of this.#pairs) {
      resetSocket(inner);
      resetSocket(outer);
    }
  }
}
