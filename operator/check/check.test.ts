import { deepEqual, match, rejects } from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '../testing/freePort.ts';
import { silent } from '../testing/until.ts';
import { checkService, runCheck } from './check.ts';
import { runHello } from './hello.ts';

const AT_ONCE = { limitMs: 0, pauseMs: 0 };

/** Keeps the answers that were logged. */
function answers() {
  const found: string[] = [];
  return { found, log: { info: ({ answer }: { answer: string }) => void found.push(answer) } as never };
}

describe('check', () => {
  let server: Server;
  let url: string;
  let answer: RequestListener;
  before(async () => {
    server = createServer((request, response) => answer(request, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  it('is content with the service that belongs to it, which ends when it is told to', async () => {
    const port = await freePort();
    const stop = new AbortController();
    const env = { PORT: String(port), K_REVISION: 'homerun-test-00001-abc' };
    const service = runHello([], env, silent, stop.signal);
    const { found, log } = answers();
    await checkService(`http://127.0.0.1:${port}`, log, { limitMs: 10_000, pauseMs: 10 });
    stop.abort();
    await service;
    deepEqual(found.at(-1), '200 hello from homerun-test-00001-abc');
  });

  it('waits for the service, and tells each answer once', async () => {
    const coming = ['no service has this host', 'no service has this host', 'no instance'];
    answer = (_, response) => {
      const text = coming.shift();
      response.statusCode = text === undefined ? 200 : 503;
      response.end(text ?? 'hello from a');
    };
    const { found, log } = answers();
    await checkService(url, log, { limitMs: 10_000, pauseMs: 1 });
    deepEqual(found, ['503 no service has this host', '503 no instance', '200 hello from a']);
  });

  const wrong: Record<string, { reason: string; answer: RequestListener; want: RegExp }> = {
    'an unknown host': {
      reason: 'the gateway has no route to the service',
      answer: (_, response) => response.writeHead(404).end('no service\n'),
      want: /within 0 s; last: 404 no service$/,
    },
    'another page': {
      reason: 'somebody else has the name of the service',
      answer: (_, response) => response.end('It works!'),
      want: /last: 200 It works!$/,
    },
    'a redirect': {
      reason: 'what it leads to proves nothing about this URL',
      answer: (_, response) => response.writeHead(302, { location: '/' }).end('hello from a'),
      want: /last: 302 hello from a$/,
    },
    'an end without an answer': {
      reason: 'a gateway that crashes does that',
      answer: (request) => request.socket.destroy(),
      want: /last: no answer: /,
    },
  };
  for (const [name, { reason, want, ...given }] of Object.entries(wrong)) {
    it(`fails for ${name}, because ${reason}`, async () => {
      answer = given.answer;
      await rejects(checkService(url, silent, AT_ONCE), ({ code, message }) => {
        deepEqual(code, 'CHECK_FAILED');
        match(message, want);
        return true;
      });
    });
  }

  for (const given of ['', 'gateway', 'ftp://gateway', 'http://']) {
    it(`refuses ${JSON.stringify(given)} as a URL`, async () => {
      const want = { code: 'CONFIG_INVALID', message: /it must be http:\/\/ or https:\/\/ and a host$/ };
      await rejects(runCheck([given], {}, silent), want);
    });
  }
});
