import assert from 'node:assert/strict';
import {
  LONGEST_WAIT_MS,
  OwnershipSimulation,
  type SimulationOptions,
} from '../testing/ownershipSimulation.ts';

const STEPS = 25_000;
const simulate = (options: Partial<SimulationOptions>) =>
  new OwnershipSimulation({ seed: 1, steps: STEPS, stormy: true, ...options }).run();

/** A million steps and more: `make fuzz`. */
describe('ownership of revisions', function () {
  // The machine may be busy.
  this.timeout(120_000);

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
