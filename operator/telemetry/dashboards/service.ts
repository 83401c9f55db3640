import { type Dashboard, panel, quantiles } from './dashboard.ts';

/** What follows the name of a service in the names that its revisions get by themselves. */
const GENERATED = '[0-9]{5}-[a-z0-9]{3}';
const OF = '{namespace="$namespace",revision=~"$revision"}';
const RATE = `${OF}[$__rate_interval]`;

/** For whoever has a service: its requests and its instances. */
export const SERVICE: Dashboard = {
  uid: 'homerun-service',
  title: 'Homerun: a service',
  description: 'Requests and instances of one service, by revision.',
  variables: [
    { name: 'namespace', title: 'Namespace', series: 'homerun_gateway_requests_total', label: 'namespace' },
    {
      name: 'service',
      title: 'Service',
      series: 'homerun_gateway_requests_total{namespace="$namespace"}',
      label: 'revision',
      // The names that revisions get by themselves; the service of others can be typed in.
      pattern: `(.+)-${GENERATED}`,
    },
    {
      name: 'revision',
      title: 'Revision',
      // A name by a person may have more dashes, but so have those of the service NAME-OTHER, which would be shown with it.
      series: `homerun_gateway_requests_total{namespace="$namespace",revision=~"$service-(${GENERATED}|[^-]+)"}`,
      label: 'revision',
      many: true,
    },
  ],
  rows: [
    {
      title: 'Requests',
      panels: [
        panel(
          'Requests',
          'reqps',
          `sum by (revision, class) (rate(homerun_gateway_requests_total${RATE}))`,
          '{{revision}} {{class}}',
        ),
        panel(
          'Requests without the response of an instance',
          'reqps',
          `sum by (revision, cause) (rate(homerun_gateway_errors_total${RATE}))`,
          '{{revision}} {{cause}}',
          {
            description: 'An error status of the program itself is among the requests, as 5xx.',
          },
        ),
        quantiles('Time of requests', 'homerun_gateway_request_duration_seconds', {
          selector: OF,
          by: ['revision'],
        }),
        panel(
          'Mean time of requests by part',
          's',
          `sum by (part) (rate(homerun_gateway_time_seconds_total${RATE})) / on () group_left () sum(rate(homerun_gateway_request_duration_seconds_count${RATE}))`,
          '{{part}}',
          {
            description:
              'In the queue, in the gateway until the request is sent, in the instance until the first byte, and the rest of the response.',
          },
        ),
        panel(
          'Requests in the queue',
          'short',
          `sum by (revision) (homerun_gateway_queue_depth${OF})`,
          '{{revision}}',
        ),
        panel(
          'Requests inside instances',
          'short',
          `sum by (revision) (homerun_gateway_in_flight${OF})`,
          '{{revision}}',
        ),
      ],
    },
    {
      title: 'Instances',
      panels: [
        {
          title: 'Instances',
          unit: 'short',
          description: 'Absent for a revision that has been at zero since the controller started.',
          queries: [
            {
              expr: `max by (revision) (homerun_revision_desired_instances${OF})`,
              legend: '{{revision}} wanted',
            },
            {
              expr: `max by (revision) (homerun_revision_actual_instances${OF})`,
              legend: '{{revision}} ready',
            },
            {
              expr: `max by (revision) (homerun_revision_max_instances${OF})`,
              legend: '{{revision}} maximum',
            },
            {
              expr: `max by (revision) (homerun_revision_min_instances${OF})`,
              legend: '{{revision}} minimum',
            },
          ],
        },
        panel(
          'What their number goes by',
          'short',
          `max by (revision, rule) (homerun_revision_scaling_rule${OF})`,
          '{{revision}} {{rule}}',
          {
            description: 'docs/autoscaling.md explains the rules.',
          },
        ),
        {
          title: 'Requests and what one instance should have',
          unit: 'short',
          queries: [
            { expr: `max by (revision) (homerun_revision_requests${OF})`, legend: '{{revision}} requests' },
            {
              expr: `max by (revision) (homerun_revision_requests_wanted_each${OF})`,
              legend: '{{revision}} wanted of each',
            },
          ],
        },
        panel(
          'CPU of ready instances, of their limit',
          'percentunit',
          `max by (revision) (homerun_revision_cpu_utilization${OF})`,
          '{{revision}}',
        ),
      ],
    },
    {
      title: 'Cold starts of all services',
      panels: [
        panel(
          'Cold starts',
          'reqps',
          'sum(rate(homerun_gateway_cold_start_seconds_count{part="first_byte"}[$__rate_interval]))',
          'starts',
        ),
        quantiles('Time of cold starts by part', 'homerun_gateway_cold_start_seconds', {
          by: ['part'],
          description:
            'Until an instance is asked for, until its container runs, until its startup probe passes, until the first byte.',
        }),
      ],
    },
  ],
};
