import assert from 'node:assert/strict';
import { FakeClock } from './clock.ts';

describe('FakeClock', () => {
  it('fires what a timer starts, as long as it is due', () => {
    const clock = new FakeClock();
    const fired: number[] = [];
    const again = () => {
      fired.push(clock.now());
      clock.after(100, again);
    };
    clock.after(0, again);
    clock.advance(250);
    assert.deepEqual(fired, [0, 100, 200]);
    assert.equal(clock.now(), 250);
    assert.equal(clock.pending, 1);
  });

  it('fails a test whose timers set each other off at one moment without end: mocha could not', () => {
    const clock = new FakeClock();
    const again = () => {
      clock.after(0, again);
    };
    clock.after(100, again);
    assert.throws(() => clock.advance(250), /timers without end at 100 ms/);
  });
});
