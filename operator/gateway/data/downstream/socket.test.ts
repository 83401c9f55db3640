import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { serverCertificate } from '../../../testing/serverCertificate.ts';
import { resetSocket } from './socket.ts';

/** More than the buffers of a connection hold: it stays with Node as long as the peer does not read. */
const MUCH = Buffer.alloc(16 * 1024 * 1024);

describe('a connection that is reset', () => {
  const TRANSPORTS = {
    TCP: { server: async () => createServer(), connect: (port: number) => connect(port, '127.0.0.1') },
    TLS: {
      server: async () => {
        const { certificate: cert, key } = await serverCertificate(['a']);
        return createTlsServer({ cert, key });
      },
      connect: (port: number) => connectTls(port, '127.0.0.1', { rejectUnauthorized: false }),
    },
  };
  const STATES: Record<string, (socket: Socket) => void> = {
    'that is idle': () => {},
    'whose data waits for its peer': (socket) => void socket.write(MUCH),
    'whose end waits for its peer': (socket) => void socket.end(MUCH),
    'whose end is under way': (socket) => void socket.end(),
  };
  for (const [transport, { server: make, connect: open }] of Object.entries(TRANSPORTS)) {
    for (const [state, bring] of Object.entries(STATES)) {
      it(`${transport}: one ${state} is closed at once`, async () => {
        const server = await make();
        const connected = once(server, transport === 'TLS' ? 'secureConnection' : 'connection');
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const peer = open((server.address() as AddressInfo).port).on('error', () => {});
        const [socket] = (await connected) as [Socket];
        const errors: Error[] = [];
        socket.on('error', (error) => errors.push(error));
        peer.pause();
        bring(socket);
        resetSocket(socket);
        const closed = once(server, 'close');
        server.close();
        await closed;
        assert.deepEqual(errors, []);
        peer.destroy();
      });
    }
  }
});
