import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Budget } from '../data/budget.ts';
import type { QueueEntry, Source } from '../data/queue.ts';
import { Throttler, type Waiter } from '../data/throttler.ts';
import type { Instance } from '../data/upstream/instance.ts';
import { Harness } from '../testing/harness.ts';
import type { RevisionEntry } from './messages.ts';
import { Slots } from './slots.ts';
import { REQUEST_BYTES, requestBytesOf } from './usage.ts';

describe('Slots', () => {
  it('never admits more than the limit, from any thread', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.record({ thread: fc.nat(2), enter: fc.boolean() }), { maxLength: 100 }),
        (limit, steps) => {
          const slots = Slots.create(3);
          const inFlight = [0, 0, 0];
          for (const { thread, enter } of steps) {
            const all = inFlight.reduce((sum, n) => sum + n, 0);
            if (enter) {
              const got = slots.acquire(thread, 5, limit);
              assert.equal(got, all < limit);
              if (got) inFlight[thread] = (inFlight[thread] as number) + 1;
            } else if ((inFlight[thread] as number) > 0) {
              slots.release(thread, 5);
              inFlight[thread] = (inFlight[thread] as number) - 1;
            }
            assert.equal(
              slots.inFlight(5),
              inFlight.reduce((sum, n) => sum + n, 0),
            );
          }
        },
      ),
    );
  });

  it('releases what a thread that ended held, and only that', () => {
    const slots = Slots.create(2);
    slots.acquire(0, 1, 10);
    slots.acquire(1, 1, 10);
    slots.acquire(1, 1, 10);
    slots.addWaiting(1, 3, 2);
    slots.addWaiting(0, 3, 1);
    slots.setHead(1, 3, slots.ticket(3));
    slots.forget(1);
    assert.equal(slots.inFlight(1), 1);
    assert.equal(slots.waiting(3), 1);
    assert.equal(slots.firstInQueue(3), -1);
  });

  it('keeps the order of the queue when tickets wrap around', () => {
    const slots = Slots.create(2);
    slots.setHead(0, 0, 0x7fffffff);
    slots.setHead(1, 0, -0x80000000);
    assert.equal(slots.firstInQueue(0), 0);
  });
});

