/** A production installation: everything that has a template of its own. */
export const FULL = {
  domain: 'run.example.com',
  urlScheme: 'https',
  strict: true,
  image: { repository: 'registry.example.com/homerun', digest: `sha256:${'a'.repeat(64)}` },
  imagePullSecrets: [{ name: 'regcred' }],
  labels: { team: 'platform' },
  annotations: { 'example.com/owner': 'platform' },
  controller: {
    replicas: 2,
    env: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example.com:3128' }],
    nodeSelector: { pool: 'system' },
  },
  gateway: {
    replicas: 3,
    service: {
      type: 'LoadBalancer',
      port: 8080,
      nodePort: 30080,
      annotations: { 'example.com/lb': 'internal' },
      loadBalancerClass: 'example.com/lb',
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      externalTrafficPolicy: 'Local',
      ipFamilyPolicy: 'PreferDualStack',
    },
    tls: { secrets: ['web-tls'], namespace: 'certificates', nodePort: 30443 },
    threads: 2,
    drainSeconds: 30.5,
    accessLog: true,
    tracing: { endpoint: 'http://otel-collector.monitoring:4318', samplingRatio: 0.1 },
    priorityClassName: 'system-cluster-critical',
    tolerations: [{ key: 'edge', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    podLabels: { tier: 'edge' },
    podAnnotations: { 'example.com/note': 'x' },
  },
  api: {
    enabled: true,
    replicas: 2,
    host: 'run.example.com',
    tlsSecret: 'run-tls',
    service: { type: 'LoadBalancer', annotations: { 'example.com/lb': 'internal' } },
    storage: { enabled: true, accessModes: ['ReadWriteMany'] },
  },
  registry: { insecure: ['registry.local:5000'], ca: { configMap: 'registry-ca' } },
  networkPolicy: { enabled: true, metricsFrom: [{ namespaceSelector: {} }] },
};

const labels = { release: 'prometheus' };

/** What {@link FULL} cannot have besides, because it chose something else, and what needs other programs in the cluster. */
const OTHERWISE = {
  namespaces: ['team-a', 'team-b'],
  podSecurityContext: { runAsUser: null, runAsGroup: null },
  serviceAccounts: { 'robot@p.iam.gserviceaccount.com': 'robot' },
  controller: {
    replicas: 0,
    topologySpreadConstraints: [{ maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
  },
  webhook: { replicas: 1, timeoutSeconds: 5, podAnnotations: { 'example.com/note': 'x' } },
  gateway: {
    service: { type: 'NodePort', nodePort: 30080 },
    tls: { namespace: 'certificates', issuer: { name: 'letsencrypt' }, nodePort: 30443 },
  },
  gatewayApi: { parentRefs: [{ name: 'edge', namespace: 'infra', sectionName: 'https' }] },
  invoker: { default: 'closed', issuers: [{ issuer: 'https://people.example.com' }] },
  metadata: { replicas: 2, linkLocal: true, clusterIP: '10.96.0.254' },
  api: { enabled: true, plainHttp: true, service: { type: 'NodePort', nodePort: 30444 } },
  registry: { pullSecretNamespaces: ['team-a'], ca: { secret: 'registry-ca', key: 'tls.crt' } },
  monitoring: { serviceMonitor: { enabled: true, labels }, rules: { enabled: true, labels } },
};

/** Least of all: what can be left out is. */
const LEAST = {
  node: { enabled: false },
  metadata: { enabled: false },
  registry: { pullSecretNamespaces: [] },
  gateway: { service: { type: 'ClusterIP' } },
};

/** Installations that together have everything that the chart can make, in each of its forms. */
export const VALUE_SETS: Record<string, object> = {
  default: {},
  production: FULL,
  other: OTHERWISE,
  smallest: LEAST,
};
