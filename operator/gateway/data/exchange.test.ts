import assert from 'node:assert/strict';
import type { RevisionEntry } from '../shared/messages.ts';
import { REQUEST_BYTES, requestBytesOf } from '../shared/usage.ts';
import { Harness } from '../testing/harness.ts';
import { Budget } from './budget.ts';
import { Deadlines } from './deadlines.ts';
import type { Downstream } from './downstream/downstream.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeShared } from './exchangeShared.ts';
import { Peer, requestHead } from './headers.ts';
import { Throttler } from './throttler.ts';
import { Ejection } from './upstream/ejection.ts';
import type { Instance } from './upstream/instance.ts';
import type { UpstreamEvents } from './upstream/upstream.ts';

/** Connections that break before a byte is sent, which real sockets do not do when a test wants it. */
describe('an exchange whose client is bound to an instance', () => {
  const entry: RevisionEntry = {
    key: 'ns/a',
    index: 0,
    limit: 2,
    timeoutMs: 60_000,
    protocol: 'http1',
    queueLimitMs: 10_000,
    affinity: 'revision',
  };

  function send(cookie: string | undefined, brokenAttempts: number) {
    const { slots, stats } = new Harness();
    const usage = slots.usage.writer(0);
    const requests = new Budget(usage, REQUEST_BYTES, requestBytesOf, 1e6);
    const writer = stats.writer(0);
    const link = { send: () => {} };
    const limits = { queue: 10, queuePerAddress: 10 };
    const waiting = { add: () => {}, delete: () => {} };
    const wake = () => {};
    const throttler = new Throttler(entry, {
      ...{ thread: 0, slots, stats: writer, link, usage, requests, limits, wake, waiting },
    });
    const sentTo: string[] = [];
    const rejected: number[] = [];
    let broken = 0;
    const instance = (slot: number): Instance => {
      const own = `cookie-${slot}`;
      const upstream = {
        send: (events: UpstreamEvents) => {
          sentTo.push(own);
          if (slot === 1 && broken++ < brokenAttempts)
            events.upstreamFailed(new Error('closed as idle'), false, true);
          return { resume: () => {}, cancel: () => {} };
        },
      };
      const counts = { taken: () => {}, released: () => {} };
      return { slot, cookie: own, upstream, ejection: new Ejection(), ...counts } as unknown as Instance;
    };
    for (const slot of [0, 1]) throttler.addInstance(instance(slot));
    const head = requestHead(['host', 'app.test'], new Peer('192.0.2.1'));
    head.affinity = cookie;
    const downstream = {
      ...{ method: 'GET', path: '/', head, hasBody: false, unsent: 0 },
      attach: () => {},
      reject: (status: number) => rejected.push(status),
    } as unknown as Downstream;
    const shared = {
      ...{ stats: writer, usage, requests, opened: () => {}, closed: () => {} },
      stalled: { remove: () => {} },
      deadlines: new Deadlines(() => {}),
      onError: (error: unknown) => assert.fail(String(error)),
    } as unknown as ExchangeShared;
    const exchange = new Exchange(downstream, throttler, shared, { address: 0, window: 0, waits: () => {} });
    exchange.start();
    const served = { sentTo: [...sentTo], rejected: [...rejected] };
    exchange.gone();
    return served;
  }

  it('goes to its own again when the first connection breaks: it was idle for too long', () => {
    assert.deepEqual(send('cookie-1', 1), { sentTo: ['cookie-1', 'cookie-1'], rejected: [] });
  });

  it('goes to another when a second one breaks too', () => {
    assert.deepEqual(send('cookie-1', Number.POSITIVE_INFINITY), {
      sentTo: ['cookie-1', 'cookie-1', 'cookie-0'],
      rejected: [],
    });
  });
});
