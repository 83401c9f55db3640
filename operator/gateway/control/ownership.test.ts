import assert from 'node:assert/strict';
import type { Pod } from '../../kube/core.ts';
import {
  LONGEST_WAIT_MS,
  OwnershipSimulation,
  type SimulationOptions,
} from '../testing/ownershipSimulation.ts';
import { compileGatewayPod, lifeOf } from './gatewayPods.ts';
import type { GatewayPod } from './members.ts';
import { Ownership } from './ownership.ts';
import { ownerAmong } from './rendezvous.ts';

const STEPS = 25_000;
const simulate = (options: Partial<SimulationOptions>) =>
  new OwnershipSimulation({ seed: 1, steps: STEPS, stormy: true, ...options }).run();

/** A million steps and more: `make fuzz`. */
describe('ownership of revisions', function () {
  // The machine may be busy.
  this.timeout(300_000);

  for (const seed of [1, 2, 3, 4]) {
    it(`keeps the limit and leaks no slot while gateways join, leave, crash and are cut off (seed ${seed})`, () => {
      const { violations, dispatched, forwarded, rejected } = simulate({ seed });
      assert.deepEqual(violations, []);
      assert.ok(dispatched > 500 && forwarded > 500, `${dispatched} dispatched, ${forwarded} forwarded`);
      assert.equal(rejected, 0);
    });

    it(`lets nobody wait while a slot is free, while gateways join and leave (seed ${seed})`, () => {
      const { violations, longestWait, fences } = simulate({ seed, stormy: false });
      assert.deepEqual(violations, []);
      assert.equal(fences, 0);
      assert.ok(longestWait <= LONGEST_WAIT_MS, `a request waited for ${longestWait} ms`);
    });
  }

  const parts: Record<NonNullable<SimulationOptions['without']>, string> = {
    fence: 'a gateway that is cut off goes on when another one has taken over',
    held: 'a new owner does not know of the requests that the old one has in instances',
    elders: 'a gateway that has just started does not ask those that ran before',
  };
  for (const [without, reason] of Object.entries(parts)) {
    it(`exceeds the limit without: ${without}`, () => {
      const found = [1, 2, 3, 4, 5, 6, 7, 8].some((seed) => {
        const { violations } = simulate({ seed, steps: 4 * STEPS, without: without as never });
        return violations.some((violation) => violation.includes('limit'));
      });
      assert.ok(found, reason);
    });
  }
});

