import assert from 'node:assert/strict';
import fc from 'fast-check';
import { queueAdds, queueDepth, queueLatency, queueRetries, workDuration } from '../telemetry/metrics.ts';
import { FakeClock } from '../testing/clock.ts';
import { PRIORITY, WorkQueue } from './workqueue.ts';

const never = new AbortController().signal;

function queueAt(clock = new FakeClock()) {
  return { clock, queue: new WorkQueue({ name: 'test', clock, random: () => 0 }) };
}

/** All keys that can be taken now, given back at once. */
async function drain(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  while (queue.length > 0) {
    const key = (await queue.take(never)) as string;
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe('WorkQueue', () => {
  it('holds a key once, however often it is added', async () => {
    const { queue } = queueAt();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    assert.deepEqual(await drain(queue), ['a', 'b']);
  });

  it('gives a key added while it is worked on again, when that work is done', async () => {
    const { queue } = queueAt();
    queue.add('a');
    assert.equal(await queue.take(never), 'a');
    queue.add('a');
    queue.add('a');
    assert.equal(queue.length, 0, 'no second worker may have it');
    queue.done('a');
    assert.deepEqual(await drain(queue), ['a']);
  });

  it('gives a key to a worker that waits', async () => {
    const { queue } = queueAt();
    const taken = queue.take(never);
    queue.add('a');
    assert.equal(await taken, 'a');
  });

  it('gives workers keys in the order in which they began to wait', async () => {
    const { queue } = queueAt();
    const first = queue.take(never);
    const second = queue.take(never);
    queue.add('a');
    queue.add('b');
    assert.deepEqual(await Promise.all([first, second]), ['a', 'b']);
  });

  it('stops waiting when the signal aborts, and loses nothing by it', async () => {
    const { queue } = queueAt();
    const stop = new AbortController();
    const taken = queue.take(stop.signal);
    stop.abort();
    assert.equal(await taken, undefined);
    queue.add('a');
    assert.equal(await queue.take(stop.signal), undefined, 'a worker that stops takes nothing');
    assert.deepEqual(await drain(queue), ['a']);
  });

  it('waits for the delay, and the earliest time wins', async () => {
    const { queue, clock } = queueAt();
    queue.add('a', { delayMs: 100 });
    queue.add('a', { delayMs: 50 });
    queue.add('a', { delayMs: 200 });
    clock.advance(49);
    assert.equal(queue.length, 0);
    clock.advance(1);
    assert.deepEqual(await drain(queue), ['a']);
    clock.advance(1_000);
    assert.equal(queue.length, 0, 'the later times are void');
    assert.equal(clock.pending, 0);
  });

  it('takes a delayed key at once when it is added without a delay', async () => {
    const { queue, clock } = queueAt();
    queue.add('a', { delayMs: 100 });
    queue.add('a');
    assert.deepEqual(await drain(queue), ['a']);
    clock.advance(100);
    assert.equal(queue.length, 0);
  });

  it('holds back a delayed key whose time comes while it is worked on', async () => {
    const { queue, clock } = queueAt();
    queue.add('a');
    await queue.take(never);
    queue.add('a', { delayMs: 10 });
    clock.advance(10);
    assert.equal(queue.length, 0);
    queue.done('a');
    assert.equal(queue.length, 1);
  });

  it('waits longer than a timer can', async () => {
    const { queue, clock } = queueAt();
    const days = 24 * 3_600_000;
    queue.add('a', { delayMs: 60 * days });
    clock.advance(60 * days - 1);
    assert.equal(queue.length, 0);
    clock.advance(1);
    assert.equal(queue.length, 1);
  });

  it('keeps no process alive for a delayed key', () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    new WorkQueue({ name: 'alone' }).add('a', { delayMs: 240_000 });
    assert.equal(timers(), before);
  });

  it('doubles the delay with each failure up to five minutes, and forgets', () => {
    const { queue, clock } = queueAt();
    const delays: number[] = [];
    for (let failures = 0; failures < 20; failures++) {
      queue.retry('a');
      const start = clock.now();
      while (queue.length === 0) clock.advance(5);
      delays.push(clock.now() - start);
      void queue.take(never);
      queue.done('a');
    }
    assert.deepEqual(delays.slice(0, 5), [5, 10, 20, 40, 80]);
    assert.equal(delays.at(-1), 300_000);
    queue.forget('a');
    queue.retry('a');
    clock.advance(5);
    assert.equal(queue.length, 1);
  });

  it('takes the highest priority first, in order of arrival within one', async () => {
    const { queue } = queueAt();
    queue.add('old1', { priority: PRIORITY.low });
    queue.add('old2', { priority: PRIORITY.low });
    queue.add('new1');
    queue.add('new2');
    queue.add('old2', { priority: PRIORITY.high });
    assert.deepEqual(await drain(queue), ['old2', 'new1', 'new2', 'old1']);
  });

  it('never lowers a priority', async () => {
    const { queue } = queueAt();
    queue.add('b');
    queue.add('a', { priority: PRIORITY.high });
    queue.add('a', { priority: PRIORITY.low });
    assert.deepEqual(await drain(queue), ['a', 'b']);
  });

  it('lets nothing starve below a stream of higher priority', async () => {
    const { queue, clock } = queueAt();
    queue.add('old', { priority: PRIORITY.low });
    const taken: string[] = [];
    for (let n = 0; n < 20 && !taken.includes('old'); n++) {
      clock.advance(1);
      queue.add(`new${n}`);
      queue.add(`newer${n}`);
      const key = (await queue.take(never)) as string;
      taken.push(key);
      queue.done(key);
    }
    assert.ok(taken.includes('old'), taken.join(' '));
  });

  it('does not pile up timers for keys that are asked for long before their time', async () => {
    const { queue, clock } = queueAt();
    for (let n = 0; n < 10_000; n++) {
      queue.add('a', { delayMs: 3_600_000 });
      queue.add('a');
      await drain(queue);
      clock.advance(1);
    }
    assert.ok(queue.scheduled <= 66, `${queue.scheduled}`);
  });

  it('counts what it does', async () => {
    const clock = new FakeClock();
    const value = async (metric: {
      get(): Promise<{ values: { labels: object; value: number; metricName?: string }[] }>;
    }) => {
      const { values } = await metric.get();
      const own = values.filter(({ labels }) => 'name' in labels && labels.name === 'counting');
      return own.find(({ metricName }) => !metricName || metricName.endsWith('_sum'))?.value;
    };
    const counting = new WorkQueue({ name: 'counting', clock, random: () => 0 });
    counting.add('a');
    counting.add('a');
    counting.add('b');
    assert.equal(await value(queueDepth), 2);
    assert.equal(await value(queueAdds), 3);
    clock.advance(2_000);
    const key = (await counting.take(never)) as string;
    clock.advance(3_000);
    counting.retry(key);
    counting.done(key);
    assert.equal(await value(queueDepth), 1);
    assert.equal(await value(queueLatency), 2);
    assert.equal(await value(workDuration), 3);
    assert.equal(await value(queueRetries), 1);
  });

  it('never gives a key to two workers and loses none, whatever happens in whatever order', async () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({
        do: fc.constant('add' as const),
        key,
        delayMs: fc.nat(50),
        priority: fc.constantFrom(-100, 0, 100),
      }),
      fc.record({ do: fc.constant('retry' as const), key }),
      fc.record({ do: fc.constant('forget' as const), key }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('abandon' as const) }),
      fc.record({ do: fc.constant('done' as const), key }),
      fc.record({ do: fc.constant('advance' as const), ms: fc.nat(60) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { queue, clock } = queueAt();
        const working = new Set<string>();
        // Keys asked for since they were last taken: each must come up again.
        const owed = new Set<string>();
        const begin = (taken: string | undefined) => {
          if (taken === undefined) return;
          assert.ok(!working.has(taken), `${taken} went to two workers`);
          assert.ok(owed.delete(taken), `${taken} was taken without being asked for`);
          working.add(taken);
        };
        for (const each of steps) {
          if (each.do === 'add') queue.add(each.key, each);
          if (each.do === 'retry') queue.retry(each.key);
          if (each.do === 'add' || each.do === 'retry') owed.add(each.key);
          if (each.do === 'forget') queue.forget(each.key);
          if (each.do === 'take' && queue.length > 0) begin(await queue.take(never));
          if (each.do === 'abandon') {
            const stop = new AbortController();
            const taken = queue.length === 0 ? queue.take(stop.signal) : undefined;
            stop.abort();
            assert.equal(await taken, undefined);
          }
          if (each.do === 'done' && working.delete(each.key)) queue.done(each.key);
          if (each.do === 'advance') clock.advance(each.ms);
        }
        for (const held of [...working]) {
          working.delete(held);
          queue.done(held);
        }
        clock.advance(400_000);
        while (queue.length > 0) {
          const taken = await queue.take(never);
          begin(taken);
          working.delete(taken as string);
          queue.done(taken as string);
        }
        assert.deepEqual([...owed], [], 'lost');
      }),
      { numRuns: 300 },
    );
  });
});
