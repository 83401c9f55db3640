import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { type ClientHttp2Session, connect as connectHttp2, createServer as createHttp2 } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { until } from '../../testing/until.ts';
import * as h2 from '../fuzz/frames.ts';
import { ask, Harness, raw } from '../testing/harness.ts';

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

interface Http2Answer {
  status: number;
  raw: string[];
  text: string;
  trailers: string[];
  interim: string[][];
  /** The reset's code when the stream ended without END_STREAM. */
  reset: number | undefined;
}

const OK = 'HTTP/1.1 200 OK\r\n';

describe('gateway and instances that say anything', () => {
  let harness: Harness;
  let client: ClientHttp2Session;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    harness = await new Harness().listen();
    client = connectHttp2(harness.origin);
    client.on('error', () => {});
  });

  afterEach(async () => {
    client.destroy();
    await until('no request is left', () => harness.planes[0]?.open === 0);
    assert.deepEqual(harness.sent('error'), [], 'nothing was unforeseen');
    await harness.close();
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  /** An HTTP/1.1 instance that does with the bytes of each request what the test says. */
  const http1 = async (act: (socket: Socket, request: string, nth: number) => void): Promise<void> => {
    let nth = 0;
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
      socket.on('data', (bytes) => act(socket, bytes.toString('latin1'), ++nth));
    });
    servers.push(server);
    harness.serve('app.test', { ports: [await listen(server)] });
  };

  /** An instance that answers every request with these bytes. */
  const answering = (bytes: string): Promise<void> =>
    http1((socket) => {
      socket.write(bytes, 'latin1');
    });

  const http2 = async (
    act: (stream: ServerHttp2Stream, headers: Record<string, unknown>, nth: number) => void,
    timeoutMs = 60_000,
  ): Promise<number> => {
    let nth = 0;
    const options = { strictSingleValueFields: false };
    const server = createHttp2(options);
    server.on('session', (session) => session.on('error', () => {}));
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      act(stream, headers, ++nth);
    });
    servers.push(server as unknown as Server);
    const ports = [await listen(server as unknown as Server)];
    return harness.serve('app.test', { protocol: 'h2c', ports, timeoutMs })[0] as number;
  };

  const get = async (bytes = 'GET / HTTP/1.1'): Promise<string> =>
    raw(harness.port, `${bytes}\r\nHost: app.test\r\nConnection: close\r\n\r\n`);

  const get2 = async (headers: Record<string, string> = {}): Promise<Http2Answer> => {
    const answer: Http2Answer = { status: 0, raw: [], text: '', trailers: [], interim: [], reset: undefined };
    const stream = client.request({ ':authority': 'app.test', ...headers });
    stream.on('error', () => {});
    stream.on('headers', (_headers, _flags, fields) => answer.interim.push(fields as unknown as string[]));
    stream.on('response', (found, _flags, fields) => {
      answer.status = Number(found[':status']);
      answer.raw = fields as unknown as string[];
    });
    stream.on('trailers', (_trailers, _flags, fields) => {
      answer.trailers = fields as unknown as string[];
    });
    stream.on('data', (chunk) => {
      answer.text += chunk.toString('latin1');
    });
    await once(stream, 'close');
    if (stream.rstCode !== 0) answer.reset = stream.rstCode;
    return answer;
  };

  const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

  describe('fields', () => {
    it('drops Trailer where no trailers can follow', async () => {
      await answering(`${OK}Content-Length: 2\r\nTrailer: X-Sum\r\n\r\nok`);
      const text = await get();
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.doesNotMatch(text, /trailer/i);
      assert.equal(bodyOf(text), 'ok');
      assert.deepEqual([(await get2()).status, (await get2()).text], [200, 'ok']);
    });

    it('drops Trailer from an answer to HEAD, and to HTTP/1.0', async () => {
      await http1((socket, request) => {
        const head = `${OK}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n`;
        socket.write(request.startsWith('HEAD') ? head : `${head}2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`);
      });
      assert.match(await get('HEAD / HTTP/1.1'), /^HTTP\/1\.1 200 OK\r\n/);
      const text = await get('GET / HTTP/1.0');
      assert.doesNotMatch(text, /trailer|X-Sum/i);
      assert.equal(bodyOf(text), 'ok');
    });

    it('drops Trailer of an h2c instance where none can follow', async () => {
      await http2((stream) => {
        stream.respond({ ':status': 200, 'content-length': '2', trailer: 'x-sum' });
        stream.end('ok');
      });
      const text = await get();
      assert.equal(bodyOf(text), 'ok');
      assert.match(await get('HEAD / HTTP/1.1'), /^HTTP\/1\.1 200/);
    });

    it('discards trailers that are none (RFC 9110, 6.5.1)', async () => {
      for (const trailer of [
        'Content-Length: 0',
        'Transfer-Encoding: x',
        'Set-Cookie: a=b',
        'Connection: x',
      ]) {
        await answering(
          `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailer}\r\nX-Sum: 1\r\n\r\n`,
        );
        assert.match(await get(), /\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n$/i, trailer);
        const { text, trailers, reset } = await get2();
        assert.deepEqual([text, trailers, reset], ['ok', ['x-sum', '1'], undefined], trailer);
      }
    });

    it('passes trailers twice that came twice', async () => {
      await answering(`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nETag: a\r\nETag: b\r\n\r\n`);
      assert.deepEqual((await get2()).trailers, ['etag', 'a', 'etag', 'b']);
    });

    it('passes fields twice that came twice, over HTTP/2 too', async () => {
      const fields = 'X-Content-Type-Options: nosniff\r\nContent-Type: text/plain\r\n';
      await answering(`${OK}${fields}${fields}Content-Length: 2\r\n\r\nok`);
      const answer = await get2();
      assert.deepEqual([answer.status, answer.text], [200, 'ok']);
      assert.equal(answer.raw.filter((part) => part === 'nosniff').length, 2);
    });

    it('passes them from and to an h2c instance', async () => {
      let referers: unknown;
      await http2((stream, headers) => {
        referers = headers.referer;
        stream.respond({ ':status': 200, 'x-frame-options': ['a', 'b'] } as never);
        stream.end('ok');
      });
      const text = await get('GET / HTTP/1.1\r\nReferer: a\r\nReferer: b');
      assert.match(text, /x-frame-options: a\r\nx-frame-options: b/);
      assert.match(String(referers), /^a/);
      assert.equal((await get2()).status, 200);
    });

    it('passes bytes above 0x7f unread, in any order (RFC 9110, 5.5)', async () => {
      const name = 'filename="\xe4\xb8\xad.pdf"';
      await answering(`${OK}Content-Length: 2\r\nContent-Disposition: attachment; ${name}\r\n\r\nok`);
      assert.ok((await get()).includes(name));
      const answer = await get2();
      assert.deepEqual([answer.status, answer.text], [200, 'ok']);
      assert.ok(answer.raw.some((part) => part.includes(name)));
    });

    it('passes them from an h2c instance', async () => {
      const name = 'attachment; filename="\xe4\xb8\xad.pdf"';
      await http2((stream) => {
        stream.respond({ ':status': 200, 'content-length': '2', 'content-disposition': name });
        stream.end('ok');
      });
      assert.ok((await get()).includes(name));
      assert.equal((await get2()).text, 'ok');
    });

    it('drops what is of the hop to the instance, and HTTP/2 does not have', async () => {
      await answering(
        `${OK}HTTP2-Settings: AAA\r\nTE: gzip\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok`,
      );
      assert.deepEqual([(await get2()).status, (await get2()).text], [200, 'ok']);
    });

    it('gives a 204 no Content-Length', async () => {
      await answering('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n');
      assert.doesNotMatch(await get(), /content-length/i);
      assert.equal((await get2()).status, 204);
    });

    it('says a reason phrase in any bytes, or leaves it out', async () => {
      await answering('HTTP/1.1 200 \xe4\xb8\xad\xe6\x96\x87\r\nContent-Length: 2\r\n\r\nok');
      assert.match(await get(), /^HTTP\/1\.1 200 [^\r]*\r\n[\s\S]*ok$/);
      assert.equal((await get2()).text, 'ok');
    });

    it('takes equal lengths for one (RFC 9112, 6.3)', async () => {
      await answering(`${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`);
      const text = await get();
      assert.equal(text.match(/content-length/gi)?.length, 1);
      assert.equal(bodyOf(text), 'ok');
    });
  });

  describe('status', () => {
    for (const status of [600, 999]) {
      it(`${status} is no HTTP: 502`, async () => {
        await answering(`HTTP/1.1 ${status} x\r\nContent-Length: 2\r\n\r\nok`);
        assert.match(await get(), /^HTTP\/1\.1 502 /);
        assert.equal((await get2()).status, 502);
      });
    }

    it('answers 502 to both framings, and to the next request as usual', async () => {
      await http1((socket, _request, nth) => {
        socket.write(
          nth === 1
            ? 'HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
            : `${OK}Content-Length: 2\r\n\r\nok`,
        );
      });
      assert.match(await get(), /^HTTP\/1\.1 502 /);
      assert.equal(bodyOf(await get()), 'ok');
    });

    it('passes early hints with several links, and drops what else is in them', async () => {
      const hints =
        'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload, </b>; rel=preload\r\nLink: </c>\r\n';
      await answering(`${hints}Date: x\r\nDate: y\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`);
      const text = await get();
      assert.match(
        text,
        /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>; rel=preload, <\/b>; rel=preload\r\nlink: <\/c>\r\n\r\nHTTP\/1\.1 200/,
      );
      assert.match(await get('GET / HTTP/1.0'), /^HTTP\/1\.1 200/);
      const { status, interim } = await get2();
      assert.equal(status, 200);
      assert.deepEqual(
        interim.map((fields) => fields.filter((part) => part === 'link').length),
        [2],
      );
    });

    it('does not pass 102 and its like', async () => {
      await answering(`HTTP/1.1 102 Processing\r\nX-A: b\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`);
      assert.match(await get(), /^HTTP\/1\.1 200/);
      assert.deepEqual((await get2()).interim, []);
    });
  });

  describe('connections', () => {
    it('ends a request at its deadline that an h2c instance had refused before', async () => {
      for (const ask of [get2, async () => ({ status: Number((await get()).slice(9, 12)) })]) {
        await http2((stream, _headers, nth) => {
          if (nth === 1) stream.close(7);
          else stream.respond({ ':status': 200 }, { waitForTrailers: true });
        }, 300);
        assert.equal((await ask()).status, 200);
        const before = process.threadCpuUsage();
        await new Promise((resolve) => setTimeout(resolve, 100));
        const { user, system } = process.threadCpuUsage(before);
        assert.ok(user + system < 50_000, 'the thread has nothing more to do');
      }
    });

    it('never takes a body after HEAD for the next response', async () => {
      await http1((socket, request) => {
        if (!request.startsWith('HEAD')) {
          socket.write(`${OK}Content-Length: 4\r\n\r\ntrue`);
          return;
        }
        socket.write(`${OK}Content-Length: 41\r\n\r\n`);
        setTimeout(() => socket.write(`${OK}Content-Length: 4\r\n\r\nlies`), 20);
      });
      for (let i = 0; i < 5; i++) {
        assert.match(await get('HEAD / HTTP/1.1'), /^HTTP\/1\.1 200/);
        await new Promise((resolve) => setTimeout(resolve, i * 10));
        assert.equal(bodyOf(await get()), 'true');
      }
    });

    it('repeats a request that met an idle connection which the instance was closing (RFC 9110, 9.2.2)', async () => {
      let closing = false;
      await http1((socket, _request, nth) => {
        if (closing && nth % 2 === 0) socket.destroy();
        else socket.write(`${OK}Content-Length: 2\r\n\r\nok`);
      });
      closing = true;
      for (let i = 0; i < 20; i++) assert.equal((await ask(harness.origin)).status, 200);
    });

    it('repeats neither a POST nor a request on a new connection', async () => {
      let requests = 0;
      await http1((socket, request, nth) => {
        requests++;
        if (request.startsWith('GET') && nth === 1) socket.write(`${OK}Content-Length: 2\r\n\r\nok`);
        else socket.destroy();
      });
      assert.equal((await ask(harness.origin)).status, 200);
      assert.equal((await ask(harness.origin, '/', { method: 'POST', body: 'x' })).status, 500);
      assert.equal((await ask(harness.origin)).status, 500);
      assert.equal(requests, 3);
    });

    it('leaves an instance alone that resets its requests, but never the last one', async () => {
      let resets: number[] = [];
      await http1((socket) => {
        resets.push(performance.now());
        socket.resetAndDestroy();
      });
      assert.equal((await ask(harness.origin)).status, 500);
      const good = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', () => socket.write(`${OK}Content-Length: 2\r\n\r\nok`));
      });
      servers.push(good);
      harness.addInstance('ns/rev', await listen(good));
      resets = [];
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(harness.origin)));
      const atOnce = resets.length;
      for (let i = 0; i < 100; i++) answers.push(await ask(harness.origin));
      assert.ok(resets.length < 20, `${resets.length} of 120 requests were lost`);
      assert.equal(answers.filter(({ status }) => status === 200).length, 120 - resets.length);
      // It is tried again after a second, and left alone for longer each time.
      const pauses = resets.slice(1).map((at, i) => at - (resets[i] as number));
      for (const pause of pauses.slice(Math.max(atOnce, 3))) assert.ok(pause > 900, `${pause} ms`);
    });

    /** An h2c instance that answers each request with these frames. @returns how many connections it got. */
    const framed = async (frames: (nth: number, stream: number) => Buffer[]): Promise<() => number> => {
      let connections = 0;
      const server = createServer((socket) => {
        const nth = ++connections;
        const reader = new h2.FrameReader();
        let preface = h2.PREFACE.length;
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket)).on('error', () => {});
        socket.write(h2.settings());
        socket.on('data', (bytes) => {
          const skipped = Math.min(preface, bytes.length);
          preface -= skipped;
          for (const { type, flags, stream } of reader.push(bytes.subarray(skipped))) {
            if (type === h2.SETTINGS && !(flags & h2.ACK)) socket.write(h2.frame(h2.SETTINGS, h2.ACK, 0));
            if (type === h2.HEADERS) socket.write(Buffer.concat(frames(nth, stream)));
          }
        });
      });
      servers.push(server);
      harness.serve('app.test', { protocol: 'h2c', ports: [await listen(server)], timeoutMs: 60_000 });
      return () => connections;
    };
    const head = h2.headers(1, 0, h2.block([[':status', '200']]));

    it('breaks an answer off when the h2c connection fails behind a GOAWAY', async () => {
      const faults = {
        'DATA of a stream that was never opened': h2.frame(h2.DATA, 0, 101, Buffer.from('x')),
        'a header section without its end': h2.frame(h2.HEADERS, 0, 1),
        'a short RST_STREAM': h2.frame(h2.RST_STREAM, 0, 1, Buffer.alloc(3)),
      };
      for (const [name, fault] of Object.entries(faults)) {
        const rest = h2.frame(h2.DATA, h2.END_STREAM, 1, Buffer.from('rest'));
        await framed(() => [h2.goaway(1, 0), ...head, fault, rest]);
        const from = performance.now();
        const text = await get();
        assert.match(text, /^HTTP\/1\.1 200/, name);
        assert.doesNotMatch(text, /0\r\n\r\n$/, name);
        await assert.rejects(get2(), { code: 'ERR_HTTP2_STREAM_ERROR' }, name);
        assert.ok(performance.now() - from < 30_000, name);
      }
    });

    const refusals = {
      REFUSED_STREAM: (stream: number) => h2.reset(stream, 7),
      'a GOAWAY that leaves it out': () => h2.goaway(0, 0),
    };
    for (const [name, refusal] of Object.entries(refusals)) {
      it(`aborts a response that an h2c instance refuses after its start, and does not repeat the request: ${name}`, async () => {
        let asked = 0;
        await framed((_nth, stream) => {
          asked++;
          const begun = h2.headers(stream, 0, h2.block([[':status', '200']]));
          return [...begun, h2.frame(h2.DATA, 0, stream, Buffer.from('part')), refusal(stream)];
        });
        const from = performance.now();
        const text = await get();
        assert.match(text, /^HTTP\/1\.1 200/);
        assert.doesNotMatch(text, /0\r\n\r\n$/);
        assert.equal(asked, 1);
        await assert.rejects(get2(), { code: 'ERR_HTTP2_STREAM_ERROR' });
        assert.ok(performance.now() - from < 30_000);
      });
    }

    it('ends a refused HEAD beside a response that breaks with the same h2c connection', async () => {
      await framed((_nth, stream) => {
        if (stream === 1) return [];
        const begun = h2.headers(stream, 0, h2.block([[':status', '200']]));
        return [...begun, h2.frame(h2.DATA, 0, stream, Buffer.from('part')), h2.frame(h2.PING, 0, 0)];
      });
      const refused = get2({ ':method': 'HEAD' });
      await assert.rejects(get2(), { code: 'ERR_HTTP2_STREAM_ERROR' });
      assert.equal((await refused).status, 502);
      await until('no request is left', () => harness.planes[0]?.open === 0);
    });

    it('takes an answer to its end behind a GOAWAY, and sends the next request elsewhere (RFC 9113, 6.8)', async () => {
      const body = h2.frame(h2.DATA, h2.END_STREAM, 1, Buffer.from('ok'));
      const connections = await framed(() => [h2.goaway(1, 0), ...head, body]);
      for (const nth of [1, 2, 3]) {
        assert.equal((await get2()).text, 'ok');
        assert.equal(connections(), nth);
      }
      await until('the connections are closed', () => sockets.size === 0);
    });

    it('answers 205 without content and without a length over HTTP/2 (RFC 9110, 15.3.6)', async () => {
      await answering('HTTP/1.1 205 Reset Content\r\nContent-Length: 7\r\n\r\ncontent');
      const { status, text, raw, reset } = await get2();
      assert.deepEqual([status, text, reset], [205, '', undefined]);
      assert.ok(!raw.includes('content-length'));
    });

    it('passes grpc-status beside a Content-Length', async () => {
      await http2((stream) => {
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '5' }));
        stream.respond({ ':status': 200, 'content-length': '2' }, { waitForTrailers: true });
        stream.end('ok');
      });
      const { text, trailers } = await get2();
      assert.deepEqual([text, trailers], ['ok', ['grpc-status', '5']]);
      assert.equal(bodyOf(await get()), 'ok');
    });

    it('ends a gRPC call with its status at the deadline, before and in the middle of its response', async () => {
      await http2((stream, headers) => {
        if (headers[':path'] === '/silent') return;
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.write('part');
      }, 200);
      const headers = { 'content-type': 'application/grpc', te: 'trailers' };
      const begun = await get2({ ':path': '/begun', ...headers });
      assert.deepEqual([begun.status, begun.trailers.slice(0, 2)], [200, ['grpc-status', '4']]);
      const silent = await get2({ ':path': '/silent', ...headers });
      assert.equal(silent.raw[silent.raw.indexOf('grpc-status') + 1], '4');
    });

    it('stops an upload when its instance has answered, before the slot goes to another (h2c)', async () => {
      let got = 0;
      let over = false;
      const slot = await http2((stream) => {
        stream.on('data', (chunk) => {
          got += chunk.length;
        });
        stream.on('close', () => {
          over = true;
        });
        stream.respond({ ':status': 413 });
        stream.end('too much');
      });
      const upload = client.request({ ':authority': 'app.test', ':method': 'POST' });
      upload.on('error', () => {});
      upload.write(Buffer.alloc(50_000));
      await once(upload, 'response');
      upload.resume();
      await until('the slot is free', () => harness.slots.inFlight(slot) === 0);
      await until('the instance sees the end', () => over);
      const before = got;
      if (!upload.destroyed) upload.write(Buffer.alloc(200_000));
      await until('the client sees the end (RFC 9113, 8.1)', () => upload.closed);
      assert.equal(upload.rstCode, 0);
      assert.equal(got, before);
    });

    it('stops an upload when its instance has answered, before the slot goes to another (HTTP/1.1)', async () => {
      let got = 0;
      let closed = false;
      await http1((socket, bytes, nth) => {
        got += bytes.length;
        if (nth > 1) return;
        socket.on('close', () => {
          closed = true;
        });
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
      });
      const upload = client.request({ ':authority': 'app.test', ':method': 'POST' });
      upload.on('error', () => {});
      upload.write(Buffer.alloc(50_000));
      await once(upload, 'response');
      upload.resume();
      await until('the instance sees the end', () => closed);
      assert.ok(got < 60_000);
      await until('the client sees the end', () => upload.closed);
    });
  });
});
