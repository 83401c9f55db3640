import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp1 } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type Http2Server,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { until } from '../../testing/until.ts';
import { ask, Harness } from '../testing/harness.ts';

type StreamHandler = (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void;

async function read(
  stream: ClientHttp2Stream,
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return { status: Number(headers[':status']), text: Buffer.concat(parts).toString(), headers };
}

describe('gateway over HTTP/2', () => {
  let harness: Harness;
  let server: Http2Server;
  let client: ClientHttp2Session;
  let handle: StreamHandler;
  const sessions = new Set<ServerHttp2Session>();

  before(async () => {
    server = createServer();
    server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
    });
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      handle(stream, headers);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    harness = await new Harness().listen();
    harness.serve('app.test', { protocol: 'h2c', ports: [(server.address() as { port: number }).port] });
    client = connect(harness.origin, { maxSessionMemory: 256 });
    client.on('error', () => {});
  });

  after(async () => {
    client.destroy();
    await harness.close();
    for (const session of sessions) session.destroy();
    server.close();
  });

  beforeEach(() => {
    handle = (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    };
  });

  afterEach(() => until('no request is left', () => harness.planes[0]?.open === 0));

  const send = (headers: OutgoingHttpHeaders, options = {}) => {
    const stream = client.request({ ':authority': 'app.test', ...headers }, options);
    stream.on('error', () => {});
    return stream;
  };

  it('passes requests and answers', async () => {
    let seen: Record<string, unknown> = {};
    handle = (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 203, 'x-a': ['1', '2'], 'set-cookie': ['a=b'] });
      stream.pipe(stream);
    };
    const stream = send({ ':method': 'POST', ':path': '/p?q', te: 'trailers', cookie: ['a=1', 'b=2'] });
    stream.end('echo');
    const { status, text, headers } = await read(stream);
    assert.deepEqual(
      [status, text, headers['x-a'], headers['cache-control']],
      [203, 'echo', '1, 2', 'private'],
    );
    assert.equal(seen[':path'], '/p?q');
    assert.equal(seen[':authority'], 'app.test');
    assert.equal(seen.te, 'trailers');
    assert.equal(seen.cookie, 'a=1; b=2');
    assert.equal(seen.forwarded, 'for=127.0.0.1;host=app.test;proto=http');
  });

  it('carries many requests on few connections', async () => {
    const waiting: ServerHttp2Stream[] = [];
    handle = (stream) => waiting.push(stream);
    const answers = Array.from({ length: 50 }, () => read(send({})));
    await until('all are in flight', () => waiting.length === 50);
    for (const stream of waiting) {
      stream.respond();
      stream.end('x');
    }
    for (const answer of answers) assert.equal((await answer).text, 'x');
    assert.equal(sessions.size, 1);
  });

  it('moves large bodies both ways at once', async () => {
    handle = (stream) => {
      stream.respond();
      stream.pipe(stream);
    };
    const size = 16 * 1024 * 1024;
    const stream = send({ ':method': 'POST' });
    stream.end(Buffer.alloc(size, 'q'));
    assert.equal((await read(stream)).text.length, size);
  });

  it('answers HEAD and 204 without a body', async () => {
    handle = (stream, headers) => {
      const status = headers[':method'] === 'HEAD' ? 200 : 204;
      stream.respond({ ':status': status }, { endStream: true });
    };
    assert.equal((await read(send({ ':method': 'HEAD' }, { endStream: true }))).status, 200);
    assert.equal((await read(send({}))).status, 204);
  });

  it('passes informational answers', async () => {
    handle = (stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</x>' });
      stream.respond();
      stream.end();
    };
    const stream = send({});
    const [headers] = (await once(stream, 'headers')) as [Record<string, unknown>];
    assert.equal(headers[':status'], 103);
    await read(stream);
  });

  it('resets the stream in the instance when the client does', async () => {
    let code: number | undefined;
    handle = (stream) => {
      stream.respond();
      stream.write('begun');
      stream.on('close', () => {
        code = stream.rstCode;
      });
    };
    const stream = send({});
    await once(stream, 'response');
    stream.close(constants.NGHTTP2_CANCEL);
    assert.equal(await until('the instance knows', () => code), constants.NGHTTP2_CANCEL);
  });

  it('aborts a response that the instance aborted', async () => {
    handle = (stream) => {
      stream.respond();
      stream.write('begun', () => stream.destroy(new Error('broken')));
    };
    const stream = send({});
    await once(stream, 'response');
    stream.resume();
    await until('the client knows', () => stream.destroyed);
    assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
  });

  it('aborts an upload that the client aborted', async () => {
    const events: string[] = [];
    handle = (stream) => {
      for (const event of ['data', 'end', 'aborted', 'close']) stream.on(event, () => events.push(event));
    };
    const stream = send({ ':method': 'POST' });
    stream.write('part');
    await until('it arrived', () => events.includes('data'));
    stream.destroy(new Error('cancelled'));
    await until('the instance knows', () => events.includes('close'));
    assert.deepEqual(events, ['data', 'aborted', 'close'], 'half an upload does not end like a whole one');
  });

  it('rejects what it cannot forward', async () => {
    assert.equal((await read(send({ ':authority': 'none.test' }))).status, 404);
    assert.equal((await read(send({ ':method': 'TRACE' }))).status, 405);
    const upload = send({ ':authority': 'none.test', ':method': 'POST' });
    upload.end(Buffer.alloc(100_000));
    assert.deepEqual((await read(upload)).text, 'No service answers at this host name.\n');
  });

  it('reaches an h2c instance from HTTP/1.1, trailers included', async () => {
    handle = (stream, headers) => {
      stream.respond({ ':status': 200, 'x-te': String(headers.te) }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7' }));
      stream.pipe(stream);
    };
    const { status, text } = await ask(harness.origin, '/', { method: 'POST', body: 'hello' });
    assert.deepEqual([status, text], [200, 'hello']);
  });

  it('reaches an HTTP/1.1 instance', async () => {
    const http1 = createHttp1((req, res) => {
      res.setHeader('x-cookie', req.headers.cookie ?? '');
      res.setHeader('trailer', 'x-sum');
      res.addTrailers({ 'x-sum': '8' });
      req.pipe(res);
    });
    http1.listen(0, '127.0.0.1');
    await once(http1, 'listening');
    harness.serve('one.test', { key: 'ns/one', ports: [(http1.address() as { port: number }).port] });
    const stream = send({ ':authority': 'one.test', ':method': 'POST', cookie: ['a=1', 'b=2'] });
    const trailers = once(stream, 'trailers');
    stream.end('hi');
    const { status, text, headers } = await read(stream);
    assert.deepEqual([status, text, headers['x-cookie']], [200, 'hi', 'a=1; b=2']);
    assert.equal(((await trailers) as [Record<string, unknown>])[0]['x-sum'], '8');
    http1.closeAllConnections();
    http1.close();
  });

  it('opens another connection when the instance takes no more streams on one', async () => {
    const small = createServer({ settings: { maxConcurrentStreams: 2 } });
    const waiting: ServerHttp2Stream[] = [];
    let connections = 0;
    small.on('session', () => connections++);
    small.on('stream', (stream) => {
      stream.respond();
      waiting.push(stream);
    });
    small.listen(0, '127.0.0.1');
    await once(small, 'listening');
    harness.serve('few.test', {
      key: 'ns/few',
      protocol: 'h2c',
      ports: [(small.address() as { port: number }).port],
    });
    const first = read(send({ ':authority': 'few.test' }));
    (await until('the first is in flight', () => waiting.pop())).end();
    await first;
    const streams = Array.from({ length: 6 }, () => send({ ':authority': 'few.test' }));
    await until('all six are in flight', () => waiting.length === 6);
    for (const stream of waiting) stream.end('x');
    for (const stream of streams) stream.resume();
    await Promise.all(streams.map((stream) => once(stream, 'close')));
    assert.ok(connections >= 3, `${connections} connections`);
    small.close();
  });

  it('has one deadline for a request that an instance refused and that is sent again', async () => {
    const { port } = server.address() as { port: number };
    harness.serve('short.test', { key: 'ns/short', protocol: 'h2c', timeoutMs: 200, ports: [port] });
    const ask = () => read(send({ ':authority': 'short.test' }));
    let streams = 0;
    handle = (stream) => {
      streams++;
      if (streams === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else if (streams === 2) stream.respond({ ':status': 200 }, { endStream: true });
    };
    assert.deepEqual([(await ask()).status, streams], [200, 2]);
    // A second deadline of the first request would expire now, again and again, and keep the thread from all else.
    assert.deepEqual([(await ask()).status, streams], [504, 3]);
  });
});
