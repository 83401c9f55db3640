import assert from 'node:assert/strict';
import { scaleIns } from './testing/scaleIns.ts';

/** `HOMERUN_SCALE_INS` sets another number of requests, `HOMERUN_SEED` other moments. */
const ROUNDS = Number(process.env.HOMERUN_SCALE_INS ?? 500);
const SEED = Number(process.env.HOMERUN_SEED ?? 1);

describe('a request at the moment of a scale-in', function () {
  this.timeout(20_000 + ROUNDS * 50);

  it(`is never lost: ${ROUNDS} requests, with programs that die with their pods`, async () => {
    const { lost, moments, deleted, slowest } = await scaleIns(ROUNDS, SEED);
    const seen = JSON.stringify({ moments, deleted, slowest });
    assert.deepEqual(lost, [], seen);
    assert.ok(deleted > ROUNDS / 10, `too few instances were removed: ${seen}`);
    for (const moment of ['serving', 'drain', 'release', 'lowered', 'gone'] as const) {
      assert.ok(moments[moment] > 0, `no request came at the moment '${moment}': ${seen}`);
    }
    // It waits for the start of an instance at most, and a busy machine takes its time; the queue gives up after 10 s.
    assert.ok(slowest < 8000, `a request waited too long: ${seen}`);
  });
});
