import { type Dashboard, panel, quantiles, type Row } from './dashboard.ts';

const INTERVAL = '[$__rate_interval]';

const HEALTH: Row = {
  title: 'Is all well?',
  panels: [
    panel('Processes', 'short', 'count by (version) (homerun_build_info)', '{{version}}', {
      as: 'value',
      description: 'By version: two of them during an upgrade.',
    }),
    panel('Leaders', 'short', 'sum by (name) (homerun_leader)', '{{name}}', {
      as: 'value',
      description: 'One for the controller; 0 means that nothing is reconciled.',
    }),
    panel(
      'Starts of processes in an hour',
      'short',
      'sum(changes(process_start_time_seconds[1h]) and on (pod) homerun_build_info)',
      'starts',
      { as: 'value' },
    ),
    panel('Keys that wait', 'short', 'sum(homerun_workqueue_depth)', 'keys', { as: 'value' }),
    panel('Gateway threads', 'short', 'sum(homerun_gateway_threads)', 'threads', { as: 'value' }),
    panel('Nodes that tell addresses', 'short', 'sum(homerun_node_watching)', 'nodes', { as: 'value' }),
  ],
};

const CONTROLLER: Row = {
  title: 'Controller',
  panels: [
    panel(
      'Reconciles',
      'reqps',
      `sum by (controller) (rate(homerun_reconciles_total${INTERVAL}))`,
      '{{controller}}',
    ),
    panel(
      'Reconciles that fail',
      'reqps',
      `sum by (controller, result) (rate(homerun_reconciles_total{result=~"error|terminal"}${INTERVAL}))`,
      '{{controller}} {{result}}',
    ),
    panel('Keys that wait for a worker', 'short', 'max by (name) (homerun_workqueue_depth)', '{{name}}'),
    quantiles('Time that keys wait', 'homerun_workqueue_queue_duration_seconds'),
    panel(
      'Decisions of the autoscaler',
      'reqps',
      `sum by (direction, reason) (rate(homerun_autoscaler_decisions_total${INTERVAL}))`,
      '{{direction}} {{reason}}',
    ),
    quantiles('A round of the autoscaler', 'homerun_autoscaler_tick_duration_seconds'),
    panel('Leases lost', 'short', 'sum by (name) (increase(homerun_lease_losses_total[1h]))', '{{name}}'),
    panel('Objects in caches', 'short', 'max by (kind) (homerun_reflector_objects)', '{{kind}}'),
  ],
};

const API_SERVER: Row = {
  title: 'API server and admission',
  panels: [
    panel(
      'Requests to the API server',
      'reqps',
      `sum by (verb) (rate(homerun_kube_requests_total${INTERVAL}))`,
      '{{verb}}',
    ),
    panel(
      'Requests that fail',
      'reqps',
      `sum by (pod, code) (rate(homerun_kube_requests_total{code=~"0|4..|5.."}${INTERVAL}))`,
      '{{pod}} {{code}}',
      {
        description: 'Code 0 is no answer. Some 404 and 409 are how things go.',
      },
    ),
    quantiles('Time of requests to the API server', 'homerun_kube_request_duration_seconds', {
      selector: '{verb!="watch"}',
    }),
    panel(
      'Watches opened again',
      'reqps',
      `sum by (reason) (rate(homerun_reflector_watch_restarts_total${INTERVAL}))`,
      '{{reason}}',
    ),
    panel(
      'Admission reviews',
      'reqps',
      `sum by (result) (rate(homerun_admission_reviews_total${INTERVAL}))`,
      '{{result}}',
    ),
    quantiles('Time of admission reviews', 'homerun_admission_duration_seconds', { by: ['path'] }),
  ],
};

