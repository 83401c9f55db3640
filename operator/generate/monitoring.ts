import { stringify } from 'yaml';
import { ALERTS } from '../telemetry/alerts.ts';
import { registry } from '../telemetry/metrics.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';

// The rules of Prometheus for the chart, and the page that explains them and lists every series.

/** The group of rules as a PrometheusRule holds it; the chart adds metadata. */
export function rulesFile(): GeneratedFile {
  const rules = ALERTS.map(({ name, expr, for: time, severity, summary, means, act }) => ({
    alert: name,
    expr,
    for: time,
    labels: { severity },
    annotations: { summary, description: `${means} ${act}` },
  }));
  const groups = stringify({ groups: [{ name: 'homerun', rules }] }, { lineWidth: 0 });
  const text = `# ${generatedFrom('operator/telemetry/alerts.ts')}\n${groups}`;
  return { path: 'charts/homerun/files/alerts.yaml', text };
}

/** docs/monitoring.md. */
export function monitoringFile(): GeneratedFile {
  const alerts = ALERTS.map(({ name, expr, for: time, severity, means, act }) =>
    [
      `### ${name}`,
      `${severity}, after ${time === '0m' ? 'the first time' : time}. ${means}`,
      `    ${expr}`,
      act,
    ].join('\n\n'),
  );
  const series = seriesRows().map((cells) => `| ${cells.map(escaped).join(' | ')} |`);
  const text = `${HEAD}
## Alerts

${alerts.join('\n\n')}

## Series

| name | type | labels | what |
| --- | --- | --- | --- |
${series.join('\n')}
`;
  return { path: 'docs/monitoring.md', text };
}

const HEAD = `<!-- ${generatedFrom('operator/telemetry')} -->
# Monitoring

Each pod serves its metrics at port 9090, path \`/metrics\`, and has the \`prometheus.io/scrape\` annotations. For the Prometheus
Operator:

    helm upgrade homerun charts/homerun --namespace homerun-system --reset-then-reuse-values \\
      --set monitoring.serviceMonitor.enabled=true --set monitoring.rules.enabled=true

\`monitoring.serviceMonitor.labels\` and \`monitoring.rules.labels\` are for a Prometheus that selects by labels, such as
\`release: kube-prometheus-stack\`. With \`networkPolicy.enabled\`, \`networkPolicy.metricsFrom\` must allow Prometheus.
Without the operator, \`charts/homerun/files/alerts.yaml\` is a rule file as it is.

\`--set monitoring.dashboards.enabled=true\` brings two dashboards to Grafana, by ConfigMaps that its sidecar finds by
\`monitoring.dashboards.labels\`: one of all roles, for operators, and one of a service. Their JSON can be imported as well, from
\`charts/homerun/files/dashboards\`.

All roles declare all series; a series that a role does not use stays at 0 or has no samples. The alerts are about Homerun
itself: failures of a user's program are reported on the user's Service, Job or WorkerPool, by conditions and Events.

## Whether all is well

    kubectl exec -n homerun-system deploy/homerun-controller -- homerun doctor

says in about ten lines whether all is well, what is not, and what to do about it: API server, definitions, webhook and its
certificate, leader, the pods of each role, what the gateways know, RuntimeClasses, and people's objects that are not ready. It ends
with 1 when a line is \`failed\`, with 0 otherwise; \`--output json\` is for programs. With a kubeconfig, \`node operator/main.ts
doctor\` does the same from anywhere.

## Where the time of requests goes

The time of a request is that in its queue, the gateway's own until the request is sent, the instance's until the first byte of
its response, and the rest of the response. The distribution of the first three is known for each gateway
(\`homerun_gateway_queue_wait_seconds\`, \`_overhead_seconds\`, \`_upstream_seconds\`), their sum for each revision, so that a
revision has four series more and not sixty. The mean time of a revision's requests by part:

    sum by (namespace, revision, part) (rate(homerun_gateway_time_seconds_total[5m]))
      / on (namespace, revision) group_left
    sum by (namespace, revision) (rate(homerun_gateway_request_duration_seconds_count[5m]))

What a request waits before the gateway's event loop reads it is in \`homerun_gateway_event_loop_lag_seconds\`.

Requests that did not get the whole response of an instance, by revision and cause:

    sum by (namespace, revision, cause) (rate(homerun_gateway_errors_total[5m])) > 0

A revision has series only for the causes that have occurred, and loses all of its series when it is deleted. An error status of
the program is in \`homerun_gateway_requests_total{class="5xx"}\` alone.

## Where the time of cold starts goes

\`homerun_gateway_cold_start_seconds\` has the starts from zero that a request waited for, in the gateway that asked for the
instance:

| part | from | to |
| --- | --- | --- |
| decide | the first request waits | the API server has accepted one instance |
| schedule | | the instance's container runs: its pod is made, scheduled, and has its volumes, network and image |
| start | | its startup probe passes |
| first_byte | | the first byte of its first response |

The gateway sees what the API server reports. The kubelet may report a container later than it starts; if the startup probe passes
before that, \`schedule\` ends when the pod had its address. The slowest part, p95:

    histogram_quantile(0.95, sum by (part, le) (rate(homerun_gateway_cold_start_seconds_bucket[1h])))

\`homerun_gateway_instance_start_seconds\` has all starts of instances, also those that nothing waited for.
`;

interface Described {
  name: string;
  help: string;
  type?: string;
  labelNames?: readonly string[];
}

function seriesRows(): string[][] {
  const metrics = registry.getMetricsAsArray() as unknown as Described[];
  return metrics
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((metric) => [
      `\`${metric.name}\``,
      typeOf(metric),
      (metric.labelNames ?? []).join(', '),
      metric.help,
    ]);
}

/** What Prometheus calls it; prom-client names it by the class. */
function typeOf(metric: Described): string {
  return metric.type ?? metric.constructor.name.toLowerCase();
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}
