import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { type Field, Malformed, MORE, readAnswer, values } from './http1.ts';
import { type Asked, nothing, type Seen } from './oracle.ts';

/** Sends a request to the gateway and reports the response. */
export interface FuzzClient {
  /** @param hold that much of the body is sent when an answer has begun, or soon after. */
  ask(asked: Asked, host: string, hold: boolean): Promise<Seen>;
  close(): void;
}

/** How long a client keeps back what it holds when no answer begins. */
const HOLD_MS = 15;

/** Keeps its connection from request to request, as far as answers and versions let it. */
export class Http1Client implements FuzzClient {
  readonly #port: number;
  #socket: Socket | undefined;
  #held: Buffer = Buffer.alloc(0);
  #changed: (() => void) | undefined;
  #ended: 'no' | 'end' | 'broken' = 'no';
  #cut: string | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  async ask(asked: Asked, host: string, hold: boolean): Promise<Seen> {
    const { method, version, body } = asked;
    if (this.#held.length > 0) return this.#over(nothing(`behind the last answer: ${show(this.#held)}`));
    if (this.#socket?.destroyed || this.#ended !== 'no' || version === '1.0') this.close();
    const socket = this.#socket ?? this.#open();
    const chunked = version === '1.1' && body.length % 2 === 1;
    const framing = chunked ? 'transfer-encoding: chunked\r\n' : `content-length: ${body.length}\r\n`;
    const head = `${method} /i/${asked.id} HTTP/${version}\r\nhost: ${host}\r\n${body.length > 0 ? framing : ''}\r\n`;
    const sent = chunked
      ? Buffer.from(`${body.length.toString(16)}\r\n${body.toString('latin1')}\r\n0\r\n\r\n`, 'latin1')
      : body;
    const bytes = body.length > 0 ? Buffer.concat([Buffer.from(head), sent]) : Buffer.from(head);
    let rest: Buffer | undefined;
    if (hold && body.length > 1) {
      const half = bytes.length - Math.ceil(body.length / 2);
      socket.write(bytes.subarray(0, half));
      rest = bytes.subarray(half);
    } else socket.write(bytes);
    const writeRest = (): void => {
      if (rest && socket.writable) socket.write(rest);
      rest = undefined;
    };
    const timer = rest && setTimeout(writeRest, HOLD_MS);
    try {
      return await this.#read(method, version, writeRest);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#held = Buffer.alloc(0);
  }

  async #read(method: string, version: string, begun: () => void): Promise<Seen> {
    for (;;) {
      if (this.#held.length > 0) begun();
      try {
        const answer = readAnswer(this.#held, 0, method, this.#ended === 'end');
        if (answer !== MORE && (answer.whole || this.#ended !== 'no')) {
          this.#held = this.#held.subarray(answer.length);
          const last = values(answer.fields, 'connection').some((value) => /close/i.test(value));
          if (this.#held.length > 0)
            return this.#over({ ...answer, malformed: `behind the answer: ${show(this.#held)}` });
          return last || version === '1.0' ? this.#over(answer) : answer;
        }
      } catch (error) {
        if (error instanceof Malformed) return this.#over(nothing(`${error.message} in ${show(this.#held)}`));
        throw error;
      }
      if (this.#ended !== 'no') {
        return this.#over(
          this.#held.length > 0 && !INTERIM.test(this.#held.toString('latin1')) && this.#ended === 'end'
            ? nothing(`half a head: ${show(this.#held)}`)
            : nothing(),
        );
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  #over(seen: Seen): Seen {
    this.close();
    return seen.whole ? seen : { ...seen, cut: this.#cut ?? this.#ended };
  }

  #open(): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    this.#ended = 'no';
    this.#cut = undefined;
    const on = (event: string, take: (bytes: Buffer) => void): void => {
      socket.on(event, (bytes: Buffer) => {
        if (this.#socket !== socket) return;
        take(bytes);
        this.#changed?.();
      });
    };
    on('data', (bytes) => {
      this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    });
    on('end', () => {
      this.#ended = 'end';
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (this.#socket === socket) this.#cut = code;
    });
    on('error', () => {
      this.#ended = 'broken';
    });
    on('close', () => {
      if (this.#ended === 'no') this.#ended = 'broken';
    });
    return socket;
  }
}

/** Nothing but informational answers. */
const INTERIM = /^(?:HTTP\/1\.1 1\d\d [^\r]*\r\n(?:[^\r]+\r\n)*\r\n)*$/;

const show = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1').slice(0, 200));

/** Node's own HTTP/2 client, as lenient about fields as it can be. */
export class Http2Client implements FuzzClient {
  readonly #port: number;
  #session: ClientHttp2Session | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  ask(asked: Asked, host: string, hold: boolean): Promise<Seen> {
    const seen = nothing();
    const body: Buffer[] = [];
    const { method, id } = asked;
    const endStream = asked.body.length === 0;
    const head = { ':method': method, ':path': `/i/${id}`, ':authority': host, te: 'trailers' };
    const stream = this.#open().request(head, { endStream });
    const rest = hold ? asked.body.subarray(asked.body.length >> 1) : undefined;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      if (stream.writable && !stream.writableEnded) stream.end(rest);
    };
    if (rest) {
      stream.write(asked.body.subarray(0, asked.body.length >> 1));
      timer = setTimeout(finish, HOLD_MS);
    } else if (!endStream) stream.end(asked.body);
    const on = stream.on.bind(stream) as unknown as (
      event: string,
      take: (...given: never[]) => void,
    ) => void;
    on('headers', (headers: { ':status': number }, _flags: number, raw: string[]) => {
      seen.informational.push({ status: Number(headers[':status']), fields: pairs(raw) });
    });
    on('response', (headers: { ':status': number }, _flags: number, raw: string[]) => {
      seen.status = Number(headers[':status']);
      seen.fields = pairs(raw);
      finish();
    });
    on('trailers', (_headers: object, _flags: number, raw: string[]) => {
      seen.trailers = pairs(raw);
    });
    on('data', (chunk: Buffer) => void body.push(chunk));
    on('error', () => {});
    let ended = false;
    on('end', () => {
      ended = true;
    });
    return new Promise((resolve) => {
      on('close', () => {
        clearTimeout(timer);
        // A reset ends a stream as well.
        const whole = ended && !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR;
        resolve({ ...seen, body: Buffer.concat(body), whole: whole && seen.status !== 0 });
      });
    });
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #open(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const options = {
      strictSingleValueFields: false,
      strictFieldWhitespaceValidation: false,
      maxHeaderListPairs: 10_000,
      maxReservedRemoteStreams: 0,
      settings: { maxHeaderListSize: 1 << 20, enablePush: false },
    };
    const session = connectHttp2(`http://127.0.0.1:${this.#port}`, options as object);
    session.on('error', () => {});
    this.#session = session;
    return session;
  }
}

function pairs(raw: readonly string[]): Field[] {
  const found: Field[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    if (!(raw[i] as string).startsWith(':')) found.push([raw[i] as string, raw[i + 1] as string]);
  }
  return found;
}
