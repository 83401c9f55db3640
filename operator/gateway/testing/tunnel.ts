import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { until } from '../../testing/until.ts';

/** What asks for an upgrade, behind the request line and before the empty line. */
export const UPGRADE = 'Host: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
/** An instance's consent. */
export const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** One end of a connection, and what has come of it. */
export class End {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  size = 0;
  ended = false;
  closed = false;
  error: string | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.size += chunk.length;
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      this.error = code;
    });
  }

  get bytes(): Buffer {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  /** Takes the head of a message off what has come, once it is complete. */
  async head(): Promise<string> {
    const end = await until('a head', () => this.text.indexOf('\r\n\r\n') + 1);
    const { bytes } = this;
    this.#chunks = [bytes.subarray(end + 3)];
    this.size = bytes.length - end - 3;
    return bytes.toString('latin1', 0, end + 3);
  }
}

/** An instance whose connections the test handles itself. Each side of a connection may be closed alone. */
export class RawInstance {
  readonly #server: Server;
  readonly #ends: End[] = [];
  port = 0;

  constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#ends.push(new End(socket));
    });
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as { port: number }).port;
    return this;
  }

  /** The oldest connection that was not accepted yet. */
  async accept(): Promise<End> {
    await until('a connection', () => this.#ends.length > 0);
    return this.#ends.shift() as End;
  }

  close(): void {
    this.#server.close();
  }
}

/** A client that has sent these bytes, and may close its side alone. */
export function client(port: number, bytes: string | Buffer): End {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  socket.write(bytes);
  return new End(socket);
}

/** A frame of a WebSocket (RFC 6455, 5.2). A client's is masked. */
export function frame(
  opcode: number,
  payload: Buffer,
  { fin = true, masked = false }: { fin?: boolean; masked?: boolean } = {},
): Buffer {
  const { length } = payload;
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const length7 = extended.length === 0 ? length : extended.length === 2 ? 126 : 127;
  const head = Buffer.from([(fin ? 0x80 : 0) | opcode, (masked ? 0x80 : 0) | length7]);
  if (!masked) return Buffer.concat([head, extended, payload]);
  const mask = Buffer.from([1, 2, 3, 4]);
  const body = payload.map((byte, i) => byte ^ (mask[i % 4] as number));
  return Buffer.concat([head, extended, mask, body]);
}
