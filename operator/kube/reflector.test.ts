import assert from 'node:assert/strict';
import { FakeClock } from '../testing/clock.ts';
import { silent } from '../testing/until.ts';
import type { KubeClient } from './client.ts';
import { CONFIG_MAPS, type ConfigMap } from './core.ts';
import { KubeError } from './errors.ts';
import { Reflector } from './reflector.ts';
import { Store } from './store.ts';

describe('Reflector', () => {
  const reflectorOf = (client: object, clock: FakeClock) =>
    new Reflector<ConfigMap>({
      client: client as unknown as KubeClient,
      type: CONFIG_MAPS,
      store: new Store(),
      emit: () => {},
      onSynced: () => {},
      log: silent,
      clock,
      random: () => 0,
    });

  it('does not list without a pause when the server forgets at once what it has just listed', async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    let calls = 0;
    const counted = () => {
      // Ends what would else keep this process from everything, its own time limits included.
      if (++calls > 100) stop.abort();
    };
    const client = {
      list: async () => {
        counted();
        return { items: [], resourceVersion: '1' };
      },
      watch: async function* () {
        counted();
        yield* [];
        throw new KubeError('too old', { code: 'KUBE_GONE' });
      },
    };
    const running = reflectorOf(client, clock).run(stop.signal);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls, 4, 'anew at once, but then not again');
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls, 6);
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls, 6, 'the pause grows');
    stop.abort();
    await running;
  });

  it('asks again within a minute, however long a proxy in between says that it should wait', async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    let calls = 0;
    const client = {
      list: async () => {
        calls++;
        throw new KubeError('shed', { code: 'KUBE_SERVER', retryAfterSeconds: 86_400 });
      },
    };
    const running = reflectorOf(client, clock).run(stop.signal);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls, 1);
    clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls, 2);
    stop.abort();
    await running;
  });
});
