import { ALERTS, type Alert } from '../../operator/telemetry/alerts.ts';
import type { AlertCase, Input } from './cases.ts';

/** One test of `promtool test rules`. */
export interface RuleTest {
  name: string;
  interval: '1m';
  input_series: { series: string; values: string }[];
  alert_rule_test: {
    eval_time: string;
    alertname: string;
    exp_alerts: { exp_labels: Record<string, string>; exp_annotations: Record<string, string> }[];
  }[];
}

/** The file of tests; the rules are beside it. */
export function testFile(tests: readonly object[]): object {
  return { rule_files: ['alerts.yaml'], evaluation_interval: '1m', tests };
}

/** A test that an alert fires at its minute, and not before. */
export function firing(alert: Alert, { input, fires, labels = {}, value = '' }: AlertCase): RuleTest {
  const { name, severity, summary, means, act } = alert;
  const filled = summary
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '')
    .replaceAll('{{ $value }}', value);
  const exp_annotations = { summary: filled, description: `${means} ${act}` };
  const alerts = [{ exp_labels: { ...labels, severity }, exp_annotations }];
  return {
    name: `${name} fires`,
    interval: '1m',
    input_series: seriesOf(input),
    alert_rule_test: [
      { eval_time: `${fires - 1}m`, alertname: name, exp_alerts: [] },
      { eval_time: `${fires}m`, alertname: name, exp_alerts: alerts },
    ],
  };
}

/** A test that an alert does not fire in two hours and a half. */
export function quiet({ name }: Alert, input: Input): RuleTest {
  const times = Array.from({ length: 15 }, (_, i) => `${10 * (i + 1)}m`);
  return {
    name: `${name} is quiet`,
    interval: '1m',
    input_series: seriesOf(input),
    alert_rule_test: times.map((eval_time) => ({ eval_time, alertname: name, exp_alerts: [] })),
  };
}

/** The alert of a name. @throws when there is none. */
export function alertOf(name: string): Alert {
  const alert = ALERTS.find((each) => each.name === name);
  if (!alert) throw new Error(`there is no alert ${name}`);
  return alert;
}

function seriesOf(input: Input): RuleTest['input_series'] {
  return Object.entries(input).map(([series, values]) => ({ series, values }));
}
