import { createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../data/downstream/socket.ts';
import * as h2 from './frames.ts';
import { Malformed, MORE, readRequest } from './http1.ts';
import type { Script } from './instanceH1Changes.ts';
import { listen } from './world.ts';

/** Where instances of a lane find what to do for a request, and report what they got. */
export interface Stage {
  /** @returns undefined for a request that no client made. */
  script(id: string, stream: number): Script | undefined;
  /** A request is complete. */
  arrived(id: string, body: Buffer): void;
  failed(kind: string, detail: string): void;
}

/** A program on a port of its own that answers byte for byte as scripted. */
export interface RawInstance {
  port: number;
  /** Ends its connections. Resolves when the gateway has let go of them too, so that none of them meets a later request. */
  retire(): Promise<void>;
  close(): void;
}

export const idOf = (path: string): string => path.slice(3);

async function start(accept: (socket: Socket) => void): Promise<RawInstance> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    accept(socket);
  });
  const port = await listen(server);
  const retire = async (): Promise<void> => {
    const closed = [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of sockets) socket.end().resume();
    await Promise.all(closed);
  };
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, retire, close };
}

/** Writes a script's pieces, each in a turn of its own. */
function play(socket: Socket, { pieces, ending }: Script, at = 0): void {
  if (socket.destroyed || socket.writableEnded) return;
  const piece = pieces[at];
  if (piece) socket.write(piece);
  if (at + 1 < pieces.length) {
    setImmediate(() => play(socket, { pieces, ending } as Script, at + 1));
    return;
  }
  if (ending === 'end') {
    socket.end();
    // What still comes of the request must not keep the connection.
    socket.resume();
  } else if (ending === 'reset') resetSocket(socket);
}

export function instanceH1(stage: Stage): Promise<RawInstance> {
  return start((socket) => {
    let held: Buffer = Buffer.alloc(0);
    let answered = false;
    const answer = (target: string): void => {
      const script = stage.script(idOf(target), 0);
      answered = true;
      if (script) play(socket, script);
      else stage.failed('a request that no client made reached an instance', target);
    };
    socket.on('end', () => socket.end());
    socket.on('data', (bytes: Buffer) => {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      for (;;) {
        let request: ReturnType<typeof readRequest>;
        try {
          request = readRequest(held, 0);
          if (request !== MORE && request.broken) throw new Malformed('chunked coding');
        } catch (error) {
          if (!(error instanceof Malformed)) throw error;
          stage.failed(
            `an instance got what is no HTTP: ${error.message}`,
            held.toString('latin1').slice(0, 300),
          );
          socket.destroy();
          return;
        }
        if (request === MORE) return;
        if (request.partial) {
          if (!answered && stage.script(idOf(request.target), 0)?.early) answer(request.target);
          return;
        }
        held = held.subarray(request.length);
        stage.arrived(idOf(request.target), request.body);
        if (!answered) answer(request.target);
        answered = false;
        if (held.length === 0) return;
      }
    });
  });
}

interface Stream {
  id: string;
  body: Buffer[];
  answered: boolean;
}

export function instanceH2(stage: Stage): Promise<RawInstance> {
  return start((socket) => {
    const reader = new h2.FrameReader();
    const streams = new Map<number, Stream>();
    let preface = h2.PREFACE.length;
    let section: Buffer[] = [];
    let sectionFlags = 0;
    socket.write(h2.settings([3, 1000]));
    const answer = (number: number, stream: Stream): void => {
      const script = stage.script(stream.id, number);
      stream.answered = true;
      if (script) play(socket, script);
      else stage.failed('a request that no client made reached an instance', stream.id);
    };
    const ended = (number: number, stream: Stream): void => {
      streams.delete(number);
      stage.arrived(stream.id, Buffer.concat(stream.body));
      if (!stream.answered) answer(number, stream);
    };
    const opened = (number: number): void => {
      const stream: Stream = { id: idOf(h2.pathOf(Buffer.concat(section))), body: [], answered: false };
      section = [];
      streams.set(number, stream);
      if (sectionFlags & h2.END_STREAM) ended(number, stream);
      else if (stage.script(stream.id, number)?.early) answer(number, stream);
    };
    const take = ({ type, flags, stream: number, payload }: h2.Frame): void => {
      const stream = streams.get(number);
      if (type === h2.SETTINGS && !(flags & h2.ACK)) socket.write(h2.frame(h2.SETTINGS, h2.ACK, 0));
      else if (type === h2.PING && !(flags & h2.ACK)) socket.write(h2.frame(h2.PING, h2.ACK, 0, payload));
      else if (type === h2.RST_STREAM) streams.delete(number);
      else if (type === h2.HEADERS || type === h2.CONTINUATION) {
        if (type === h2.HEADERS) sectionFlags = flags;
        section.push(type === h2.HEADERS && flags & h2.WITH_PRIORITY ? payload.subarray(5) : payload);
        if (flags & h2.END_HEADERS) opened(number);
      } else if (type === h2.DATA) {
        if (payload.length > 0)
          socket.write(
            Buffer.concat([h2.windowUpdate(0, payload.length), h2.windowUpdate(number, payload.length)]),
          );
        stream?.body.push(payload);
        if (stream && flags & h2.END_STREAM) ended(number, stream);
      }
    };
    socket.on('end', () => socket.end());
    socket.on('data', (bytes: Buffer) => {
      const skipped = Math.min(preface, bytes.length);
      preface -= skipped;
      for (const frame of reader.push(bytes.subarray(skipped))) {
        if (socket.writable) take(frame);
      }
    });
  });
}
