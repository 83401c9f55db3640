import assert from 'node:assert/strict';
import type { Pod } from '../kube/core.ts';
import { silent } from '../testing/until.ts';
import { GatewayScraper } from './gateways.ts';
import { FakeGateway } from './testing/gateway.ts';

describe('GatewayScraper', () => {
  let one: FakeGateway;
  let two: FakeGateway;
  let pods: Pod[];
  let scraper: GatewayScraper;

  beforeEach(async () => {
    one = await FakeGateway.listen('127.0.0.1');
    two = await FakeGateway.listen('127.0.0.2', one.port);
    one.tell('n/a', { inFlight: 2 });
    two.tell('n/a', { inFlight: 1 });
    pods = [one.pod('one'), two.pod('two')];
    scraper = new GatewayScraper({ pods: () => pods, adminPort: one.port, log: silent });
  });
  afterEach(() => Promise.all([scraper.close(), one.close(), two.close()]));

  const collect = async () => {
    const { loads, complete } = await scraper.collect(Date.now);
    return { present: loads.get('n/a')?.present, complete };
  };

  it('sums over all gateways', async () => {
    assert.deepEqual(await collect(), { present: 3, complete: true });
  });

  for (const mood of ['refusing', 'garbage', 'silent'] as const) {
    it(`forgives one missed scrape of a gateway that is ${mood}, and then calls the data incomplete`, async () => {
      await collect();
      two.mood = mood;
      assert.deepEqual(await collect(), { present: 3, complete: true }, 'the last answer stands in');
      assert.deepEqual(await collect(), { present: 3, complete: false }, 'a lower bound of what it may hold');
      two.mood = 'well';
      assert.deepEqual(await collect(), { present: 3, complete: true });
    });
  }

  it('waits no longer than a second for a silent gateway', async () => {
    two.mood = 'silent';
    const startedAt = performance.now();
    await collect();
    assert.ok(performance.now() - startedAt < 1000);
  });

  it('has incomplete data while no gateway runs', async () => {
    pods = [];
    assert.deepEqual(await collect(), { present: undefined, complete: false });
  });

  it('does not wait for a gateway that has not begun to serve', async () => {
    two.mood = 'refusing';
    pods = [one.pod('one'), two.pod('two', { ready: false })];
    assert.deepEqual(await collect(), { present: 2, complete: true });
  });

  it('misses a ready gateway that has never answered', async () => {
    two.mood = 'refusing';
    assert.deepEqual(await collect(), { present: 2, complete: false });
  });

  it('misses a gateway that has answered and is not ready any more', async () => {
    await collect();
    two.mood = 'refusing';
    pods = [one.pod('one'), two.pod('two', { ready: false })];
    await collect();
    assert.deepEqual(await collect(), { present: 3, complete: false }, 'it may be too busy to answer');
  });

  it('counts a draining gateway as long as it answers', async () => {
    pods = [one.pod('one'), two.pod('two', { deleted: true })];
    assert.deepEqual(await collect(), { present: 3, complete: true });
    await two.close();
    await collect();
    assert.deepEqual(await collect(), { present: 2, complete: true }, 'what it held has ended');
  });

  it('drops a gateway whose process has ended', async () => {
    await collect();
    await two.close();
    pods = [one.pod('one'), two.pod('two', { running: false })];
    assert.deepEqual(await collect(), { present: 2, complete: true });
  });
});
