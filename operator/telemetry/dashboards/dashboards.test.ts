import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { declaredSeries, parseExpression, TARGET_LABELS, undeclared } from '../testing/promql.ts';
import { DASHBOARDS } from './index.ts';
import { SERVICE } from './service.ts';

/** What Grafana puts into an expression before Prometheus sees it. */
function filledIn(expr: string): string {
  return expr.replaceAll('$__rate_interval', '5m');
}

describe('dashboards', () => {
  const series = declaredSeries();

  it('have names of their own', () => {
    const uids = DASHBOARDS.map(({ uid }) => uid);
    deepEqual(uids, [...new Set(uids)]);
    for (const uid of uids) match(uid, /^homerun-[a-z]+$/);
  });

  for (const { title, variables, rows } of DASHBOARDS) {
    describe(title, () => {
      const panels = rows.flatMap(({ panels }) => panels);

      it('has panels of different titles', () => {
        const titles = panels.map((each) => each.title);
        deepEqual(titles, [...new Set(titles)]);
      });

      for (const { name, series: from, label } of variables) {
        it(`offers values of ${name} that exist`, () => {
          deepEqual(undeclared(`sum by (${label}) (${from})`, series), []);
        });
      }

      for (const panel of panels) {
        it(`${panel.title}: reads series and labels that exist, and names its lines by labels that are kept`, () => {
          ok(panel.queries.length > 0);
          for (const { expr, legend } of panel.queries) {
            const text = filledIn(expr);
            deepEqual(undeclared(text, series), []);
            const { grouping, selections } = parseExpression(text);
            const all = [...TARGET_LABELS, ...selections.flatMap(({ metric }) => series.get(metric) ?? [])];
            const kept = / by \(/.test(text) ? grouping : all;
            for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g))
              ok(kept.includes(label), `${label} is lost`);
          }
        });

        it(`${panel.title}: uses no variable that is not there`, () => {
          const known = ['__rate_interval', ...variables.map(({ name }) => name)];
          for (const { expr } of panel.queries) {
            for (const [, name = ''] of expr.matchAll(/\$(\w+)/g)) ok(known.includes(name), name);
          }
        });
      }
    });
  }
});

describe('the revisions that the dashboard of the service web offers', () => {
  const { series = '' } = SERVICE.variables.find(({ name }) => name === 'revision') ?? {};
  const [, pattern = ''] = series.match(/revision=~"([^"]+)"/) ?? [];
  const offered = new RegExp(`^(?:${pattern.replaceAll('$service', 'web')})$`);
  const REVISIONS: Record<string, { reason: string; want: boolean }> = {
    'web-00001-abc': { reason: 'it is named by itself', want: true },
    'web-v2': { reason: 'it is named by a person', want: true },
    'web-api-00001-abc': { reason: 'it is of the service web-api', want: false },
    'web-api-v2': { reason: 'it is of the service web-api, more often than not', want: false },
    'website-00001-abc': { reason: 'it is of the service website', want: false },
  };
  for (const [name, { reason, want }] of Object.entries(REVISIONS)) {
    it(`are ${want ? '' : 'not '}${name}: ${reason}`, () => equal(offered.test(name), want));
  }
});
