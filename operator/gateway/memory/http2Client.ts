import type { Socket } from 'node:net';

// A client of HTTP/2 that does as little as the protocol lets it: thousands of them fit into one process, and it sends
// all that the gateway's windows permit (RFC 9113).

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const WINDOW_UPDATE = 8;
const END_HEADERS = 4;
const FRAME_HEADER = 9;
/** Windows of a connection and of a stream before anything else is said (RFC 9113, 6.9.2). */
const INITIAL_WINDOW = 65_535;
const MAX_FRAME = 16_384;
const BODY = frame(DATA, 0, 0, Buffer.alloc(MAX_FRAME, 'x'));

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEADER);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** `POST /` or `GET /large` as HPACK says it with its static table (RFC 7541, appendix A). */
function section(host: string, path: string, method: 'GET' | 'POST'): Buffer {
  const text = (value: string) => [value.length, ...Buffer.from(value)];
  return Buffer.from([method === 'GET' ? 0x82 : 0x83, 0x86, 0x04, ...text(path), 0x01, ...text(host)]);
}

function begin(socket: Socket, streams: number, head: Buffer): void {
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0)), requests(streams, head)]));
}

function requests(streams: number, head: Buffer): Buffer {
  return Buffer.concat(
    Array.from({ length: streams }, (_, i) => frame(HEADERS, END_HEADERS, 2 * i + 1, head)),
  );
}

/** Speaks HTTP/2 and asks nothing. @returns what asks for `/` on this many streams at once. */
export function session(socket: Socket, streams: number): () => unknown {
  begin(socket, 0, Buffer.alloc(0));
  return () => socket.write(requests(streams, section('zero.test', '/', 'POST')));
}

/** Asks for `/large` on this many streams and opens no window for the answers. */
export function downloads(socket: Socket, streams: number): void {
  begin(socket, streams, section('large.test', '/large', 'GET'));
  socket.pause();
}

/** Sends a body on each of this many streams, as much as the windows of the connection and of the streams take. */
export function uploads(socket: Socket, streams: number): void {
  begin(socket, streams, section('zero.test', '/', 'POST'));
  let window = INITIAL_WINDOW;
  const windows = new Array<number>(streams).fill(INITIAL_WINDOW);
  const send = (): void => {
    for (let i = 0; i < streams; i++) {
      while ((windows[i] as number) > 0 && window > 0) {
        const bytes = Math.min(MAX_FRAME, window, windows[i] as number);
        const data = Buffer.from(BODY.subarray(0, FRAME_HEADER + bytes));
        data.writeUIntBE(bytes, 0, 3);
        data.writeUInt32BE(2 * i + 1, 5);
        socket.write(data);
        window -= bytes;
        windows[i] = (windows[i] as number) - bytes;
      }
    }
  };
  send();
  let rest = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= FRAME_HEADER) {
      const end = FRAME_HEADER + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      if (rest[3] === WINDOW_UPDATE && rest.readUInt32BE(5) === 0) window += rest.readUInt32BE(FRAME_HEADER);
      rest = rest.subarray(end);
    }
    send();
  });
}
