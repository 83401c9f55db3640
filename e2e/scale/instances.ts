import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The program of all instances: it answers at every address of loopback, of which kwok gives one to each pod. */
export class InstanceProgram {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(): Promise<InstanceProgram> {
    const server = createServer((_, response) => void response.end('hello'));
    server.on('connection', (socket) => {
      if (!/^(::ffff:)?127\./.test(socket.remoteAddress ?? '')) socket.destroy();
    });
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    return new InstanceProgram(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
