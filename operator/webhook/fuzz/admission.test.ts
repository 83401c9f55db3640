import assert from 'node:assert/strict';
import { fuzzAdmission } from './admission.ts';

describe('fuzzAdmission', () => {
  it('finds an answer to each of 3,000 mutated objects and reviews', async () => {
    const { rounds, admitted, rejected, unread } = await fuzzAdmission(3_000, 1);
    assert.equal(admitted + rejected + unread, rounds);
    assert.ok(admitted > rounds / 20, `only ${admitted} were admitted: the objects are too wild`);
    assert.ok(rejected > rounds / 5, `only ${rejected} were rejected: the objects are too tame`);
  });

  it('does the same again with the same seed', async () => {
    const [first, second] = [await fuzzAdmission(200, 7), await fuzzAdmission(200, 7)];
    assert.deepEqual({ ...first, slowestMs: 0 }, { ...second, slowestMs: 0 });
  });

  it('does something else with the next seed', async () => {
    const [first, second] = [await fuzzAdmission(1_000, 7), await fuzzAdmission(1_000, 8)];
    assert.notDeepEqual({ ...first, slowestMs: 0 }, { ...second, slowestMs: 0 });
  });
});
