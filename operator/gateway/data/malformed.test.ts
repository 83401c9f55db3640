import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { backend, Harness, raw } from '../testing/harness.ts';

describe('gateway and malformed requests', () => {
  let harness: Harness;
  let server: Server;
  let reached = 0;

  before(async () => {
    const made = await backend((req, res) => {
      reached++;
      res.end(req.url);
    });
    server = made.server;
    harness = await new Harness().listen();
    harness.serve('app.test', { ports: [made.port] });
  });

  after(async () => {
    await harness.close();
    server.close();
  });

  const host = 'Host: app.test\r\n';
  const tables: Record<
    string,
    { reason: string; bytes: string; status: number; body?: RegExp; reaches?: boolean }
  > = {
    'no service': {
      reason: 'one clear message says so',
      bytes: 'GET / HTTP/1.1\r\nHost: other.test\r\n\r\n',
      status: 404,
      body: /^No service answers at this host name\.\n$/,
    },
    'no Host': { reason: 'RFC 9112, 3.2', bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400, body: /Host/ },
    'two Hosts': {
      reason: 'RFC 9112, 3.2',
      bytes: `GET / HTTP/1.1\r\n${host}${host}\r\n`,
      status: 400,
      body: /Host/,
    },
    'a bad Host': {
      reason: 'RFC 9112, 3.2',
      bytes: 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
      status: 400,
      body: /Host/,
    },
    TRACE: { reason: 'as Cloud Run', bytes: `TRACE / HTTP/1.1\r\n${host}\r\n`, status: 405 },
    CONNECT: { reason: 'as Cloud Run', bytes: `CONNECT app.test:443 HTTP/1.1\r\n${host}\r\n`, status: 405 },
    'URL of the same host': {
      reason: 'RFC 9112, 3.2.2: it must be accepted',
      bytes: `GET http://app.test/x?y HTTP/1.1\r\n${host}\r\n`,
      status: 200,
      body: /^\/x\?y$/,
      reaches: true,
    },
    'URL of another host': {
      reason: 'the two would disagree about whom the request is for',
      bytes: `GET http://evil.test/ HTTP/1.1\r\n${host}\r\n`,
      status: 400,
    },
    'an asterisk': { reason: 'it names no path', bytes: `OPTIONS * HTTP/1.1\r\n${host}\r\n`, status: 400 },
    'Content-Length and Transfer-Encoding': {
      reason: 'RFC 9112, 6.1: request smuggling',
      bytes: `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      status: 400,
    },
    'two Content-Lengths': {
      reason: 'RFC 9112, 6.3: request smuggling',
      bytes: `POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      status: 400,
    },
    'a Content-Length that no program can count': {
      reason: 'it would reach the instance as another number',
      bytes: `POST / HTTP/1.1\r\n${host}Content-Length: 9007199254740993\r\n\r\nab`,
      status: 400,
      body: /below 2\^53/,
    },
    'chunked not last': {
      reason: 'RFC 9112, 6.1: the length is unknown',
      bytes: `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
      status: 400,
    },
    'a space before the colon': {
      reason: 'RFC 9112, 5.1: request smuggling',
      bytes: `GET / HTTP/1.1\r\n${host}Content-Length : 0\r\n\r\n`,
      status: 400,
    },
    'a bare line feed in a value': {
      reason: 'RFC 9112, 2.2',
      bytes: `GET / HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`,
      status: 400,
    },
    'no HTTP': { reason: 'the client gets an error', bytes: 'hello world\r\n\r\n', status: 400 },
    'huge headers': {
      reason: 'they have a limit',
      bytes: `GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(70_000)}\r\n\r\n`,
      status: 431,
    },
    'h2c upgrade': {
      reason: 'RFC 9113, 3.1: it is ignored',
      bytes: `GET /u HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n`,
      status: 200,
      body: /^\/u$/,
      reaches: true,
    },
  };
  for (const [name, { reason, bytes, status, body = /./, reaches = false }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, async () => {
      reached = 0;
      const text = await raw(harness.port, bytes, /\r\n\r\n[\s\S]*[^\r\n][\s\S]*$/);
      const [head = '', ...rest] = text.split('\r\n\r\n');
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), text);
      assert.match(rest.join('\r\n\r\n'), body);
      assert.equal(reached, reaches ? 1 : 0);
    });
  }
});
