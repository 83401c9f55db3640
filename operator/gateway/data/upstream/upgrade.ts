import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { httpRequest } from '../../../builtins.ts';
import type { FlatHeaders } from '../headers.ts';

/** Longer than two SYN retransmissions, so that one lost packet is no failure. */
const CONNECT_TIMEOUT_MS = 5000;

/** What becomes of a request that asks an instance to leave HTTP. */
export interface UpgradeEvents {
  /** The instance accepted the connection. */
  connected(upstream: ClientRequest): void;
  /** It agreed. @param head what it sent behind its response. */
  opened(response: IncomingMessage, peer: Socket, head: Buffer): void;
  /** It responded as to any other request. */
  answered(response: IncomingMessage): void;
  upstreamFailed(upstream: ClientRequest, error: Error): void;
}

/** Sends such a request, over a connection of its own of which each side may be closed alone. */
export function requestUpgrade(
  { host, port }: { host: string; port: number },
  request: { method: string | undefined; path: string; headers: FlatHeaders },
  events: UpgradeEvents,
): ClientRequest {
  const connection = { host, port, agent: false, noDelay: true, allowHalfOpen: true };
  const upstream = httpRequest({ ...request, ...connection } as never);
  upstream.on('error', (error) => events.upstreamFailed(upstream, error));
  upstream.on('socket', (socket: Socket) => {
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(timeoutError()));
    socket.once('connect', () => {
      socket.setTimeout(0);
      events.connected(upstream);
    });
  });
  upstream.on('upgrade', (response, socket, head) => events.opened(response, socket as Socket, head));
  upstream.on('response', (response) => events.answered(response));
  upstream.end();
  return upstream;
}

function timeoutError(): Error {
  return Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });
}
