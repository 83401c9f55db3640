import type { Socket } from 'node:net';
import { resetSocket } from './downstream/socket.ts';
import { CLOSE_FROM_CLIENT, CLOSE_FROM_SERVER, FrameBoundary } from './webSocketFrames.ts';

/**
 * A client's connection and one of an instance that have left HTTP: bytes are forwarded both ways. Either side may end its
 * direction alone (RFC 9293, 3.6). A WebSocket's frames are followed, to know where a close frame may be inserted.
 */
export class UpgradedConnection {
  readonly #client: Socket;
  readonly #instance: Socket;
  readonly #frames: { fromClient: FrameBoundary; fromInstance: FrameBoundary } | undefined;

  /** @param ended called when both directions have ended, or one side is lost. */
  constructor(client: Socket, instance: Socket, isWebSocket: boolean, ended: () => void) {
    this.#client = client;
    this.#instance = instance;
    if (isWebSocket) this.#frames = { fromClient: new FrameBoundary(), fromInstance: new FrameBoundary() };
    instance.on('close', ended);
    client.on('close', () => {
      // Both directions have ended, but the instance is still to receive the rest: its connection closes after that.
      if (!client.readableEnded || !instance.writableEnded) ended();
    });
  }

  /** Bytes that the instance got. */
  get forwarded(): number {
    return this.#instance.bytesWritten;
  }

  /**
   * Begins to forward.
   * @param early what the client has sent already.
   * @param head what the instance sent behind its response.
   */
  start(early: readonly Buffer[], head: Buffer): void {
    const client = this.#client;
    const instance = this.#instance;
    if (this.#frames) {
      const { fromClient, fromInstance } = this.#frames;
      fromInstance.feed(head);
      for (const chunk of early) fromClient.feed(chunk);
      client.on('data', (chunk: Buffer) => fromClient.feed(chunk));
      instance.on('data', (chunk: Buffer) => fromInstance.feed(chunk));
    }
    if (head.length > 0) client.write(head);
    for (const chunk of early) instance.write(chunk);
    instance.setNoDelay(true);
    instance.setTimeout(0);
    instance.pipe(client);
    client.pipe(instance);
  }

  /**
   * Closes a WebSocket: each side gets a close frame (RFC 6455, 7.1.1), unless it is in the middle of another frame.
   * @returns false for other protocols.
   */
  close(): boolean {
    if (!this.#frames) return false;
    const { fromClient, fromInstance } = this.#frames;
    const client = this.#client;
    const instance = this.#instance;
    client.unpipe(instance);
    instance.unpipe(client);
    client.resume();
    instance.resume();
    endWith(instance, fromClient.between ? CLOSE_FROM_CLIENT : undefined);
    endWith(client, fromInstance.between ? CLOSE_FROM_SERVER : undefined);
    return true;
  }

  /**
   * Disconnects the instance, and the client where the end of its connection would make a stream look whole that is not. A
   * WebSocket's close frame tells its end; that of other protocols may be the end of the connection itself.
   */
  cut(): void {
    const client = this.#client;
    const instance = this.#instance;
    if (!this.#frames && !client.readableEnded) resetSocket(instance);
    else instance.destroy();
    if (!this.#frames && !instance.readableEnded) resetSocket(client);
  }
}

function endWith(socket: Socket, frame: Buffer | undefined): void {
  if (!socket.writable) return;
  if (frame) socket.end(frame);
  else socket.end();
}
