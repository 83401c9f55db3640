import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect } from 'node:http2';
import { backend, Harness, raw } from '../testing/harness.ts';

/** Header sections of the same content get the same answer over HTTP/1.1 and HTTP/2. */
describe('gateway and the size of header sections', () => {
  let harness: Harness;
  let program: Server;

  before(async () => {
    const made = await backend((_request, response) => response.end('ok'));
    program = made.server;
    program.maxHeadersCount = 0;
    harness = await new Harness().listen();
    harness.serve('app.test', { ports: [made.port] });
  });

  after(async () => {
    await harness.close();
    program.closeAllConnections();
    program.close();
  });

  async function http1(fields: string[][]): Promise<{ status: number; text: string }> {
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const text = await raw(
      harness.port,
      `GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n${lines}\r\n`,
    );
    return { status: Number(text.slice(9, 12)), text: text.slice(text.indexOf('\r\n\r\n') + 4) };
  }

  async function http2(fields: string[][]): Promise<{ status: number; text: string }> {
    const session = connect(harness.origin, { maxSendHeaderBlockLength: 1_000_000 });
    const head = [
      ':method',
      'GET',
      ':path',
      '/',
      ':scheme',
      'http',
      ':authority',
      'app.test',
      ...fields.flat(),
    ];
    const stream = session.request(head as never);
    let text = '';
    stream.on('data', (part) => {
      text += part;
    });
    const [answer] = (await once(stream, 'response')) as [{ ':status': number }];
    await once(stream, 'close');
    session.destroy();
    return { status: answer[':status'], text };
  }

  const many = (count: number, name: (i: number) => string, value: string) =>
    Array.from({ length: count }, (_, i) => [name(i), value]);
  const cases: Record<string, { fields: string[][]; status: number; text: RegExp }> = {
    '300 fields': { fields: many(300, (i) => `x-${i}`, 'v'), status: 200, text: /ok/ },
    '600 fields': {
      fields: many(600, (i) => `x-${i}`, 'v'),
      status: 431,
      text: /^The request has more than 500 header fields\.\n$/,
    },
    'a cookie in 600 pieces': {
      fields: many(600, () => 'cookie', 'a=b'),
      status: 431,
      text: /^The request has more than 500 header fields\.\n$/,
    },
    '14 kB': { fields: many(2, (i) => `x-${i}`, 'v'.repeat(7000)), status: 200, text: /ok/ },
    '70 kB': {
      fields: many(70, (i) => `x-${i}`, 'v'.repeat(1000)),
      status: 431,
      text: /^The request headers are too large\.\n$/,
    },
  };
  for (const [name, { fields, status, text }] of Object.entries(cases)) {
    for (const [protocol, send] of Object.entries({ 'HTTP/1.1': http1, 'HTTP/2': http2 })) {
      it(`answers ${status} to ${name} over ${protocol}`, async () => {
        const answer = await send(fields);
        assert.equal(answer.status, status);
        assert.match(answer.text, text);
      });
    }
  }
});
