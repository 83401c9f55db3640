import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { until } from '../../testing/until.ts';
import { ask, backend, Harness, raw } from '../testing/harness.ts';

async function bodyOf(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe('gateway over HTTP/1.1', () => {
  let harness: Harness;
  let server: Server;
  let handle: RequestListener;
  let slot: number;
  const sockets = new Set<Socket>();

  before(async () => {
    const made = await backend((req, res) => handle(req, res));
    server = made.server;
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    harness = await new Harness().listen();
    [slot = -1] = harness.serve('app.test', { ports: [made.port] });
  });

  after(async () => {
    await harness.close();
    server.closeAllConnections();
    server.close();
  });

  beforeEach(() => {
    handle = (_req, res) => res.end('ok');
  });

  afterEach(async () => {
    await until(
      'no request is left',
      () => harness.slots.inFlight(slot) === 0 && harness.planes[0]?.open === 0,
    );
  });

  it('answers with what the instance says', async () => {
    handle = (req, res) => {
      res.writeHead(201, 'Made', { 'x-path': req.url, 'x-method': req.method });
      res.end('body');
    };
    const answer = await ask(harness.origin, '/a/b?c=d%20e', { method: 'PUT', body: '' });
    assert.equal(answer.status, 201);
    assert.equal(answer.text, 'body');
    assert.equal(answer.headers['x-path'], '/a/b?c=d%20e');
    assert.equal(answer.headers['x-method'], 'PUT');
  });

  it('forwards the client’s address and keeps the Host', async () => {
    let headers: IncomingMessage['headers'] = {};
    handle = (req, res) => {
      headers = req.headers;
      res.end();
    };
    await ask(harness.origin, '/', { host: 'App.test:80', headers: { 'x-forwarded-proto': 'https' } });
    assert.equal(headers.host, 'App.test:80');
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], 'https');
    assert.equal(headers.forwarded, 'for=127.0.0.1;host="App.test:80";proto=https');
  });

  it('passes a body of either kind', async () => {
    handle = async (req, res) => {
      const body = await bodyOf(req);
      res.end(
        JSON.stringify({ length: body.length, encoding: req.headers['transfer-encoding'] ?? 'length' }),
      );
    };
    const sized = await ask(harness.origin, '/', { method: 'POST', body: Buffer.alloc(100_000, 'x') });
    assert.deepEqual(JSON.parse(sized.text), { length: 100_000, encoding: 'length' });
    const chunked = await raw(
      harness.port,
      'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    );
    assert.match(chunked, /\{"length":5,"encoding":"chunked"\}/);
  });

  it('streams both ways at once', async () => {
    handle = (req, res) => {
      res.writeHead(200);
      req.on('data', (part: Buffer) => res.write(part.toString().toUpperCase()));
      req.on('end', () => res.end());
    };
    const call = request({ port: harness.port, method: 'POST', headers: { host: 'app.test' } });
    call.write('one');
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.setEncoding('utf8');
    assert.deepEqual(await once(response, 'data'), ['ONE']);
    call.write('two');
    assert.deepEqual(await once(response, 'data'), ['TWO']);
    call.end();
    await once(response.resume(), 'end');
  });

  it('sends server-sent events as they come', async () => {
    let send: (text: string) => void = () => {};
    handle = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
      send = (text) => res.write(`data: ${text}\n\n`);
    };
    const call = request({ port: harness.port, headers: { host: 'app.test' } }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.setEncoding('utf8');
    for (const text of ['a', 'b']) {
      send(text);
      assert.deepEqual(await once(response, 'data'), [`data: ${text}\n\n`]);
    }
    call.destroy();
  });

  it('holds the instance back while the client does not read, and loses nothing', async () => {
    const size = 32 * 1024 * 1024;
    let written = 0;
    handle = (_req, res) => {
      res.writeHead(200, { 'content-length': size });
      const chunk = Buffer.alloc(64 * 1024, 'y');
      const more = (): void => {
        while (written < size) {
          written += chunk.length;
          if (!res.write(chunk)) {
            res.once('drain', more);
            return;
          }
        }
        res.end();
      };
      more();
    };
    const call = request({ port: harness.port, headers: { host: 'app.test' } }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.pause();
    let before = -1;
    await until(
      'the instance stands still',
      () => {
        const still = before === written && written > 0;
        before = written;
        return still;
      },
      { everyMs: 50 },
    );
    assert.ok(written < size, `${written} bytes were accepted although the other side does not read`);
    assert.equal((await bodyOf(response)).length, size);
  });

  it('holds the client back while the instance does not read, and loses nothing', async () => {
    const size = 32 * 1024 * 1024;
    let read: (() => Promise<Buffer>) | undefined;
    handle = (req, res) => {
      read = async () => {
        const body = await bodyOf(req);
        res.end(String(body.length));
        return body;
      };
    };
    const call = request({
      port: harness.port,
      method: 'POST',
      headers: { host: 'app.test', 'content-length': size },
    });
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024, 'z');
    const more = (): void => {
      while (written < size) {
        written += chunk.length;
        if (!call.write(chunk)) {
          call.once('drain', more);
          return;
        }
      }
      call.end();
    };
    more();
    await until('the request arrived', () => read);
    let before = -1;
    await until(
      'the client stands still',
      () => {
        const still = before === written;
        before = written;
        return still;
      },
      { everyMs: 50 },
    );
    assert.ok(written < size, `${written} bytes were accepted although the other side does not read`);
    assert.equal((await (read as () => Promise<Buffer>)()).length, size);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    assert.equal((await bodyOf(response)).toString(), String(size));
  });

  it('answers HEAD, 204 and 304 without a body and keeps the connection', async () => {
    const connections = new Set<Socket>();
    handle = (req, res) => {
      connections.add(req.socket);
      if (req.url === '/204') res.writeHead(204).end();
      else if (req.url === '/304') res.writeHead(304, { etag: '"x"' }).end();
      else res.writeHead(200, { 'content-length': 5 }).end(req.method === 'HEAD' ? undefined : 'hello');
    };
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answers: string[] = [];
    for (const line of ['HEAD /200', 'GET /204', 'GET /304', 'HEAD /200', 'GET /200']) {
      const [method, path] = line.split(' ');
      const call = request({ port: harness.port, agent, method, path, headers: { host: 'app.test' } }).end();
      const [response] = (await once(call, 'response')) as [IncomingMessage];
      const body = (await bodyOf(response)).toString();
      answers.push(`${response.statusCode} ${response.headers['content-length'] ?? '-'} ${body}`);
      assert.equal(call.reusedSocket, answers.length > 1);
    }
    agent.destroy();
    assert.deepEqual(answers, ['200 5 ', '204 - ', '304 - ', '200 5 ', '200 5 hello']);
    assert.equal(connections.size, 3, 'one connection serves all but what follows a HEAD');
  });

  it('passes trailers and early hints', async () => {
    handle = (_req, res) => {
      res.writeEarlyHints({ link: '</a.css>; rel=preload' });
      res.writeHead(200, { trailer: 'x-sum' });
      res.write('part');
      res.addTrailers({ 'x-sum': '42' });
      res.end();
    };
    const text = await raw(harness.port, 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
    assert.match(text, /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200/i);
    assert.match(text, /4\r\npart\r\n0\r\nx-sum: 42\r\n\r\n$/i);
  });

  it('lets a client that asks for 100-continue send its body once an instance has the request', async () => {
    handle = async (req, res) => res.end(await bodyOf(req));
    const head =
      'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n';
    const socket = connect({ port: harness.port, host: '127.0.0.1' });
    socket.setEncoding('latin1');
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    socket.write(head);
    await until('100 Continue', () => text === 'HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('abc');
    await once(socket, 'close');
    assert.match(text, /200 OK[\s\S]*abc$/);
  });

  it('answers such a client at once when there is no service', async () => {
    const head = 'POST / HTTP/1.1\r\nHost: none.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n';
    assert.match(await raw(harness.port, head, /\n\r?\n[\s\S]*\n$/), /^HTTP\/1\.1 404 /);
  });

  it('serves HTTP/1.0', async () => {
    handle = (_req, res) => {
      res.write('a');
      res.end('b');
    };
    const text = await raw(harness.port, 'GET / HTTP/1.0\r\nHost: app.test\r\n\r\n');
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.doesNotMatch(text, /chunked/i);
    assert.ok(text.endsWith('\r\n\r\nab'));
  });

  it('answers requests that come in pieces, and several that come at once', async () => {
    handle = (req, res) => res.end(req.url);
    const socket = connect({ port: harness.port, host: '127.0.0.1', noDelay: true });
    socket.setEncoding('latin1');
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    for (const piece of [
      'P',
      'R',
      'OPFIND /1 HT',
      'TP/1.1\r\nHost: app.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: app',
    ]) {
      socket.write(piece);
      // The pieces must arrive apart from each other.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    socket.write('.test\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
    assert.match(text, /\r\n\r\n\/1HTTP[\s\S]*\r\n\r\n\/2$/);
  });

  it('makes a response with a cookie private', async () => {
    handle = (_req, res) =>
      res.writeHead(200, { 'set-cookie': ['a=b', 'c=d'], 'cache-control': 'public' }).end();
    const { headers } = await ask(harness.origin);
    assert.equal(headers['cache-control'], 'private');
    assert.deepEqual(headers['set-cookie'], ['a=b', 'c=d']);
  });

  it('ends the request in the instance when the client leaves', async () => {
    let closed = false;
    let arrived = false;
    handle = (_req, res) => {
      arrived = true;
      res.on('close', () => {
        closed = true;
      });
    };
    const call = request({ port: harness.port, headers: { host: 'app.test' } }).end();
    call.on('error', () => {});
    await until('it arrived', () => arrived);
    call.destroy();
    await until('the instance knows', () => closed);
  });

  it('ends the upload in the instance when the client leaves in its middle', async () => {
    let aborted = false;
    let arrived = false;
    handle = (req) => {
      req.on('data', () => {
        arrived = true;
      });
      req.on('error', () => {});
      req.on('close', () => {
        aborted = !req.complete;
      });
    };
    const socket = connect({ port: harness.port, host: '127.0.0.1' });
    socket.write('POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100\r\n\r\npart');
    await until('it arrived', () => arrived);
    socket.destroy();
    await until('the instance knows', () => aborted);
  });

  it('passes an answer that comes before the upload has ended', async () => {
    handle = (_req, res) => {
      res.writeHead(413);
      res.end('too much');
    };
    const size = 8 * 1024 * 1024;
    const answer = await ask(harness.origin, '/', { method: 'POST', body: Buffer.alloc(size) });
    assert.equal(answer.status, 413);
    assert.equal(answer.text, 'too much');
  });

  it('uses a connection to the instance again', async () => {
    const seen = new Set<Socket>();
    handle = (req, res) => {
      seen.add(req.socket);
      res.end();
    };
    for (let i = 0; i < 5; i++) await ask(harness.origin);
    assert.equal(seen.size, 1);
  });
});
