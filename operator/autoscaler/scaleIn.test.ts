import assert from 'node:assert/strict';
import { scaleIns } from './testing/scaleIns.ts';

/** `HOMERUN_SCALE_INS` sets another number of requests, `HOMERUN_SEED` other moments. */
const ROUNDS = Number(process.env.HOMERUN_SCALE_INS ?? 500);
const SEED = Number(process.env.HOMERUN_SEED ?? 1);

/**
 * On a busy machine a moment that lasts for milliseconds may be hit by none of the requests, and few instances are
 * removed: then there are more requests.
 */
const MOST_RUNS = 4;
/** A request waits for the start of an instance at most, of the time in which this process has a processor. */
const LONGEST_MS = 4000;
const MOMENTS = ['serving', 'drain', 'release', 'lowered', 'gone'] as const;

describe('a request at the moment of a scale-in', function () {
  this.timeout(MOST_RUNS * (60_000 + ROUNDS * 100));

  it(`is never lost: ${ROUNDS} requests, with programs that die with their pods`, async () => {
    const missed = new Set<string>(MOMENTS);
    let leastMs = Number.POSITIVE_INFINITY;
    let removed = 0;
    const isShown = () => missed.size === 0 && leastMs < LONGEST_MS && removed > ROUNDS / 10;
    for (let run = 0; run < MOST_RUNS && !isShown(); run++) {
      const { lost, moments, deleted, slowest } = await scaleIns(ROUNDS, SEED + run);
      assert.deepEqual(lost, [], JSON.stringify({ moments, deleted, slowest }));
      for (const moment of MOMENTS) if (moments[moment] > 0) missed.delete(moment);
      leastMs = Math.min(leastMs, slowest);
      removed += deleted;
    }
    assert.deepEqual([...missed], [], 'moments at which no request came');
    assert.ok(leastMs < LONGEST_MS, `a request waited for ${leastMs} ms`);
    assert.ok(removed > ROUNDS / 10, `too few instances were removed: ${removed}`);
  });
});
