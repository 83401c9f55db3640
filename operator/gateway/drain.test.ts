import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { until } from '../testing/until.ts';
import { ask, backend, Harness } from './harness.ts';

describe('gateway that ends', () => {
  it('serves what has come, closes what is idle, and takes nothing new', async () => {
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
    await until('it is inside', () => answer);
    const stopped = harness.planes[0]?.stop(10_000);
    await once(idle, 'close');
    await assert.rejects(ask(harness.origin), /ECONNREFUSED/);
    answer?.();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    assert.equal(response.headers.connection, 'close');
    response.setEncoding('utf8');
    assert.deepEqual(await once(response, 'data'), ['late']);
    await stopped;
    server.closeAllConnections();
    server.close();
  });

  it('breaks off what is still there when the time is over', async () => {
    const harness = await new Harness().listen();
    const { server, port } = await backend(() => {});
    const [slot = -1] = harness.serve('app.test', { ports: [port] });
    const answer = assert.rejects(ask(harness.origin));
    await until('it is inside', () => harness.slots.inFlight(slot) === 1);
    await harness.planes[0]?.stop(50);
    await answer;
    server.closeAllConnections();
    server.close();
  });
});
