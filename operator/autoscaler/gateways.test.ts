import assert from 'node:assert/strict';
import type { DrainOrders } from '../gateway/shared/drainProtocol.ts';
import type { Pod } from '../kube/core.ts';
import { isBeforeTimer, silent } from '../testing/until.ts';
import { GatewayScraper } from './gateways.ts';
import { FakeGateway } from './testing/gateway.ts';
import { MINUTE } from './testing/simulation.ts';

const START = 1_700_000_000_000;

describe('GatewayScraper', () => {
  let one: FakeGateway;
  let two: FakeGateway;
  let pods: Pod[];
  let scraper: GatewayScraper;

  beforeEach(async () => {
    ahead = 0;
    round = 0;
    one = await FakeGateway.listen('127.0.0.1');
    two = await FakeGateway.listen('127.0.0.2', one.port);
    one.tell('n/a', { inFlight: 2 });
    two.tell('n/a', { inFlight: 1 });
    pods = [one.pod('one'), two.pod('two')];
    scraper = new GatewayScraper({ pods: () => pods, adminPort: one.port, log: silent });
  });
  afterEach(() => Promise.all([scraper.close(), one.close(), two.close()]));

  let ahead: number;
  let round: number;
  /** Whether the data of a revision whose requests last a minute at most are complete, and of one in no report. */
  const look = async (instances: DrainOrders['instances'] = {}) =>
    scraper.collect({ term: 1, round: ++round, instances }, () => START + ahead);
  const collect = async () => {
    const view = await look();
    return { present: view.loadOf('n/a', MINUTE)?.present, complete: view.isComplete('n/a', MINUTE) };
  };

  it('sums over all gateways', async () => {
    assert.deepEqual(await collect(), { present: 3, complete: true });
  });

  for (const mood of ['refusing', 'garbage', 'silent'] as const) {
    it(`tolerates one missed scrape of a gateway that is ${mood}, and then reports incomplete data`, async () => {
      await collect();
      two.mood = mood;
      assert.deepEqual(await collect(), { present: 3, complete: true }, 'the last answer stands in');
      assert.deepEqual(await collect(), { present: 3, complete: false }, 'a lower bound of what it may hold');
      two.mood = 'well';
      assert.deepEqual(await collect(), { present: 3, complete: true });
    });
  }

  it('gets only what has changed, and keeps the rest', async () => {
    // A gateway reports again what has changed in the millisecond of its last report.
    let time = START;
    one.now = () => ++time;
    await collect();
    const known = () => one.orders?.known?.start;
    assert.equal(known(), undefined, 'it has no answer yet');
    one.tell('n/a', { inFlight: 0, requests: 1, concurrencyMs: 1e9 });
    await collect();
    assert.equal(known(), 1);
    assert.deepEqual(await collect(), { present: 1, complete: true }, 'it is left out: there is nothing');
    assert.deepEqual(Object.keys(one.stats.revisions), []);
    one.tell('n/a', { inFlight: 1, requests: 2, concurrencyMs: 1e9 + 10 });
    const load = (await look()).loadOf('n/a', MINUTE);
    assert.ok((load?.mean ?? 1e9) < 1e6, 'it counts from the previous report');
  });

  it('gets a full report from a restarted process', async () => {
    await collect();
    await collect();
    one.start = 2;
    one.tell('n/a', { inFlight: 5 });
    assert.deepEqual(await collect(), { present: 6, complete: true });
    assert.equal(one.orders?.known?.start, 1);
  });

  it('waits no longer than a second for a silent gateway', async () => {
    two.mood = 'silent';
    pods = [two.pod('two')];
    assert.ok(await isBeforeTimer(collect(), 1000));
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

  describe('with a gateway that hangs', () => {
    const lose = async () => {
      await collect();
      two.mood = 'refusing';
      await collect();
      await collect();
    };

    it('keeps its last report of a revision for as long as those requests can last', async () => {
      await lose();
      ahead = 59_000;
      assert.deepEqual(await collect(), { present: 3, complete: false });
      ahead = 61_000;
      assert.deepEqual(await collect(), { present: 2, complete: true });
    });

    it('goes on with revisions that it held nothing of, after the ten seconds that it may still get requests', async () => {
      await lose();
      ahead = 9000;
      const early = await look();
      ahead = 11_000;
      const late = await look();
      const complete = [early, late].map((view) => view.isComplete('n/other', MINUTE));
      assert.deepEqual(complete, [false, true]);
    });

    it('releases an instance of a revision that it had no request of, and of no other', async () => {
      await lose();
      ahead = 11_000;
      const view = await look({ pod: 'release' });
      const pod = { uid: 'pod', name: 'pod' };
      assert.equal(view.drainOf('n/other', pod, MINUTE), 'released');
      assert.equal(view.drainOf('n/a', pod, MINUTE), undefined);
    });

    it('scales nothing down while one has never answered', async () => {
      two.mood = 'silent';
      await collect();
      ahead = 60 * MINUTE;
      assert.deepEqual(await collect(), { present: 2, complete: false });
    });
  });

  describe('the drain state of an instance', () => {
    const pod = { uid: 'uid-1', name: 'pod-1' };
    const drain = async () => (await look({ 'uid-1': 'release' })).drainOf('n/a', pod, MINUTE);

    it('says the least of what gateways answer', async () => {
      assert.equal(await drain(), 'released');
      two.drains['uid-1'] = 'draining';
      assert.equal(await drain(), 'draining');
      one.drains['uid-1'] = 'refused';
      assert.equal(await drain(), 'refused');
    });

    it('says nothing while a gateway is missing, even for one round, or does not listen', async () => {
      await drain();
      two.mood = 'refusing';
      assert.equal(await drain(), undefined);
      two.mood = 'well';
      two.kind = 'forbidden';
      assert.equal(await drain(), undefined);
      assert.deepEqual(await collect(), { present: 3, complete: true }, 'its counts are known');
    });

    it('takes a gateway that never listens at its counts', async () => {
      two.kind = 'forbidden';
      for (let i = 0; i < 10; i++) assert.equal(await drain(), undefined);
      assert.equal(await drain(), 'released');
      two.tell('n/a', { inFlight: 1, instances: { 'pod-1': 1 } });
      assert.equal(await drain(), 'draining');
    });

    it('takes a gateway from before there was a drain at its counts', async () => {
      two.kind = 'old';
      two.tell('n/a', { inFlight: 1, instances: { 'pod-1': 1 } });
      assert.equal(await drain(), 'draining');
      two.tell('n/a', { inFlight: 0, instances: { 'pod-1': 0 } });
      assert.equal(await drain(), 'released');
    });

    it('does not ask one that has not begun to serve', async () => {
      two.mood = 'refusing';
      pods = [one.pod('one'), two.pod('two', { ready: false })];
      assert.equal(await drain(), 'released');
    });
  });
});
