import { deepEqual, equal, rejects } from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import { listen } from '../testing/fakeHttp.ts';
import { apiAgent } from './connection.ts';
import { type Answer, exchange } from './exchange.ts';

describe('an exchange', () => {
  let server: Server;
  let dispatcher: Dispatcher;

  beforeEach(async () => {
    server = await listen(0);
    dispatcher = apiAgent({});
  });

  afterEach(async () => {
    await dispatcher.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  /** Asks the server, which does what `respond` does. */
  function ask(respond: (response: ServerResponse) => void, signal?: AbortSignal): Promise<Answer> {
    server.once('request', (_request, response) => respond(response));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return exchange(dispatcher, { origin, path: '/', method: 'GET' }, signal);
  }

  it('has the status, the headers and all parts of the body', async () => {
    const { statusCode, headers, body } = await ask((response) => {
      response.writeHead(404, { warning: '299 - "a"' }).write('a');
      setImmediate(() => response.end('b'));
    });
    deepEqual([statusCode, headers.warning], [404, '299 - "a"']);
    equal(`${Buffer.concat(await body)}`, 'ab');
  });

  it('passes over answers that only inform', async () => {
    const { statusCode } = await ask((response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.end();
    });
    equal(statusCode, 200);
  });

  it('says so when the answer breaks off', async () => {
    const { body } = await ask((response) => {
      response.writeHead(200, { 'content-length': 100 }).write('a');
      setImmediate(() => response.destroy());
    });
    await rejects(body);
  });

  it('does not begin when its signal has aborted', async () => {
    await rejects(
      ask((response) => response.end(), AbortSignal.abort(new Error('enough'))),
      /enough/,
    );
  });

  it('stops while it waits for its connection when its signal aborts', async () => {
    const unconnected = new Agent({ connect: () => {} });
    const stop = new AbortController();
    const options = { origin: 'http://127.0.0.1', path: '/', method: 'GET' } as const;
    const answer = exchange(unconnected, options, stop.signal);
    stop.abort(new Error('enough'));
    await rejects(answer, /enough/);
    await unconnected.destroy();
  });

  it('stops within the body when its signal aborts', async () => {
    const stop = new AbortController();
    const { body } = await ask(
      (response) => response.writeHead(200, { 'content-length': 100 }).write('a'),
      stop.signal,
    );
    stop.abort(new Error('enough'));
    await rejects(body, /enough/);
  });

  it('leaves nothing on a signal that outlives it', async () => {
    const { signal } = new AbortController();
    const { body } = await ask((response) => response.end('a'), signal);
    await body;
    equal(getEventListeners(signal, 'abort').length, 0);
    await rejects(
      ask((response) => response.destroy(), signal),
      { code: 'UND_ERR_SOCKET' },
    );
    equal(getEventListeners(signal, 'abort').length, 0);
  });
});
