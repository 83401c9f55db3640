/** A rule of Prometheus, and what it says to whoever is on call. */
export interface Alert {
  name: string;
  /** PromQL; true while something is wrong. */
  expr: string;
  /** How long it must be so. */
  for: string;
  /** `critical` is for now, `warning` for working hours. */
  severity: 'critical' | 'warning';
  /** What is wrong, with Prometheus' own `{{ $labels.x }}`. */
  summary: string;
  /** What it means for the people whose programs run here. */
  means: string;
  /** What to look at and what to do. */
  act: string;
}

/**
 * What should page someone: each alert is about Homerun itself, or about what it refuses for want of capacity; that a
 * person's program fails is reported on that person's objects. Every series is declared in the folder `metrics`.
 */
export const ALERTS: readonly Alert[] = [
  {
    name: 'HomerunNoLeader',
    expr: '(sum(homerun_leader{name=~".*/homerun-controller"}) or vector(0)) < 1',
    for: '5m',
    severity: 'critical',
    summary: 'No controller holds the lease',
    means:
      'Nothing is reconciled and no number of instances changes but from zero to one. What runs goes on serving.',
    act: 'kubectl get pods -n homerun-system -l app.kubernetes.io/component=controller; the log says what it waits for.',
  },
  {
    name: 'HomerunLeaseLost',
    expr: 'sum by (name) (increase(homerun_lease_losses_total[1h])) > 2',
    for: '0m',
    severity: 'warning',
    summary: 'Controllers lose the lease {{ $labels.name }} again and again',
    means: 'Between two leaders nothing is reconciled for up to 15 s.',
    act: 'Look at homerun_kube_request_duration_seconds and homerun_event_loop_lag_seconds: a leader gives up after 10 s without an answer.',
  },
  {
    name: 'HomerunRestartsOften',
    expr: 'changes(process_start_time_seconds[30m]) > 2 and on (pod) homerun_build_info',
    for: '0m',
    severity: 'warning',
    summary: '{{ $labels.pod }} was started anew {{ $value }} times in half an hour',
    means:
      'Its role is there in part: requests inside a gateway that was killed are lost, other roles do their work late.',
    act: 'kubectl describe pod says how the container ended: OOMKilled asks for more memory, other codes are explained by kubectl logs --previous.',
  },
  {
    name: 'HomerunReconcilesFail',
    expr: 'sum by (controller) (rate(homerun_reconciles_total{result=~"error|terminal"}[10m])) > 0.1',
    for: '15m',
    severity: 'warning',
    summary: 'Reconciles of {{ $labels.controller }} go on failing',
    means: 'Some objects are not brought to what they ask for.',
    act: 'The log of the controller has the key and the error of each: grep "reconcile failed".',
  },
  {
    name: 'HomerunQueueGrows',
    expr: 'max by (name) (homerun_workqueue_depth) > 100',
    for: '15m',
    severity: 'warning',
    summary: '{{ $value }} keys wait in the queue {{ $labels.name }}',
    means: 'Changes take effect late.',
    act: 'Look at homerun_workqueue_work_duration_seconds and homerun_kube_request_duration_seconds: a slow API server is the usual cause.',
  },
  {
    name: 'HomerunApiServerUnreachable',
    expr: 'sum by (pod) (rate(homerun_kube_requests_total{code="0"}[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: '{{ $labels.pod }} gets no answer from the API server',
    means: 'Caches are out of date: new instances may get no requests.',
    act: 'Look at the API server and at the network policies between it and Homerun.',
  },
  {
    name: 'HomerunApiServerFails',
    expr: 'sum by (pod) (rate(homerun_kube_requests_total{code=~"5.."}[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: 'The API server answers {{ $labels.pod }} with errors',
    means: 'Changes take effect late or not at all.',
    act: 'The log of the pod has the answers: etcd, an overloaded API server, or an admission webhook that it does not reach, of Homerun or of others.',
  },
  {
    name: 'HomerunListsFail',
    expr: 'sum by (kind) (increase(homerun_reflector_lists_total{result="error"}[15m])) > 5',
    for: '5m',
    severity: 'warning',
    summary: 'Objects of kind {{ $labels.kind }} cannot be listed',
    means: 'The cache of the kind is empty or out of date.',
    act: 'The log has the answer of the API server; a forbidden one means that ClusterRoles were changed by hand.',
  },
  {
    name: 'HomerunEventLoopLate',
    expr: 'max by (pod) (homerun_event_loop_lag_seconds) > 2 or max by (pod) (homerun_gateway_event_loop_lag_seconds) > 1',
    for: '10m',
    severity: 'warning',
    summary: 'The event loop of {{ $labels.pod }} is late by {{ $value }} s',
    means:
      'Everything that the process does waits for so long; at 10 s a leader gives up, and the next one starts.',
    act: 'Give the role more CPU (its CPU limit must be unset), or look in its log for what takes so long.',
  },
  {
    name: 'HomerunHeapNearLimit',
    expr: 'homerun_heap_bytes{what="used"} / on (pod) homerun_heap_bytes{what="limit"} > 0.9',
    for: '10m',
    severity: 'warning',
    summary: 'The heap of {{ $labels.pod }} is nearly full',
    means:
      'Garbage collection takes more and more of the CPU; at the limit the process ends and is started again.',
    act: 'Raise resources.limits.memory of the role in the chart: the heap grows with it.',
  },
  {
    name: 'HomerunUnhandledRejections',
    expr: 'sum by (pod) (increase(homerun_unhandled_rejections_total[1h])) > 0',
    for: '0m',
    severity: 'warning',
    summary: '{{ $labels.pod }} had an unhandled error',
    means: 'A defect of Homerun; what was lost by it is done again with the next change.',
    act: 'Report it with the stack from the log: grep "this is a defect".',
  },
  {
    name: 'HomerunNoWebhook',
    expr: '(count(homerun_webhook_certificate_expiry_timestamp_seconds > 0) or vector(0)) < 1',
    for: '2m',
    severity: 'critical',
    summary: 'No admission webhook serves',
    means: 'Nothing of Homerun can be created or changed. What runs goes on serving.',
    act: 'kubectl get pods -n homerun-system -l app.kubernetes.io/component=webhook; homerun doctor says whether API servers reach them.',
  },
  {
    name: 'HomerunWebhookCertificateExpires',
    expr: 'homerun_webhook_certificate_expiry_timestamp_seconds > 0 and homerun_webhook_certificate_expiry_timestamp_seconds - time() < 14 * 86400',
    for: '1h',
    severity: 'critical',
    summary: 'The certificate of the admission webhook has not been renewed',
    means: 'When it has expired, nothing of Homerun can be created or changed.',
    act: 'It is renewed a month before; the log says why not. Deleting the Secret homerun-webhook-cert makes a new one.',
  },
  {
    name: 'HomerunCertificateExpires',
    expr: 'min by (secret) (homerun_gateway_certificate_expiry_timestamp_seconds) - time() < 14 * 86400',
    for: '1h',
    severity: 'critical',
    summary: 'The certificate in the Secret {{ $labels.secret }} has not been renewed',
    means: 'When it has expired, clients refuse to connect to its hosts.',
    act: 'What writes the Secret renews it: with cert-manager, kubectl describe certificate says why not. A new one is served at once.',
  },
  {
    name: 'HomerunCertificateNotServed',
    expr: 'max(homerun_gateway_certificate_faults) > 0',
    for: '15m',
    severity: 'warning',
    summary: 'A Secret with a certificate cannot be used as it is',
    means: 'HTTPS fails at its hosts, or they have the certificate of another Secret.',
    act: 'The log of the gateways has one line for each Secret that says what is wrong: grep "Secret".',
  },
  {
    name: 'HomerunAdmissionFails',
    expr: 'sum by (path, kind) (rate(homerun_admission_reviews_total{result="error"}[5m])) > 0',
    for: '5m',
    severity: 'warning',
    summary: 'Admission reviews of {{ $labels.kind }} end by an error',
    means: 'People cannot apply some objects.',
    act: 'A defect of Homerun: report it with the stack from the log of the webhook.',
  },
  {
    name: 'HomerunAdmissionSlow',
    expr: 'histogram_quantile(0.99, sum by (le) (rate(homerun_admission_duration_seconds_bucket[5m]))) > 0.5',
    for: '10m',
    severity: 'warning',
    summary: 'One admission review in a hundred takes longer than half a second',
    means: 'kubectl apply becomes slow, and fails after webhook.timeoutSeconds.',
    act: 'Give the role more CPU or replicas.',
  },
  {
    name: 'HomerunAutoscalerBlind',
    expr: 'sum(rate(homerun_autoscaler_scrape_failures_total[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: 'The autoscaler does not reach every gateway',
    means: 'Numbers of instances grow as they should and are lowered late.',
    act: 'Look at the gateways, and at network policies for their port 9090.',
  },
  {
    name: 'HomerunNodesSilent',
    expr: '(sum(increase(homerun_gateway_instance_start_seconds_count[30m])) > 5) and (sum(increase(homerun_gateway_node_addresses_total[30m])) == 0) and (max(max_over_time(homerun_node_watching[1d])) == 1)',
    for: '15m',
    severity: 'warning',
    summary: 'Instances start, and no node tells the gateways their addresses',
    means: 'Starts from zero take a second longer.',
    act: 'kubectl get daemonset -n homerun-system homerun-node; look at homerun_node_messages_total, and at network policies for port 9090 of the gateways.',
  },
  {
    name: 'HomerunGatewayThreadsDie',
    expr: 'sum by (pod, reason) (increase(homerun_gateway_thread_deaths_total[15m])) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'A thread of {{ $labels.pod }} ended: {{ $labels.reason }}',
    means: 'Its open requests were lost; another thread has taken its place.',
    act: 'The log has the stack. If the reason is memory, raise gateway.resources.limits.memory.',
  },
  {
    name: 'HomerunGatewayFaults',
    expr: 'sum by (pod) (increase(homerun_gateway_faults_total[15m])) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'Requests ended by an error of the gateway itself',
    means: 'Some requests were answered with 500 although their program was well.',
    act: 'A defect of Homerun: report it with the stack from the log of the gateway.',
  },
  {
    name: 'HomerunGatewayWakesFail',
    expr: 'sum(increase(homerun_gateway_wake_failures_total[10m])) > 5',
    for: '5m',
    severity: 'critical',
    summary: 'Services cannot be woken from zero',
    means: 'Requests for services without instances end with 429.',
    act: 'The log of the gateway has the answer of the API server: a quota, a policy or a ClusterRole.',
  },
  {
    name: 'HomerunGatewayRefuses',
    expr: 'sum by (reason) (rate(homerun_gateway_refusals_total{reason=~"queue_total|queue_full|memory"}[5m])) > 1',
    for: '5m',
    severity: 'critical',
    summary: 'The gateway refuses requests: {{ $labels.reason }}',
    means: 'Clients get 429 or 503 because too many requests wait or memory is used up.',
    act: 'Look for the service whose homerun_gateway_queue_depth grows; raise its maxScale, gateway.limits or the memory of the gateway.',
  },
  {
    name: 'HomerunGatewayFull',
    expr: 'max by (what) (homerun_gateway_unserved) > 0',
    for: '5m',
    severity: 'critical',
    summary: 'There are more {{ $labels.what }} than a gateway can hold',
    means: 'Requests for the newest revisions get 503, the newest instances get none.',
    act: 'Take tags off old revisions, or move services to another cluster.',
  },
  {
    name: 'HomerunIssuerWithoutKeys',
    expr: 'min by (issuer) (homerun_gateway_issuer_keys) < 1',
    for: '5m',
    severity: 'critical',
    summary: 'A gateway has no keys of the issuer {{ $labels.issuer }}',
    means: 'Calls with its identity tokens get 503 from services that are not open to everyone.',
    act: 'The log of the gateway says why the keys cannot be fetched; look at invoker.issuers, the proxy in gateway.env and the network policies.',
  },
  {
    name: 'HomerunMetadataFails',
    expr: 'sum(rate(homerun_metadata_requests_total{code=~"5.."}[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: 'The metadata server answers with errors',
    means: 'Programs get no tokens.',
    act: 'The log of the metadata role says which exchange fails, and with what answer.',
  },
  {
    name: 'HomerunAdminApiFails',
    expr: 'sum(rate(homerun_api_request_duration_seconds_count{code=~"5.."}[5m])) > 0.1',
    for: '5m',
    severity: 'warning',
    summary: 'The Admin API answers with errors',
    means: 'Commands of gcloud and of client libraries fail; what runs goes on serving.',
    act: 'The log of the api role has the error of each request; an API server that does not answer it is the usual cause.',
  },
  {
    name: 'HomerunAdminApiCertificateExpires',
    expr: 'homerun_api_certificate_expiry_timestamp_seconds > 0 and homerun_api_certificate_expiry_timestamp_seconds - time() < 14 * 86400',
    for: '1h',
    severity: 'critical',
    summary: 'The certificate of the Admin API has not been renewed',
    means: 'When it has expired, clients refuse to connect.',
    act: 'Whoever writes the Secret in api.tlsSecret renews it. Without one the api role does, a month before; its log says why not.',
  },
];
