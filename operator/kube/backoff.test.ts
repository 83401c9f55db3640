import assert from 'node:assert/strict';
import { Backoff, type Failure } from './backoff.ts';

const steps = (backoff: Backoff, failure: Failure, count: number) =>
  Array.from({ length: count }, () => backoff.next(failure));

describe('Backoff', () => {
  it('grows to one second while nothing answers, so that the return is noticed soon', () => {
    assert.deepEqual(steps(new Backoff(() => 0), 'unreachable', 6), [100, 200, 400, 800, 1_000, 1_000]);
  });

  it('grows to five seconds while the server refuses', () => {
    assert.deepEqual(steps(new Backoff(() => 0), 'refused', 8).slice(5), [3_200, 5_000, 5_000]);
  });

  it('begins anew for another failure, and after a success', () => {
    const backoff = new Backoff(() => 0);
    steps(backoff, 'unreachable', 50);
    assert.equal(backoff.next('refused'), 100, 'a server that has just come back may refuse for a moment');
    assert.equal(backoff.next('refused'), 200);
    backoff.reset();
    assert.equal(backoff.next('refused'), 100);
  });

  it('spreads clients over the second half of each step', () => {
    assert.deepEqual(
      [new Backoff(() => 0.5).next('refused'), new Backoff(() => 0.999).next('refused')].map(Math.round),
      [75, 50],
    );
  });
});
