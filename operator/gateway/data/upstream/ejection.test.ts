import assert from 'node:assert/strict';
import { Ejection } from './ejection.ts';

describe('Ejection', () => {
  it('begins with the third failure in a row', () => {
    const ejection = new Ejection();
    assert.deepEqual([ejection.failed(10), ejection.failed(10), ejection.failed(10)], [false, false, true]);
    assert.equal(ejection.until, 1010);
  });

  it('does not begin when a request succeeds in between', () => {
    const ejection = new Ejection();
    ejection.failed(0);
    ejection.failed(0);
    ejection.succeeded();
    assert.equal(ejection.failed(0) || ejection.failed(0), false);
  });

  it('lasts longer with each failure after it, up to 30 seconds', () => {
    const ejection = new Ejection();
    const lengths: number[] = [];
    let now = 0;
    for (let i = 0; i < 12; i++) {
      if (!ejection.failed(now)) continue;
      lengths.push(ejection.until - now);
      now = ejection.until;
    }
    assert.deepEqual(lengths, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000]);
    ejection.succeeded();
    for (let i = 0; i < 3; i++) ejection.failed(now);
    assert.equal(ejection.until - now, 1000, 'and begins anew after a success');
  });

  it('is not prolonged by requests that were in flight when it began', () => {
    const ejection = new Ejection();
    for (let i = 0; i < 3; i++) ejection.failed(0);
    assert.equal(ejection.failed(500), false);
    assert.equal(ejection.until, 1000);
  });
});
