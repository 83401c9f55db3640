import assert from 'node:assert/strict';
import { ALERTS } from './alerts.ts';
import { declaredSeries, parseExpression, TARGET_LABELS, undeclared } from './testing/promql.ts';

describe('alerts', () => {
  const series = declaredSeries();

  it('have names of their own, and say what is wrong, what it means and what to do', () => {
    const names = ALERTS.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
    for (const { name, summary, means, act, for: time } of ALERTS) {
      assert.match(name, /^Homerun[A-Z][A-Za-z]+$/);
      assert.match(time, /^\d+[mh]$/);
      assert.ok(summary && means.endsWith('.') && act, name);
    }
  });

  for (const { name, expr, summary } of ALERTS) {
    it(`${name} compares series and labels that exist`, () => {
      assert.deepEqual(undeclared(expr, series), []);
      assert.match(expr, / [<>] |== /);
    });

    it(`${name} names only what it keeps`, () => {
      const { selections, grouping } = parseExpression(expr);
      const all = [...TARGET_LABELS, ...selections.flatMap(({ metric }) => series.get(metric) ?? [])];
      const kept = grouping.length > 0 ? grouping : all;
      for (const [, label = ''] of summary.matchAll(/\$labels\.(\w+)/g))
        assert.ok(kept.includes(label), `${label} is lost`);
    });
  }
});
