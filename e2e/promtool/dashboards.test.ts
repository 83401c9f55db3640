import { match } from 'node:assert/strict';
import { DASHBOARDS } from '../../operator/telemetry/dashboards/index.ts';
import { promtool } from './promtool.ts';

/** What Grafana puts in the place of its own variable; those of a dashboard stand inside texts. */
const INTERVAL = '5m';

/** The queries of the dashboards as recording rules, which Prometheus checks as it checks what it is asked. */
describe('dashboards', function () {
  this.timeout(1_800_000);

  it('have queries that Prometheus takes', async () => {
    const queries = DASHBOARDS.flatMap(({ rows }) =>
      rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries)),
    );
    const rules = queries.map(({ expr }, i) => ({
      record: `dashboards:query:${i}`,
      expr: expr.replaceAll('$__rate_interval', INTERVAL),
    }));
    const said = await promtool(
      { 'queries.yaml': { groups: [{ name: 'dashboards', rules }] } },
      'check',
      'rules',
      'queries.yaml',
    );
    match(said, new RegExp(`SUCCESS: ${queries.length} rules found`));
  });
});
