import assert from 'node:assert/strict';
import { ScalingReports } from './scalingReports.ts';

const START = 1_700_000_000_000;

describe('ScalingReports', () => {
  let reports: ScalingReports;
  let changed: string[];
  const at = (second: number) => START + second * 1000;

  beforeEach(() => {
    reports = new ScalingReports();
    changed = [];
    reports.onChange((revision) => changed.push(revision));
  });

  it('shows the first text at once, and from then on the newest one every ten seconds', () => {
    const shown: (string | undefined)[] = [];
    for (let second = 0; second <= 25; second++) {
      reports.report('n/a', `text ${second}`);
      reports.show(at(second));
      shown.push(reports.of('n/a'));
    }
    assert.deepEqual([...new Set(shown)], ['text 0', 'text 10', 'text 20']);
    assert.equal(changed.length, 3);
  });

  it('does nothing for a text that stays, or that is back before its turn', () => {
    reports.report('n/a', 'steady');
    for (let second = 0; second < 60; second++) {
      reports.show(at(second));
      reports.report('n/a', second === 3 ? 'a moment' : 'steady');
    }
    assert.deepEqual(changed, ['n/a']);
  });

  it('changes ten a second when all of a thousand change each second, and each of them in its turn', () => {
    const names = Array.from({ length: 1000 }, (_, index) => `n/busy-${index}`);
    for (let second = 0; second < 200; second++) {
      for (const name of names) reports.report(name, `text ${second}`);
      const before = changed.length;
      reports.show(at(second));
      assert.ok(changed.length - before <= 10);
    }
    const counts = names.map((name) => changed.filter((other) => other === name).length);
    assert.deepEqual([...new Set(counts)], [2]);
  });

  it('knows nothing of a revision that it has forgotten', () => {
    reports.report('n/a', 'text');
    reports.show(at(0));
    reports.report('n/a', 'another');
    reports.forget('n/a');
    reports.show(at(60));
    assert.equal(reports.of('n/a'), undefined);
    assert.deepEqual(changed, ['n/a']);
  });
});
