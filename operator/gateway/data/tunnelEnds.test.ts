import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { serverCertificate, testAuthority } from '../../testing/serverCertificate.ts';
import { until } from '../../testing/until.ts';
import { usedMemory } from '../fuzz/world.ts';
import { Harness } from '../testing/harness.ts';
import { client, End, frame, RawInstance, SWITCHING, UPGRADE } from '../testing/tunnel.ts';
import { resetSocket } from './downstream/socket.ts';
import { CLOSE_FROM_CLIENT, CLOSE_FROM_SERVER } from './webSocketFrames.ts';

const RAW_UPGRADE = UPGRADE.replace('websocket', 'raw');
const RAW_SWITCHING = SWITCHING.replace('websocket', 'raw');
const MEBIBYTE = 1024 * 1024;

/** Both ends of an upgraded connection. */
interface Ends {
  from: End;
  to: End;
}

describe('gateway and the end of upgraded connections', () => {
  let harness: Harness;
  let instance: RawInstance;
  let slot: number;
  let ca: string;
  const opened: End[] = [];

  before(async () => {
    ca = await testAuthority();
  });

  beforeEach(async () => {
    instance = await new RawInstance().listen();
    harness = await new Harness().listen();
    [slot = -1] = harness.serve('app.test', { ports: [instance.port], limit: 2 });
    harness.certificate('sys/app', { ...(await serverCertificate(['app.test'])), names: ['app.test'] });
  });

  afterEach(async () => {
    for (const { socket } of opened.splice(0)) socket.destroy();
    await until('its slot is free', () => harness.slots.inFlight(slot) === 0);
    await until('nothing is left', () => harness.planes[0]?.open === 0);
    const { connections, websockets } = harness.slots.usage.read();
    assert.deepEqual([connections, websockets], [0, 0]);
    assert.deepEqual(harness.sent('error'), [], 'nothing was unforeseen');
    await harness.close();
    instance.close();
  });

  const tunnel = async (from: End, switching = SWITCHING): Promise<Ends> => {
    opened.push(from);
    const to = await instance.accept();
    opened.push(to);
    await to.head();
    to.socket.write(switching);
    await from.head();
    return { from, to };
  };
  const plain = (upgrade = UPGRADE): End => client(harness.port, `GET / HTTP/1.1\r\n${upgrade}\r\n`);
  const secure = async (): Promise<End> => {
    const below = connect({ host: '127.0.0.1', port: harness.tlsPort, allowHalfOpen: true, noDelay: true });
    const socket = connectTls({ socket: below, servername: 'app.test', ca });
    socket.allowHalfOpen = true;
    await once(socket, 'secureConnect');
    socket.write(`GET / HTTP/1.1\r\n${RAW_UPGRADE}\r\n`);
    return new End(socket);
  };
  const CLIENTS: Record<string, () => Promise<Ends>> = {
    WebSocket: () => tunnel(plain()),
    'another protocol': () => tunnel(plain(RAW_UPGRADE), RAW_SWITCHING),
    TLS: async () => tunnel(await secure(), RAW_SWITCHING),
  };

  const closed = ({ from, to }: Ends): Promise<boolean> =>
    until('both ends are closed', () => from.closed && to.closed);

  for (const [name, open] of Object.entries(CLIENTS)) {
    describe(name, () => {
      for (const side of ['from', 'to'] as const) {
        const who = side === 'from' ? 'client' : 'instance';

        it(`the ${who} closes its side, and still receives`, async () => {
          const ends = await open();
          const other = side === 'from' ? ends.to : ends.from;
          ends[side].socket.end('last words');
          await until('the other side knows', () => other.ended);
          assert.equal(other.text, 'last words');
          assert.equal(harness.slots.inFlight(slot), 1);
          other.socket.write('answer');
          await until('the answer', () => ends[side].text === 'answer');
          other.socket.end(', and the end');
          await closed(ends);
          assert.equal(ends[side].text, 'answer, and the end');
          assert.deepEqual([ends.from.error, ends.to.error], [undefined, undefined]);
        });

        it(`the ${who} resets it`, async () => {
          const ends = await open();
          const other = side === 'from' ? ends.to : ends.from;
          other.socket.write('x');
          ends[side].socket.write('y');
          await until('both have received', () => ends.from.size > 0 && ends.to.size > 0);
          resetSocket(ends[side].socket);
          await until('the other side knows', () => other.closed || other.ended);
          // Frames show where a WebSocket is cut; of other protocols the end may be the whole message.
          if (name !== 'WebSocket') assert.equal(other.error, 'ECONNRESET');
        });
      }

      it('what the instance wrote before it ended arrives, though the client still sends', async () => {
        const ends = await open();
        const flood = setInterval(() => ends.from.socket.write('more'), 1);
        ends.to.socket.end(Buffer.alloc(300_000, 'a'));
        await until('all of it', () => ends.from.ended);
        assert.equal(ends.from.size, 300_000);
        clearInterval(flood);
        ends.from.socket.end();
        await closed(ends);
      });
    });
  }

  describe('back pressure', () => {
    const WHOLE = 32 * MEBIBYTE;
    /** What the kernel may hold of two connections on loopback, four buffers. */
    const KERNEL = 24 * MEBIBYTE;

    for (const side of ['from', 'to'] as const) {
      it(`of ${side === 'from' ? 'an instance' : 'a client'} that does not read: memory is bounded, and nothing is lost`, async () => {
        const ends = await tunnel(plain(RAW_UPGRADE), RAW_SWITCHING);
        const [source, sink] = [ends[side].socket, (side === 'from' ? ends.to : ends.from).socket];
        const [sent, received] = [createHash('sha256'), createHash('sha256')];
        sink.removeAllListeners('data').pause();
        const chunk = Buffer.alloc(MEBIBYTE, 'x');
        const before = await usedMemory();
        let written = 0;
        const write = (): void => {
          while (written < WHOLE) {
            sent.update(chunk);
            written += chunk.length;
            if (!source.write(chunk)) return;
          }
        };
        source.on('drain', write);
        write();
        let seen = -1;
        await until(
          'the source waits',
          () => {
            const same = source.bytesWritten === seen && source.writableNeedDrain;
            seen = source.bytesWritten;
            return same;
          },
          { everyMs: 200 },
        );
        assert.ok(written - source.writableLength < KERNEL, `${written} bytes were taken`);
        const grown = (await usedMemory()) - before;
        assert.ok(grown < MEBIBYTE, `${grown} bytes of memory`);
        let size = 0;
        sink.on('data', (part: Buffer) => {
          received.update(part);
          size += part.length;
        });
        sink.resume();
        await until('all of it', () => size === WHOLE);
        assert.equal(received.digest('hex'), sent.digest('hex'));
        ends.from.socket.end();
        ends.to.socket.end();
        await closed(ends);
      });
    }

    it('a client that sends before its upgrade is answered is not read without limit', async () => {
      const from = plain();
      const to = await instance.accept();
      await to.head();
      const body = Buffer.alloc(16 * MEBIBYTE, 'e');
      from.socket.write(body);
      await until('it waits', () => from.socket.writableLength > 0 && from.socket.bytesWritten > 0);
      to.socket.write(SWITCHING);
      await until('all of it', () => to.size === body.length);
      from.socket.end();
      to.socket.end();
      await closed({ from, to });
    });
  });

  describe('the request timeout (Cloud Run, WebSockets)', () => {
    const TIMEOUT_MS = 1000;
    const HALF = frame(2, Buffer.alloc(10)).subarray(0, 5);
    const CASES: Record<
      string,
      { reason: string; upgrade?: string; fromClient?: Buffer; fromInstance?: Buffer; want: [Buffer, Buffer] }
    > = {
      'between frames': {
        reason: 'both sides get a close frame',
        fromClient: frame(1, Buffer.from('a'), { masked: true }),
        want: [CLOSE_FROM_SERVER, CLOSE_FROM_CLIENT],
      },
      'in a frame of the client': {
        reason: 'the instance gets none, because it would be read as a part of that frame',
        fromClient: HALF,
        want: [CLOSE_FROM_SERVER, Buffer.alloc(0)],
      },
      'in a frame of the instance': {
        reason: 'neither does the client',
        fromInstance: HALF,
        want: [Buffer.alloc(0), CLOSE_FROM_CLIENT],
      },
      'of another protocol': {
        reason: 'nothing is inserted, and both sides get a reset',
        upgrade: 'raw',
        want: [Buffer.alloc(0), Buffer.alloc(0)],
      },
    };
    const NOTHING = Buffer.alloc(0);
    for (const [name, given] of Object.entries(CASES)) {
      const { reason, upgrade = 'websocket', fromClient = NOTHING, fromInstance = NOTHING, want } = given;
      it(`${name}: ${reason}`, async () => {
        harness.revision({ limit: 2, timeoutMs: TIMEOUT_MS });
        const begun = performance.now();
        const replace = (text: string): string => text.replace('websocket', upgrade);
        const ends = await tunnel(plain(replace(UPGRADE)), replace(SWITCHING));
        ends.from.socket.write(fromClient);
        ends.to.socket.write(fromInstance);
        await until('it is over', () => ends.from.ended || ends.from.error);
        assert.ok(performance.now() - begun > TIMEOUT_MS - 1);
        ends.from.socket.end();
        ends.to.socket.end();
        await closed(ends);
        const reset = ['ECONNRESET', 'ECONNRESET'];
        if (upgrade === 'raw') assert.deepEqual([ends.from.error, ends.to.error], reset);
        assert.deepEqual(ends.from.bytes, Buffer.concat([fromInstance, want[0]]));
        assert.deepEqual(ends.to.bytes, Buffer.concat([fromClient, want[1]]));
      });
    }

    it('a client that never reads is disconnected, and its slot is free at once', async () => {
      harness.revision({ limit: 2, timeoutMs: TIMEOUT_MS });
      const ends = await tunnel(plain());
      ends.from.socket.pause();
      const flood = Buffer.alloc(16 * MEBIBYTE);
      ends.to.socket.write(flood);
      await until('its slot is free', () => harness.slots.inFlight(slot) === 0);
      await until('it is disconnected', () => harness.slots.usage.read().connections === 0);
    });
  });

  describe('a gateway that ends', () => {
    it('serves them for the grace period, then closes them properly', async () => {
      const socket = await tunnel(plain());
      const other = await tunnel(plain(RAW_UPGRADE), RAW_SWITCHING);
      const begun = performance.now();
      const stopped = harness.planes[0]?.stop(1300);
      socket.from.socket.write('still here');
      await until('it is served', () => socket.to.text === 'still here');
      await until('the close frame', () => socket.from.bytes.equals(CLOSE_FROM_SERVER));
      assert.ok(performance.now() - begun >= 250);
      await stopped;
      assert.equal(harness.slots.inFlight(slot), 0);
      await until('both are disconnected', () => socket.from.ended && other.from.error);
    });

    it('ends as soon as they have', async () => {
      const ends = await tunnel(plain());
      const stopped = harness.planes[0]?.stop(60_000);
      ends.from.socket.end();
      ends.to.socket.end();
      await closed(ends);
      await stopped;
    });
  });

  it('a slot is held while one is open and given back once, however it ends', async () => {
    const ways: ((ends: Ends) => void)[] = [
      ({ from }) => from.socket.resetAndDestroy(),
      ({ to }) => to.socket.resetAndDestroy(),
      ({ from, to }) => {
        from.socket.end();
        to.socket.end();
      },
      ({ from, to }) => {
        from.socket.destroy();
        to.socket.destroy();
      },
    ];
    for (let i = 0; i < 40; i++) {
      const one = await tunnel(plain());
      await tunnel(plain());
      assert.equal(harness.slots.inFlight(slot), 2);
      const third = plain();
      await until('the third waits', () => harness.slots.waiting(0) === 1);
      ways[i % ways.length]?.(one);
      await tunnel(third);
      assert.equal(harness.slots.inFlight(slot), 2);
      assert.equal(opened.length, 6);
      for (const { socket } of opened.splice(0)) socket.destroy();
      await until('all are over', () => harness.slots.inFlight(slot) === 0);
    }
  });
});
