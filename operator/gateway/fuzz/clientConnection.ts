import { connect, type Socket } from 'node:net';
import type { ClientCase } from './clientH1.ts';
import * as h2 from './frames.ts';
import { Malformed, MORE, readAnswer, values } from './http1.ts';
import { Finding } from './oracle.ts';

/** What the gateway may answer of its own to what a client did. */
const REFUSALS = new Set([400, 404, 405, 408, 413, 414, 417, 421, 426, 429, 431, 501, 503, 505]);

const PREFACE = h2.PREFACE.subarray(0, 3);

/** How a case is sent and how it ends. */
export interface Play {
  http2: boolean;
  sent: ClientCase;
  streams: number[];
  pieces: Buffer[];
  slow: boolean;
  end: 'keep' | 'fin' | 'reset' | 'destroy';
}

/** An answer on a stream. */
interface Answer2 {
  status: number;
  body: string;
  over: 'no' | 'end' | 'reset';
  /** Of its reset. */
  code: string;
}

interface Got {
  status: number;
  id: string | undefined;
  body: string;
  whole: boolean;
}

/** The client's side of one connection. */
export class Connection {
  readonly socket: Socket;
  cases = 0;
  nextStream = 1;
  ended = false;
  usable = true;
  /** Pieces are under way. */
  writing = false;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #frames = new h2.FrameReader();
  #streams = new Map<number, Answer2>();
  #http2 = false;
  /** What is cut in the middle of a frame would take a frame of the connection's own for the rest of it. */
  #acknowledges = false;
  #owed = 0;
  #goaway = '';
  #changed: (() => void) | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (bytes) => this.#take(bytes));
    this.socket.on('error', () => {});
    this.socket.on('end', () => this.#finish());
    this.socket.on('close', () => this.#finish());
  }

  begin({ http2, streams, sent }: Play): void {
    this.#http2 = http2;
    this.#acknowledges = sent.clean;
    this.writing = true;
    this.cases++;
    this.#bytes = Buffer.alloc(0);
    this.#streams = new Map(streams.map((stream) => [stream, { status: 0, body: '', over: 'no', code: '' }]));
    if (streams.length > 0) this.nextStream = Math.max(...streams) + 2;
  }

  /** All pieces are written. */
  written(): void {
    this.writing = false;
    for (; this.#owed > 0; this.#owed--) this.#acknowledge();
  }

  /** Waits for all answers of a good case, and for the end of the connection otherwise. */
  async over(sent: ClientCase): Promise<void> {
    while (!this.ended && !(sent.clean && this.#complete(sent))) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    if (!sent.clean) this.socket.destroy();
  }

  /** @throws Finding */
  judge(play: Play): void {
    if (play.http2) this.#judge2(play);
    // Whatever begins so is HTTP/2 to the gateway, and answered in frames.
    else if (this.cases > 1 || !play.sent.bytes.subarray(0, 3).equals(PREFACE)) this.#judge1(play.sent);
  }

  #complete(sent: ClientCase): boolean {
    if (this.#http2) return [...this.#streams.values()].every(({ over }) => over !== 'no');
    try {
      return this.#answers(sent).length >= sent.expected.length;
    } catch {
      // The oracle reports why.
      return true;
    }
  }

  #answers({ expected }: ClientCase): Got[] {
    const found: Got[] = [];
    for (let at = 0; at < this.#bytes.length; ) {
      const method = expected[found.length]?.method ?? 'GET';
      const answer = readAnswer(this.#bytes, at, method, this.ended);
      if (answer === MORE) return found;
      if (!answer.whole && !this.ended) return found;
      const id = values(answer.fields, 'x-id')[0];
      found.push({ status: answer.status, id, body: answer.body.toString('latin1'), whole: answer.whole });
      at += answer.length;
      if (answer.status === 101) return found;
    }
    return found;
  }

  #judge1(sent: ClientCase): void {
    let answers: Got[];
    try {
      answers = this.#answers(sent);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      throw new Finding(
        'the client got bytes that are no HTTP',
        `${error.message}: ${JSON.stringify(this.#bytes.toString('latin1')).slice(-700)}`,
      );
    }
    answers.forEach(({ status, id, body, whole }, at) => {
      const expected = sent.expected[at];
      if (id !== undefined && id !== expected?.id)
        throw new Finding('FATAL: an answer of another request', `${id}, not ${expected?.id}`);
      if (whole && status === 200 && body !== `ok:${id}` && expected?.method !== 'HEAD')
        throw new Finding('another body than the instance answered', body);
      if (status !== 200 && status !== 101 && !REFUSALS.has(status))
        throw new Finding(`the client's fault was answered with ${status}`, body);
      if (id === undefined && at < sent.bad)
        throw new Finding('a good request got the refusal of a later one', `${expected?.id}: ${body}`);
      if (sent.clean && (status !== 200 || !whole))
        throw new Finding(`a good request was answered with ${status}`, `${expected?.id}: ${body}`);
    });
    if (sent.clean && answers.length < sent.expected.length) {
      throw new Finding('a good request was not answered', `${answers.length} of ${sent.expected.length}`);
    }
  }

  #judge2({ sent, streams }: Play): void {
    streams.forEach((number) => {
      const stream = this.#streams.get(number);
      if (!stream) return;
      const { status, body, over } = stream;
      const id = /^ok:(.*)$/.exec(body)?.[1];
      if (
        id !== undefined &&
        over === 'end' &&
        !sent.expected.some((one, at) => one.id === id && (!sent.clean || streams[at] === number))
      ) {
        throw new Finding('FATAL: an answer of another request', `${id} on stream ${number}`);
      }
      if (status !== 0 && status !== 200 && !REFUSALS.has(status))
        throw new Finding(
          `the client's fault was answered with ${status} (HTTP/2)`,
          `stream ${number}: ${body}`,
        );
      if (sent.clean && (status !== 200 || over !== 'end')) {
        throw new Finding(
          `a good request was answered with ${status} (HTTP/2), ${over}`,
          `stream ${number}: ${body}${stream.code}${this.#goaway}${this.ended ? ', closed' : ''}`,
        );
      }
    });
  }

  #take(bytes: Buffer): void {
    if (this.#http2) for (const frame of this.#frames.push(bytes)) this.#frame(frame);
    else this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    this.#changed?.();
  }

  #frame({ type, flags, stream: number, payload }: h2.Frame): void {
    if (type === h2.GOAWAY) this.#goaway = `, GOAWAY ${payload.toString('hex')}`;
    if (type === h2.SETTINGS && !(flags & h2.ACK)) this.#acknowledge();
    if (type === h2.GOAWAY) this.usable = false;
    const stream = this.#streams.get(number);
    if (!stream) return;
    if (type === h2.HEADERS) stream.status = h2.statusOf(payload) ?? stream.status;
    if (type === h2.DATA) stream.body += payload.toString('latin1');
    if (type === h2.RST_STREAM && stream.over === 'no') {
      stream.over = 'reset';
      stream.code = `code ${payload.readUInt32BE(0)}`;
    }
    if ((type === h2.HEADERS || type === h2.DATA) && flags & h2.END_STREAM) stream.over = 'end';
  }

  /** A frame of its own in the middle of a piece would spoil what follows. */
  #acknowledge(): void {
    if (!this.#acknowledges) return;
    if (this.writing) this.#owed++;
    else if (this.socket.writable) this.socket.write(h2.frame(h2.SETTINGS, h2.ACK, 0));
  }

  #finish(): void {
    this.ended = true;
    this.usable = false;
    this.#changed?.();
  }
}
