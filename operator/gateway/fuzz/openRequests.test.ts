import assert from 'node:assert/strict';
import { createServer, request, type ServerResponse } from 'node:http';
import { until } from '../../testing/until.ts';
import { Harness } from '../testing/harness.ts';
import { OpenRequests } from './openRequests.ts';
import { listen } from './world.ts';

describe('the open requests that a fuzzer reports', () => {
  it('are those that the data plane counts, with what they wait for', async () => {
    const held: ServerResponse[] = [];
    const instance = createServer((_request, response) => held.push(response));
    const harness = await new Harness().listen();
    const open = new OpenRequests();
    harness.serve('a.test', { key: 'ns/a', ports: [await listen(instance)] });
    const call = request({ port: harness.port, path: '/x', headers: { host: 'a.test' } });
    call.on('response', (response) => response.resume()).on('error', () => {});
    call.end();
    await until('the instance has it', () => held.length > 0);
    assert.equal(harness.planes[0]?.open, 1);
    const [line = '', ...others] = open.describe();
    assert.deepEqual(others, []);
    const { revision, request: what, status, hasInstance } = JSON.parse(line);
    assert.deepEqual(
      { revision, what, status, hasInstance },
      { revision: 'ns/a', what: 'GET /x HTTP/1.1', status: 0, hasInstance: true },
    );
    held[0]?.end();
    await until('it has ended', () => harness.planes[0]?.open === 0);
    assert.deepEqual(open.describe(), []);
    open.stop();
    instance.close();
    await harness.close();
  });
});