const GATEWAY: Row = {
  title: 'Gateways',
  panels: [
    panel(
      'Requests',
      'reqps',
      `sum by (class) (rate(homerun_gateway_requests_total${INTERVAL}))`,
      '{{class}}',
    ),
    panel(
      'Requests without the response of an instance',
      'reqps',
      `sum by (cause) (rate(homerun_gateway_errors_total${INTERVAL}))`,
      '{{cause}}',
    ),
    quantiles('Time of requests', 'homerun_gateway_request_duration_seconds'),
    panel(
      'Mean time of requests by part',
      's',
      `sum by (part) (rate(homerun_gateway_time_seconds_total${INTERVAL})) / on () group_left () sum(rate(homerun_gateway_request_duration_seconds_count${INTERVAL}))`,
      '{{part}}',
    ),
    quantiles('Time in queues, of requests that waited', 'homerun_gateway_queue_wait_seconds'),
    quantiles("The gateway's own time", 'homerun_gateway_overhead_seconds'),
    panel('Requests in queues', 'short', 'sum by (namespace) (homerun_gateway_queue_depth)', '{{namespace}}'),
    panel(
      'Refused requests',
      'reqps',
      `sum by (reason) (rate(homerun_gateway_refusals_total${INTERVAL}))`,
      '{{reason}}',
    ),
    panel('Connections', 'short', 'sum by (protocol) (homerun_gateway_connections)', '{{protocol}}'),
    panel(
      'Cold starts',
      'reqps',
      `sum(rate(homerun_gateway_cold_start_seconds_count{part="first_byte"}${INTERVAL}))`,
      'starts',
    ),
    quantiles('Time of cold starts by part', 'homerun_gateway_cold_start_seconds', { by: ['part'] }),
  ],
};

const PROCESSES: Row = {
  title: 'Processes',
  panels: [
    panel('Memory', 'bytes', 'process_resident_memory_bytes and on (pod) homerun_build_info', '{{pod}}'),
    panel(
      'Heap, of its limit',
      'percentunit',
      'homerun_heap_bytes{what="used"} / on (pod) homerun_heap_bytes{what="limit"}',
      '{{pod}}',
    ),
    panel(
      'CPU, in cores',
      'short',
      `rate(process_cpu_seconds_total${INTERVAL}) and on (pod) homerun_build_info`,
      '{{pod}}',
    ),
    {
      title: 'How late event loops are',
      unit: 's',
      queries: [
        { expr: 'max by (pod) (homerun_event_loop_lag_seconds)', legend: '{{pod}}' },
        { expr: 'max by (pod) (homerun_gateway_event_loop_lag_seconds)', legend: '{{pod}}' },
      ],
    },
  ],
};

const CERTIFICATES: Row = {
  title: 'Certificates and identities',
  panels: [
    {
      title: 'Time until certificates expire',
      unit: 's',
      queries: [
        {
          expr: 'min by (secret) (homerun_gateway_certificate_expiry_timestamp_seconds) - time()',
          legend: '{{secret}}',
        },
        { expr: 'min(homerun_webhook_certificate_expiry_timestamp_seconds > 0) - time()', legend: 'webhook' },
        { expr: 'min(homerun_api_certificate_expiry_timestamp_seconds > 0) - time()', legend: 'Admin API' },
      ],
    },
    panel('Keys of issuers', 'short', 'min by (issuer) (homerun_gateway_issuer_keys)', '{{issuer}}'),
    panel(
      'Requests to the metadata server',
      'reqps',
      `sum by (path, code) (rate(homerun_metadata_requests_total${INTERVAL}))`,
      '{{path}} {{code}}',
    ),
    panel(
      'Requests to the Admin API',
      'reqps',
      `sum by (code) (rate(homerun_api_request_duration_seconds_count${INTERVAL}))`,
      '{{code}}',
    ),
  ],
};

/** For whoever runs Homerun: all of its roles. */
export const OPERATORS: Dashboard = {
  uid: 'homerun-operators',
  title: 'Homerun',
  description: 'All roles of Homerun: what they do, what they wait for, and what fails.',
  variables: [],
  rows: [HEALTH, CONTROLLER, API_SERVER, GATEWAY, PROCESSES, CERTIFICATES],
};
