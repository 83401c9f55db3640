import { deepEqual, match } from 'node:assert/strict';
import { rulesFile } from '../../operator/generate/monitoring.ts';
import { ALERTS } from '../../operator/telemetry/alerts.ts';
import { ALERT_CASES } from './cases.ts';
import { promtool } from './promtool.ts';
import { alertOf, firing, quiet, testFile } from './ruleTests.ts';

/** The rules of the chart, as Prometheus itself reads and evaluates them. */
describe('alert rules', function () {
  this.timeout(1_800_000);
  const rules = rulesFile().text;

  it('are well formed, and no two say the same', async () => {
    const said = await promtool(
      { 'alerts.yaml': rules },
      'check',
      'rules',
      '--lint=all',
      '--lint-fatal',
      'alerts.yaml',
    );
    match(said, new RegExp(`SUCCESS: ${ALERTS.length} rules found`));
  });

  it('have a case each', () => {
    deepEqual(Object.keys(ALERT_CASES).toSorted(), ALERTS.map(({ name }) => name).toSorted());
  });

  it('fire when they should, and neither a minute before nor for less', async () => {
    const tests = Object.entries(ALERT_CASES).flatMap(([name, each]) => [
      firing(alertOf(name), each),
      quiet(alertOf(name), each.quiet),
    ]);
    const said = await promtool(
      { 'alerts.yaml': rules, 'tests.yaml': testFile(tests) },
      'test',
      'rules',
      'tests.yaml',
    );
    match(said, /SUCCESS/);
  });
});