/** Threads that talk only through shared counts and wake-ups, which arrive in any order and late. */
describe('Throttlers of several threads', () => {
  // Properties compute for as long as the machine lets them.

  const entry: RevisionEntry = {
    key: 'ns/a',
    index: 2,
    limit: 1,
    timeoutMs: 1000,
    protocol: 'http1',
    queueLimitMs: 1e9,
  };

  function setup(threads: number, limit: number) {
    const { slots, stats } = new Harness(threads);
    const limits = { queue: 1000, queuePerAddress: 1000 };
    const wakes: number[] = [];
    const throttlers = Array.from({ length: threads }, (_, thread) => {
      const usage = slots.usage.writer(thread);
      return new Throttler(
        { ...entry, limit },
        {
          thread,
          slots,
          stats: stats.writer(thread),
          link: { send: () => {} },
          usage,
          requests: new Budget(usage, REQUEST_BYTES, requestBytesOf, 1e6),
          limits,
          wake: (other) => wakes.push(other),
          waiting: { add: () => {}, delete: () => {} },
        },
      );
    });
    const instance = { slot: 7, taken: () => {}, released: () => {} } as unknown as Instance;
    for (const throttler of throttlers) throttler.addInstance(instance);
    return { slots, throttlers, wakes, instance };
  }

  class Request implements Waiter {
    readonly arrivedAt = 0;
    readonly weight = 10;
    queueEntry: QueueEntry<Waiter> | undefined;
    affinity: string | undefined;
    readonly source: Source;
    readonly number: number;
    readonly thread: number;
    readonly served: number[];
    inFlight = false;
    gone = false;

    constructor(number: number, thread: number, served: number[], source?: Source) {
      this.source = source ?? { address: number, window: 0, waits: () => {} };
      this.number = number;
      this.thread = thread;
      this.served = served;
    }

    admitted(): void {
      this.inFlight = true;
      this.served.push(this.number);
    }

    checkClient(): void {}

    rejected(): void {
      this.gone = true;
    }
  }

  function run(threads: number, limit: number, sources: number, steps: { kind: string; pick: number }[]) {
    const { slots, throttlers, wakes, instance } = setup(threads, limit);
    const served: number[] = [];
    const requests: Request[] = [];
    const known = Array.from({ length: sources }, (_, address) => ({ address, window: 0, waits: () => {} }));
    const throttlerOf = (request: Request) => throttlers[request.thread] as Throttler;
    const act = (kind: string, pick: number): void => {
      if (kind === 'arrive') {
        // A connection belongs to one thread.
        const source = known[pick % (sources || 1)];
        const request = new Request(requests.length, (source?.address ?? pick) % threads, served, source);
        requests.push(request);
        if (throttlerOf(request).enter(request)) request.admitted();
      } else if (kind === 'wake') {
        const thread = wakes.splice(pick % (wakes.length || 1), 1)[0];
        if (thread !== undefined) throttlers[thread]?.admit();
      } else {
        const pool = requests.filter(({ inFlight, gone }) => !gone && inFlight === (kind === 'finish'));
        const request = pool[pick % (pool.length || 1)];
        if (!request) return;
        request.gone = true;
        if (kind === 'finish') throttlerOf(request).leave(instance);
        else throttlerOf(request).remove(request);
      }
      const inFlight = requests.filter((request) => request.inFlight && !request.gone).length;
      const waiting = requests.filter((request) => !request.inFlight && !request.gone).length;
      assert.ok(inFlight <= limit, `${inFlight} in flight, limit ${limit}`);
      assert.equal(slots.inFlight(7), inFlight);
      assert.equal(slots.waiting(2), waiting, 'all that wait are counted');
      const { queued, requestBytes } = slots.usage.read();
      assert.deepEqual([queued, requestBytes], [waiting, 10 * waiting]);
    };
    for (const { kind, pick } of steps) act(kind, pick);
    // Everything left ends; late wake-ups arrive.
    for (let turn = 0; turn < 500; turn++) act(wakes.length > 0 ? 'wake' : 'finish', 0);
    const stranded = requests.filter(({ inFlight, gone }) => !inFlight && !gone);
    assert.deepEqual(stranded, []);
    return served;
  }

  const steps = fc.array(
    fc.record({ kind: fc.constantFrom('arrive', 'finish', 'leave', 'wake'), pick: fc.nat() }),
    { maxLength: 80 },
  );
  const few = fc.integer({ min: 1, max: 3 });

  it('keep the limit, serve first come first served and strand no request', () => {
    fc.assert(
      fc.property(few, few, steps, (threads, limit, what) => {
        const served = run(threads, limit, 0, what);
        assert.deepEqual(
          served,
          served.toSorted((a, b) => a - b),
          'first come, first served',
        );
      }),
      { numRuns: 300 },
    );
  });

  it('strand no request when connections have several each', () => {
    fc.assert(
      fc.property(few, few, fc.integer({ min: 1, max: 5 }), steps, (threads, limit, sources, what) => {
        run(threads, limit, sources, what);
      }),
      { numRuns: 300 },
    );
  });

  it('let a connection with many requests take turns with the others', () => {
    const { throttlers, instance } = setup(1, 1);
    const [throttler] = throttlers as [Throttler];
    const served: number[] = [];
    const greedy = { address: 0, window: 0, waits: () => {} };
    const enter = (number: number, source?: Source) =>
      throttler.enter(new Request(number, 0, served, source)) && served.push(number);
    for (const number of [0, 1, 2, 3]) enter(number, greedy);
    enter(10);
    enter(11);
    for (let i = 0; i < 5; i++) throttler.leave(instance);
    assert.deepEqual(served, [0, 1, 10, 11, 2, 3]);
  });

  it('put a request that no instance accepted before all others', () => {
    const { throttlers, instance } = setup(2, 1);
    const served: number[] = [];
    const [first, second] = throttlers as [Throttler, Throttler];
    const refused = new Request(0, 0, served);
    const waiting = new Request(1, 1, served);
    assert.equal(first.enter(refused), instance);
    assert.equal(second.enter(waiting), undefined);
    first.reenter(refused);
    first.leave(instance);
    assert.deepEqual(served, [0]);
  });
});
