import assert from 'node:assert/strict';
import { parseConfig } from '../config.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { silent } from '../testing/until.ts';
import { createInformers } from './informers.ts';

describe('the caches of the controller', () => {
  it('each have a name of their own, or they would write one series in turns', async () => {
    const server = await FakeApiServer.start();
    const names = Object.values(createInformers(server.client, silent, parseConfig({}))).map(
      ({ type, name }) => `${type.kind} ${name}`,
    );
    await server.close();
    // The autoscaler has one more cache of pods.
    names.push('Pod gateway-pods');
    assert.deepEqual(names, [...new Set(names)]);
  });
});