/** Two gateways whose messages the test delivers. */
describe('declarations', () => {
  const FENCE_MS = 60_000;
  const IDS = ['a', 'b', 'c'];
  const revision = Array.from({ length: 99 }, (_, i) => `ns/rev-${i}`).find(
    (key) => ownerAmong(IDS, key) === 'a',
  ) as string;
  const pods = (...ready: string[]): GatewayPod[] =>
    IDS.map((id) => ({
      id,
      started: true,
      ready: ready.includes(id),
      leaving: false,
      endedAt: 0,
      ended: id === 'c',
    }));
  let now = 0;
  let a: Ownership;
  let b: Ownership;

  const see = (gateway: Ownership, ...ready: string[]): void => {
    gateway.setPods(pods(...ready), now);
    gateway.declare({});
  };
  const tell = (from: Ownership, to: Ownership): void => {
    now++;
    to.receive(from.declarationTo(to.id, now), now);
  };
  const settle = (): void => {
    for (let i = 0; i < 3; i++) {
      tell(a, b);
      b.declare({});
      tell(b, a);
      a.declare({});
    }
  };

  beforeEach(() => {
    [a, b] = [new Ownership('a', 1, FENCE_MS), new Ownership('b', 1, FENCE_MS)];
    for (const gateway of [a, b]) {
      see(gateway, 'a', 'b');
      gateway.confirm(pods('a', 'b'), now, now);
      see(gateway, 'a', 'b');
    }
    settle();
  });

  it('let a gateway send only when the others follow that it may, for they could claim the same', () => {
    assert.equal(a.dispatches(revision), true);
    see(a, 'b');
    settle();
    assert.equal(a.dispatches(revision), false);
    see(b, 'a');
    settle();
    see(a, 'a');
    assert.equal(a.dispatches(revision), false, 'b does not claim it, but knows nothing of the claim of a');
    tell(a, b);
    b.declare({});
    tell(b, a);
    assert.equal(a.dispatches(revision), true);
  });

  it('of which two claim the same let neither send', () => {
    see(a, 'a');
    see(b, 'b');
    settle();
    assert.deepEqual([a.dispatches(revision), b.dispatches(revision)], [false, false]);
    see(b, 'a');
    settle();
    assert.deepEqual([a.dispatches(revision), b.dispatches(revision)], [true, false]);
  });

  it('tell that a gateway leaves whose pod is deleted when another one is ready, and not before', () => {
    const observe = (...ready: string[]): void => {
      for (const gateway of [a, b]) {
        const list = pods(...ready).map((pod) => ({ ...pod, leaving: pod.id === 'a' }));
        gateway.setPods(list, now);
        gateway.declare({});
      }
      settle();
    };
    observe();
    assert.deepEqual([a.dispatches(revision), b.dispatches(revision)], [true, false]);
    observe('b');
    assert.deepEqual([a.dispatches(revision), b.dispatches(revision)], [false, true]);
    observe();
    assert.equal(b.dispatches(revision), true, 'what has left does not come back');
  });

  it('await a process that joined before it could see this one run', () => {
    const list = pods('a', 'b');
    const unseen = list.map((pod) => ({ ...pod, started: pod.id !== 'a' }));
    const old = new Ownership('b', 1, FENCE_MS);
    [a, b] = [new Ownership('a', 1, FENCE_MS), new Ownership('b', 2, FENCE_MS)];
    see(a, 'a', 'b');
    tell(old, a);
    b.setPods(unseen, now);
    b.confirm(unseen, now, now);
    a.confirm(list, now, now);
    see(a, 'a', 'b');
    tell(b, a);
    see(a, 'a', 'b');
    assert.equal(a.dispatches(revision), false, 'b may claim it, and does not ask a before');
    see(b, 'a', 'b');
    settle();
    assert.equal(a.dispatches(revision), true);
  });

  const clocks: Record<string, { aheadMs: number; ranMs: number; reason: string }> = {
    'is right': { aheadMs: 0, ranMs: 600_000, reason: 'a later process began later' },
    'was set back while the one before ran': {
      aheadMs: 3_600_000,
      ranMs: -3_000_000,
      reason: 'it began an hour ago by its own clock, and ended before it began by that of now',
    },
    'was set back after the one before had ended': {
      aheadMs: 3_600_000,
      ranMs: 600_000,
      reason: 'the one before ends in an hour by the clock of now',
    },
  };
  for (const [name, { aheadMs, ranMs, reason }] of Object.entries(clocks)) {
    it(`are heard of a process that has restarted, whose clock ${name}`, () => {
      const restartedAt = Date.parse('2026-01-01T12:00:00Z');
      const beganAt = restartedAt + aheadMs - 600_000;
      const iso = (ms: number): string => new Date(ms).toISOString();
      const pod = {
        metadata: { uid: 'a' },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          containerStatuses: [
            {
              restartCount: 1,
              state: { running: { startedAt: iso(restartedAt) } },
              lastState: { terminated: { startedAt: iso(beganAt), finishedAt: iso(beganAt + ranMs) } },
            },
          ],
        },
      } as unknown as Pod;
      const list = [compileGatewayPod(pod), ...pods('b').slice(1)];
      const before = new Ownership('a', beganAt + 500, FENCE_MS);
      before.setPods(pods('a', 'b'), now);
      before.declare({});
      tell(before, b);
      a = new Ownership('a', lifeOf(pod, restartedAt + 500), FENCE_MS);
      for (const gateway of [a, b]) {
        gateway.setPods(list, now);
        gateway.confirm(list, now, now);
        gateway.declare({});
      }
      settle();
      assert.equal(a.dispatches(revision), true, reason);
    });
  }

  it('are followed only once the data threads do what follows from them', () => {
    see(b, 'b');
    tell(b, a);
    const { sequence } = b.declarationTo('a', now);
    assert.equal(
      a.declarationTo('b', now).follows?.sequence,
      sequence - 1,
      'the data threads do not follow yet',
    );
    a.declare({});
    assert.equal(a.declarationTo('b', now).follows?.sequence, sequence);
  });
});
