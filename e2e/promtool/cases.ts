/** Series as promtool writes them, one sample a minute: `0x10 5+5x20` is 0 eleven times, then 5, 10, 15 ... */
export type Input = Readonly<Record<string, string>>;

export interface AlertCase {
  /** What goes wrong, after ten minutes in which all was well unless it says otherwise. */
  input: Input;
  /** The minute at which the alert fires; the minute before it does not. */
  fires: number;
  /** Labels of the alert beside its severity. */
  labels?: Readonly<Record<string, string>>;
  /** What `{{ $value }}` is in its summary, where it is there. */
  value?: string;
  /** As much as may be without an alert. */
  quiet: Input;
}

const DAY = 86_400;
/** More than a hundred a second, from the eleventh minute on. */
const MANY = '0x10 6000+6000x100';
const NEVER = '0x150';
/** Five a minute: below 0.1 a second. */
const FEW = '0+5x150';
const ONCE_WRONG = '0x10 1x100';
/** An expiry, in seconds since 1970, of which 14 days are left after ten minutes. */
const EXPIRES = `${14 * DAY + 600}x150`;
const LASTS = `${15 * DAY}x150`;

/** How each alert is brought about. */
export const ALERT_CASES: Readonly<Record<string, AlertCase>> = {
  HomerunNoLeader: {
    input: { 'homerun_leader{name="homerun-system/homerun-controller",pod="a"}': '1x10 0x100' },
    fires: 16,
    quiet: {
      'homerun_leader{name="homerun-system/homerun-controller",pod="a"}': '1x10 0x140',
      'homerun_leader{name="homerun-system/homerun-controller",pod="b"}': '0x14 1x136',
    },
  },
  HomerunLeaseLost: {
    input: { 'homerun_lease_losses_total{name="s/homerun-controller",pod="a"}': '0x10 3x100' },
    fires: 11,
    labels: { name: 's/homerun-controller' },
    quiet: { 'homerun_lease_losses_total{name="s/homerun-controller",pod="a"}': '0x10 2x140' },
  },
  HomerunRestartsOften: {
    input: {
      'process_start_time_seconds{pod="a"}': '100x2 300x2 500x2 700x100',
      'homerun_build_info{pod="a"}': '1x110',
      'process_start_time_seconds{pod="of-others"}': '100x2 300x2 500x2 700x100',
    },
    fires: 9,
    labels: { pod: 'a' },
    value: '3',
    quiet: {
      'process_start_time_seconds{pod="a"}': '100x2 300x2 500x145',
      'homerun_build_info{pod="a"}': '1x150',
    },
  },
  HomerunReconcilesFail: {
    input: { 'homerun_reconciles_total{controller="revision",result="error",pod="a"}': MANY },
    fires: 26,
    labels: { controller: 'revision' },
    quiet: {
      'homerun_reconciles_total{controller="revision",result="error",pod="a"}': FEW,
      'homerun_reconciles_total{controller="revision",result="done",pod="a"}': MANY,
    },
  },
  HomerunQueueGrows: {
    input: { 'homerun_workqueue_depth{name="revision",pod="a"}': '0x10 101x100' },
    fires: 26,
    labels: { name: 'revision' },
    value: '101',
    quiet: { 'homerun_workqueue_depth{name="revision",pod="a"}': '100x150' },
  },
  HomerunApiServerUnreachable: {
    input: { 'homerun_kube_requests_total{verb="list",code="0",pod="a"}': MANY },
    fires: 21,
    labels: { pod: 'a' },
    quiet: {
      'homerun_kube_requests_total{verb="list",code="0",pod="a"}': FEW,
      'homerun_kube_requests_total{verb="list",code="200",pod="a"}': MANY,
    },
  },
  HomerunApiServerFails: {
    input: { 'homerun_kube_requests_total{verb="create",code="500",pod="a"}': MANY },
    fires: 21,
    labels: { pod: 'a' },
    quiet: {
      'homerun_kube_requests_total{verb="create",code="500",pod="a"}': FEW,
      'homerun_kube_requests_total{verb="create",code="409",pod="a"}': MANY,
    },
  },
  HomerunListsFail: {
    input: { 'homerun_reflector_lists_total{kind="Pod",result="error",pod="a"}': MANY },
    fires: 16,
    labels: { kind: 'Pod' },
    quiet: { 'homerun_reflector_lists_total{kind="Pod",result="error",pod="a"}': '0x10 4x140' },
  },
  HomerunEventLoopLate: {
    input: { 'homerun_event_loop_lag_seconds{pod="a"}': '0x10 2.1x100' },
    fires: 21,
    labels: { pod: 'a' },
    value: '2.1',
    quiet: {
      'homerun_event_loop_lag_seconds{pod="a"}': '2x150',
      'homerun_gateway_event_loop_lag_seconds{thread="0",pod="b"}': '1x150',
    },
  },
  HomerunHeapNearLimit: {
    input: {
      'homerun_heap_bytes{what="used",pod="a"}': '10x10 91x100',
      'homerun_heap_bytes{what="limit",pod="a"}': '100x110',
    },
    fires: 21,
    labels: { pod: 'a' },
    quiet: {
      'homerun_heap_bytes{what="used",pod="a"}': '90x150',
      'homerun_heap_bytes{what="limit",pod="a"}': '100x150',
    },
  },
  HomerunUnhandledRejections: {
    input: { 'homerun_unhandled_rejections_total{pod="a"}': ONCE_WRONG },
    fires: 11,
    labels: { pod: 'a' },
    quiet: { 'homerun_unhandled_rejections_total{pod="a"}': NEVER },
  },
  HomerunNoWebhook: {
    input: { 'homerun_webhook_certificate_expiry_timestamp_seconds{pod="a"}': `${90 * DAY}x10 stale` },
    fires: 13,
    quiet: {
      'homerun_webhook_certificate_expiry_timestamp_seconds{pod="a"}': `${90 * DAY}x10 stale`,
      'homerun_webhook_certificate_expiry_timestamp_seconds{pod="b"}': `${90 * DAY}x150`,
    },
  },
  HomerunWebhookCertificateExpires: {
    input: { 'homerun_webhook_certificate_expiry_timestamp_seconds{pod="a"}': EXPIRES },
    fires: 71,
    labels: { pod: 'a' },
    quiet: {
      'homerun_webhook_certificate_expiry_timestamp_seconds{pod="a"}': LASTS,
      'homerun_webhook_certificate_expiry_timestamp_seconds{pod="of-another-role"}': '0x150',
    },
  },
  HomerunCertificateExpires: {
    input: { 'homerun_gateway_certificate_expiry_timestamp_seconds{secret="infra/web",pod="a"}': EXPIRES },
    fires: 71,
    labels: { secret: 'infra/web' },
    quiet: { 'homerun_gateway_certificate_expiry_timestamp_seconds{secret="infra/web",pod="a"}': LASTS },
  },
  HomerunCertificateNotServed: {
    input: { 'homerun_gateway_certificate_faults{pod="a"}': ONCE_WRONG },
    fires: 26,
    quiet: { 'homerun_gateway_certificate_faults{pod="a"}': NEVER },
  },
  HomerunAdmissionFails: {
    input: { 'homerun_admission_reviews_total{path="validate",kind="Job",result="error",pod="a"}': MANY },
    fires: 16,
    labels: { path: 'validate', kind: 'Job' },
    quiet: { 'homerun_admission_reviews_total{path="validate",kind="Job",result="rejected",pod="a"}': MANY },
  },
  HomerunAdmissionSlow: {
    input: {
      'homerun_admission_duration_seconds_bucket{path="validate",le="0.5",pod="a"}': NEVER,
      'homerun_admission_duration_seconds_bucket{path="validate",le="1",pod="a"}': MANY,
      'homerun_admission_duration_seconds_bucket{path="validate",le="+Inf",pod="a"}': MANY,
    },
    fires: 21,
    quiet: {
      'homerun_admission_duration_seconds_bucket{path="validate",le="0.5",pod="a"}': MANY,
      'homerun_admission_duration_seconds_bucket{path="validate",le="1",pod="a"}': MANY,
      'homerun_admission_duration_seconds_bucket{path="validate",le="+Inf",pod="a"}': MANY,
    },
  },
  HomerunAutoscalerBlind: {
    input: { 'homerun_autoscaler_scrape_failures_total{pod="a"}': MANY },
    fires: 21,
    quiet: { 'homerun_autoscaler_scrape_failures_total{pod="a"}': FEW },
  },
  HomerunScalingFails: {
    input: { 'homerun_autoscaler_revision_failures_total{pod="a"}': ONCE_WRONG },
    fires: 11,
    labels: { pod: 'a' },
    quiet: { 'homerun_autoscaler_revision_failures_total{pod="a"}': NEVER },
  },
  HomerunNodesSilent: {
    input: {
      'homerun_gateway_instance_start_seconds_count{pod="a"}': '0+1x110',
      'homerun_gateway_node_addresses_total{outcome="used",pod="a"}': '0+1x10 10x100',
      'homerun_node_watching{pod="node"}': '1x10 stale',
    },
    fires: 54,
    quiet: {
      'homerun_gateway_instance_start_seconds_count{pod="a"}': '0+1x150',
      'homerun_gateway_node_addresses_total{outcome="used",pod="a"}': NEVER,
      'homerun_node_watching{pod="of-another-role"}': NEVER,
    },
  },
  HomerunGatewayThreadsDie: {
    input: { 'homerun_gateway_thread_deaths_total{reason="memory",pod="a"}': ONCE_WRONG },
    fires: 11,
    labels: { pod: 'a', reason: 'memory' },
    quiet: { 'homerun_gateway_thread_deaths_total{reason="memory",pod="a"}': NEVER },
  },
  HomerunGatewayFaults: {
    input: { 'homerun_gateway_faults_total{pod="a"}': ONCE_WRONG },
    fires: 11,
    labels: { pod: 'a' },
    quiet: { 'homerun_gateway_faults_total{pod="a"}': NEVER },
  },
  HomerunGatewayWakesFail: {
    input: { 'homerun_gateway_wake_failures_total{pod="a"}': MANY },
    fires: 16,
    quiet: { 'homerun_gateway_wake_failures_total{pod="a"}': '0x10 4x140' },
  },
  HomerunGatewayRefuses: {
    input: { 'homerun_gateway_refusals_total{reason="queue_full",pod="a"}': MANY },
    fires: 16,
    labels: { reason: 'queue_full' },
    quiet: {
      'homerun_gateway_refusals_total{reason="queue_full",pod="a"}': '0+50x150',
      'homerun_gateway_refusals_total{reason="no_route",pod="a"}': MANY,
    },
  },
  HomerunGatewayFull: {
    input: { 'homerun_gateway_unserved{what="revisions",pod="a"}': ONCE_WRONG },
    fires: 16,
    labels: { what: 'revisions' },
    quiet: { 'homerun_gateway_unserved{what="revisions",pod="a"}': NEVER },
  },
  HomerunIssuerWithoutKeys: {
    input: { 'homerun_gateway_issuer_keys{issuer="https://issuer",pod="a"}': '1x10 0x100' },
    fires: 16,
    labels: { issuer: 'https://issuer' },
    quiet: { 'homerun_gateway_issuer_keys{issuer="https://issuer",pod="a"}': '1x150' },
  },
  HomerunMetadataFails: {
    input: { 'homerun_metadata_requests_total{path="token",code="502",pod="a"}': MANY },
    fires: 21,
    quiet: {
      'homerun_metadata_requests_total{path="token",code="502",pod="a"}': FEW,
      'homerun_metadata_requests_total{path="token",code="404",pod="a"}': MANY,
    },
  },
  HomerunAdminApiFails: {
    input: { 'homerun_api_request_duration_seconds_count{method="GET",code="500",pod="a"}': MANY },
    fires: 16,
    quiet: {
      'homerun_api_request_duration_seconds_count{method="GET",code="500",pod="a"}': FEW,
      'homerun_api_request_duration_seconds_count{method="GET",code="404",pod="a"}': MANY,
    },
  },
  HomerunAdminApiCertificateExpires: {
    input: { 'homerun_api_certificate_expiry_timestamp_seconds{pod="a"}': EXPIRES },
    fires: 71,
    labels: { pod: 'a' },
    quiet: {
      'homerun_api_certificate_expiry_timestamp_seconds{pod="a"}': LASTS,
      'homerun_api_certificate_expiry_timestamp_seconds{pod="of-another-role"}': '0x150',
    },
  },
};
