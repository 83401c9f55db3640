import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Window } from './window.ts';

const MINUTE = 60_000;
const START = 1_700_000_000_000;

/** A window that got `values[i]` at second `i` after START. */
function filled(values: (number | undefined)[], seed = 0): Window {
  const window = new Window(MINUTE, seed, START);
  values.forEach((value, second) => {
    if (value !== undefined) window.add(value, START + second * 1000);
  });
  return window;
}

describe('Window', () => {
  it('counts the time before its first sample as the seed', () => {
    const window = new Window(MINUTE, 30, START);
    assert.equal(window.mean(START), 30);
    for (let second = 1; second <= 30; second++) window.add(0, START + second * 1000);
    assert.equal(window.mean(START + 30_000), 15, 'half of the window is still seed');
  });

  it('forgets what is older than its length', () => {
    const window = filled([...Array(60).fill(100), ...Array(60).fill(4)]);
    assert.equal(window.mean(START + 119_000), 4);
  });

  it('takes a missing sample for a gap and not for a zero', () => {
    const samples = Array.from({ length: 120 }, (_, second) => (second % 2 ? undefined : 8));
    assert.equal(filled(samples).mean(START + 119_000), 8);
  });

  it('knows nothing once the whole window is a gap', () => {
    assert.equal(filled([7, 7, 7]).mean(START + 3 * MINUTE), undefined);
  });

  it('weighs each stretch of time alike, however many samples it has', () => {
    const window = new Window(MINUTE, 0, START);
    for (let sample = 0; sample < 600; sample++)
      window.add(sample < 300 ? 10 : 0, START + 1000 + sample * 100);
    const mean = window.mean(START + MINUTE) ?? Number.NaN;
    assert.ok(Math.abs(mean - 5) < 0.2, String(mean));
  });

  it('stays within what it was given', () => {
    const samples = fc.array(fc.option(fc.integer({ min: 0, max: 1000 }), { nil: undefined }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(samples, fc.integer({ min: 0, max: 1000 }), (values, seed) => {
        const mean = filled(values, seed).mean(START + values.length * 1000);
        const known = [seed, ...values.filter((value) => value !== undefined)];
        if (mean === undefined) return;
        assert.ok(mean >= Math.min(...known) - 1e-9 && mean <= Math.max(...known) + 1e-9);
      }),
    );
  });
});
