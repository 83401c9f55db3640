import assert from 'node:assert/strict';
import { ALERTS } from './alerts.ts';
import { registry } from './metrics.ts';

interface Described {
  name: string;
  type?: string;
  labelNames?: readonly string[];
}

/** What stands in an expression and is no series. */
const WORDS = /^(sum|max|min|by|on|or|and|rate|increase|vector|time|histogram_quantile|le)$/;
/** Labels that Prometheus gives to what it reads. */
const TARGET = ['pod', 'le'];

/** Every name that an expression may use, with the labels that it may select or group by. */
function known(): Map<string, readonly string[]> {
  const metrics = registry.getMetricsAsArray() as unknown as Described[];
  return new Map(
    metrics.flatMap((metric) => {
      const { name, type = metric.constructor.name.toLowerCase(), labelNames = [] } = metric;
      const isHistogram = type === 'histogram';
      const names = isHistogram ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name];
      return names.map((each): [string, readonly string[]] => [each, labelNames]);
    }),
  );
}

describe('alerts', () => {
  const series = known();

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
    it(`${name} is made of series and labels that exist`, () => {
      const bare = expr.replaceAll(/"[^"]*"/g, '""');
      const selected = [...bare.matchAll(/(\w+)\{([^}]*)\}/g)].map(([, of = '', labels = '']) => ({
        of,
        labels: [...labels.matchAll(/(\w+)(?:=~|=|!=|!~)/g)].map(([, label = '']) => label),
      }));
      const grouped = [...bare.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, labels = '']) =>
        labels.split(', '),
      );
      const words = bare.replaceAll(/\{[^}]*\}|\[[^\]]*\]|\b(?:by|on) \([^)]*\)/g, ' ').match(/[a-z_]\w+/g);
      const used = (words ?? []).filter((word) => !WORDS.test(word));
      assert.ok(used.length > 0);
      for (const metric of used) assert.ok(series.has(metric), `there is no series ${metric}`);
      for (const { of, labels } of selected) {
        for (const label of labels) assert.ok(series.get(of)?.includes(label), `${of} has no label ${label}`);
      }
      const labels = [...TARGET, ...used.flatMap((metric) => series.get(metric) ?? [])];
      for (const label of grouped) assert.ok(labels.includes(label), `no series has a label ${label}`);
      for (const [, label = ''] of summary.matchAll(/\$labels\.(\w+)/g)) {
        assert.ok(
          grouped.includes(label) || (grouped.length === 0 && labels.includes(label)),
          `${label} is lost`,
        );
      }
    });

    it(`${name} is whole: every bracket is closed, and something is compared`, () => {
      const open: string[] = [];
      const closing: Record<string, string> = { ')': '(', ']': '[', '}': '{' };
      for (const sign of expr.replaceAll(/"[^"]*"/g, '')) {
        if ('([{'.includes(sign)) open.push(sign);
        else if (closing[sign]) assert.equal(open.pop(), closing[sign]);
      }
      assert.deepEqual(open, []);
      assert.match(expr, / [<>] /);
    });
  }
});
