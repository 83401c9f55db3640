import assert from 'node:assert/strict';
import { scaleIns } from './testing/scaleIns.ts';

/** `HOMERUN_SCALE_INS` sets another number of requests, `HOMERUN_SEED` other moments. */
const ROUNDS = Number(process.env.HOMERUN_SCALE_INS ?? 500);
const SEED = Number(process.env.HOMERUN_SEED ?? 1);

/** Some moments last for milliseconds: on a busy machine one may be hit in none of the requests, and there are more. */
const MOST_RUNS = 4;
const MOMENTS = ['serving', 'drain', 'release', 'lowered', 'gone'] as const;

describe('a request at the moment of a scale-in', function () {
  this.timeout(MOST_RUNS * (20_000 + ROUNDS * 50));

  it(`is never lost: ${ROUNDS} requests, with programs that die with their pods`, async () => {
    const missed = new Set<string>(MOMENTS);
    for (let run = 0; run < MOST_RUNS && missed.size > 0; run++) {
      const { lost, moments, deleted, slowest } = await scaleIns(ROUNDS, SEED + run);
      const seen = JSON.stringify({ moments, deleted, slowest });
      assert.deepEqual(lost, [], seen);
      assert.ok(deleted > ROUNDS / 10, `too few instances were removed: ${seen}`);
      for (const moment of MOMENTS) if (moments[moment] > 0) missed.delete(moment);
      // It waits for the start of an instance at most, and a busy machine takes its time; the queue gives up after 10 s.
      assert.ok(slowest < 8000, `a request waited too long: ${seen}`);
    }
    assert.deepEqual([...missed], [], 'moments at which no request came');
  });
});
