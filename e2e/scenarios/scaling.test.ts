import assert from 'node:assert/strict';
import { allPodsOf, podsOf } from '../lib/cluster.ts';
import { readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const IDLE = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period';
const INITIAL = 'autoscaling.knative.dev/initial-scale';
const MIN = 'autoscaling.knative.dev/minScale';
const MAX = 'autoscaling.knative.dev/maxScale';

describe('instances', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-scaling');

  /** The most instances of a service at a time, from now until `while_` has ended. */
  async function highest(name: string, while_: Promise<unknown>): Promise<number> {
    let most = 0;
    let over = false;
    const end = () => {
      over = true;
    };
    void while_.then(end, end);
    await until('the load to end', async () => {
      most = Math.max(most, (await podsOf(suite.client, suite.namespace, name)).length);
      return over;
    });
    return most;
  }

  it('go to zero after the idle time, and a request wakes one', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'idle', { annotations: { [IDLE]: '5s' } });
    // None on its way out either: such a one may answer the request, and then none is woken.
    await until('no pods', async () => (await allPodsOf(client, namespace, 'idle')).length === 0);
    const answer = visitor.ask(url);
    // Counted while the request waits: on a slow machine, the one that it wakes may be idle for long enough afterwards.
    const most = await highest('idle', answer);
    const { status, body } = await answer;
    assert.equal(status, 200);
    assert.match(body, /Hello/);
    assert.equal(most, 1);
  });

  it('are none until the first request where the initial scale is 0', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'asleep', {
      annotations: { [INITIAL]: '0', [IDLE]: '60s' },
    });
    assert.equal((await allPodsOf(client, namespace, 'asleep')).length, 0);
    assert.equal((await visitor.ask(url)).status, 200);
    assert.equal((await podsOf(client, namespace, 'asleep')).length, 1);
  });

  it('are as many as the minimum before the service is ready, and no fewer after the idle time', async () => {
    const { client, namespace } = suite;
    await readyService(client, namespace, 'warm', { annotations: { [IDLE]: '3s', [MIN]: '2' } });
    const running = (await podsOf(client, namespace, 'warm')).filter(({ status }) =>
      status?.containerStatuses?.every(({ state }) => state?.running),
    );
    assert.equal(running.length, 2);
    await new Promise((resolve) => setTimeout(resolve, 8000));
    assert.equal((await podsOf(client, namespace, 'warm')).length, 2);
  });

  it('grow with concurrent requests, never beyond the maximum, and each request is answered', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'busy', {
      concurrency: 2,
      annotations: { [IDLE]: '60s', [MAX]: '3' },
    });
    const load = Promise.all(Array.from({ length: 24 }, () => visitor.ask(`${url}/sleep?ms=1500`)));
    const most = await highest('busy', load);
    assert.deepEqual([...new Set((await load).map(({ status }) => status))], [200]);
    assert.equal(most, 3);
  });

  it('never have more requests inside than containerConcurrency', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'exact', {
      concurrency: 3,
      annotations: { [IDLE]: '60s', [MAX]: '1' },
    });
    const answers = await Promise.all(Array.from({ length: 60 }, () => visitor.ask(`${url}/sleep?ms=50`)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const inside = JSON.parse((await visitor.ask(`${url}/concurrency`)).body) as { most: number };
    assert.equal(inside.most, 3);
  });
});
