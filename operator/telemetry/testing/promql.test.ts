import { deepEqual, throws } from 'node:assert/strict';
import { parseExpression, undeclared } from './promql.ts';

const SERIES = new Map<string, readonly string[]>([
  ['a_total', ['code']],
  ['b_bucket', ['path', 'le']],
]);

const CASES: Record<string, { reason: string; expr: string; want: string[] }> = {
  'a declared series': {
    reason: 'that is how it should be',
    expr: 'rate(a_total{code="0"}[5m]) > 0',
    want: [],
  },
  'labels of the target': { reason: 'Prometheus adds them', expr: 'sum by (pod) (a_total)', want: [] },
  'a histogram': {
    reason: 'its buckets have a label of their own',
    expr: 'histogram_quantile(0.9, sum by (le, path) (rate(b_bucket[5m])))',
    want: [],
  },
  'a series that does not exist': {
    reason: 'such an alert would never fire',
    expr: 'sum(c_total) or vector(0)',
    want: ['there is no series c_total'],
  },
  'a label that another series has': {
    reason: 'each series is selected by its own labels',
    expr: 'a_total{path="x"} and on (path) b_bucket',
    want: ['a_total has no label path'],
  },
  'a group by no label': {
    reason: 'all would be in one group',
    expr: 'sum by (nothing) (a_total)',
    want: ['no series has a label nothing'],
  },
  'no series at all': { reason: 'it is a constant', expr: 'vector(1) > 0', want: ['it reads no series'] },
};

describe('expressions', () => {
  for (const [name, { reason, expr, want }] of Object.entries(CASES)) {
    it(`with ${name}: ${reason}`, () => deepEqual(undeclared(expr, SERIES), want));
  }

  it('name what they read', () => {
    deepEqual(parseExpression('a{b=~"c|d", e!="f"} / on (g) group_left h[5m:]'), {
      selections: [
        { metric: 'a', labels: ['b', 'e'] },
        { metric: 'h', labels: [] },
      ],
      grouping: ['g'],
    });
  });

  for (const text of ['sum(a', 'a{b=c}', 'a >', '', 'rate(a[5 m])']) {
    it(`are refused when they are none: ${text}`, () => throws(() => parseExpression(text), SyntaxError));
  }
});
