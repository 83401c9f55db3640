import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { until } from '../../testing/until.ts';
import { ask, backend, Harness } from '../testing/harness.ts';

describe('gateway that ends', () => {
  it('serves what has come, a last request of an idle connection, and takes nothing new', async () => {
    const harness = await new Harness().listen();
    let answer: (() => void) | undefined;
    const { server, port } = await backend((req, res) => {
      if (req.url === '/slow') answer = () => res.end('late');
      else res.end('ok');
    });
    harness.serve('app.test', { ports: [port] });
    const idle = connect({ port: harness.port, host: '127.0.0.1' });
    idle.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
    await once(idle, 'data');
    const call = request({ port: harness.port, path: '/slow', headers: { host: 'app.test' } }).end();
    await until('it is in flight', () => answer);
    const stopped = harness.planes[0]?.stop(10_000);
    await assert.rejects(ask(harness.origin), /ECONNREFUSED/);
    // It was idle when the gateway stopped, as one of a client may be that sends its next request just then.
    idle.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
    const [last] = (await once(idle, 'data')) as [Buffer];
    assert.match(last.toString(), /^HTTP\/1.1 200 OK\r\n.*connection: close\r\n.*ok$/is);
    await once(idle, 'close');
    answer?.();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    assert.equal(response.headers.connection, 'close');
    response.setEncoding('utf8');
    assert.deepEqual(await once(response, 'data'), ['late']);
    await stopped;
    server.closeAllConnections();
    server.close();
  });

  it('closes connections that stay idle, at most when the grace period is over', async () => {
    const harness = await new Harness().listen();
    const idle = connect({ port: harness.port, host: '127.0.0.1' });
    idle.write('GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n');
    await once(idle, 'data');
    const closed = once(idle, 'close');
    await harness.planes[0]?.stop(50);
    await closed;
  });

  it('aborts what is still in flight when the grace period is over', async () => {
    const harness = await new Harness().listen();
    const { server, port } = await backend(() => {});
    const [slot = -1] = harness.serve('app.test', { ports: [port] });
    const answer = assert.rejects(ask(harness.origin));
    await until('it is in flight', () => harness.slots.inFlight(slot) === 1);
    await harness.planes[0]?.stop(50);
    await answer;
    server.closeAllConnections();
    server.close();
  });

  it('rejects no HTTP/2 request that a client sent before it received the GOAWAY (RFC 9113, 6.8)', async () => {
    const harness = await new Harness().listen();
    const { server, port } = await backend((_req, res) => res.end('ok'));
    harness.serve('app.test', { ports: [port] });
    const socket = connect({ port: harness.port, host: '127.0.0.1', noDelay: true });
    const frames = new FrameReader(socket);
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
    const ask = (id: number): unknown => socket.write(frame(HEADERS, END_STREAM | END_HEADERS, id, GET));
    const answered = (id: number) => () => frames.seen.some((one) => one.id === id && one.flags & END_STREAM);
    ask(1);
    await until('the first answer', answered(1));
    harness.planes[0]?.closing();
    // These are under way when the client hears of it.
    ask(3);
    ask(5);
    await until('the later answers', () => answered(3)() && answered(5)());
    const goaways = (): number[] =>
      frames.seen.filter(({ type }) => type === GOAWAY).map(({ payload }) => payload.readUInt32BE(0));
    assert.deepEqual(goaways(), [2 ** 31 - 1]);
    const stopped = harness.planes[0]?.stop(2000);
    await once(socket, 'close');
    await stopped;
    assert.deepEqual([...new Set(goaways())], [2 ** 31 - 1, 5]);
    assert.ok(!frames.seen.some(({ type }) => type === RST_STREAM));
    server.closeAllConnections();
    server.close();
  });
});

const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const GOAWAY = 7;
const END_STREAM = 1;
const END_HEADERS = 4;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** `GET http://app.test/` as HPACK: three fields of the static table and a literal (RFC 7541, Appendix A). */
const GET = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x01, 8]), Buffer.from('app.test')]);

function frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** The frames that a connection has brought. */
class FrameReader {
  readonly seen: { type: number; flags: number; id: number; payload: Buffer }[] = [];
  #bytes: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    socket.on('error', () => {});
    socket.on('data', (part) => {
      this.#bytes = Buffer.concat([this.#bytes, part as Buffer]);
      for (let size = this.#size(); this.#bytes.length >= size; size = this.#size()) {
        const [type = 0, flags = 0] = this.#bytes.subarray(3, 5);
        const payload = this.#bytes.subarray(9, size);
        this.seen.push({ type, flags, id: this.#bytes.readUInt32BE(5), payload });
        this.#bytes = this.#bytes.subarray(size);
      }
    });
  }

  #size(): number {
    return this.#bytes.length < 9 ? 9 : 9 + this.#bytes.readUIntBE(0, 3);
  }
}
