import { deepEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROLE_FIELDS, type Role } from '../../operator/roles.ts';
import { CHART, helm, leaves, type Rendered, render } from './helm.ts';

const ROLES = Object.keys(ROLE_FIELDS) as Role[];
const DIGEST = `sha256:${'a'.repeat(64)}`;

/** Another value of each, and whose pods are made anew for it. */
const CHANGES: Record<string, { value: unknown; restarts: readonly Role[] }> = {};

function changes(restarts: readonly Role[], values: Record<string, unknown>): void {
  for (const [path, value] of Object.entries(values)) CHANGES[path] = { value, restarts };
}

changes(ROLES, {
  logLevel: 'debug',
  'image.repository': 'registry.example.com/homerun',
  'image.tag': '1',
  'image.digest': DIGEST,
  'image.pullPolicy': 'Always',
  imagePullSecrets: [{ name: 'regcred' }],
  'podSecurityContext.runAsUser': 1,
  'podSecurityContext.runAsGroup': 1,
  labels: { team: 'platform' },
});
changes(['controller', 'gateway', 'node', 'api'], { clusterDomain: 'example.local', namespaces: ['demo'] });
changes(['controller', 'gateway'], {
  'gateway.tracing.endpoint': 'http://otel-collector.monitoring:4318',
  'gateway.tracing.samplingRatio': 0.1,
  domain: 'run.example.com',
  urlTemplate: '{tag---}{service}-{namespace}.{domain}',
  'autoscaler.tickSeconds': 2,
  'autoscaler.idleCpuHoldSeconds': 2,
  'startup.limitSeconds': 300,
});
changes(['controller', 'metadata'], { 'metadata.linkLocal': true });
changes(['controller', 'metadata', 'api'], {
  serviceAccounts: { 'a@b': 'a' },
  'metadata.region': 'europe-west1',
});
changes(['controller', 'api'], {
  'registry.insecure': ['registry.local:5000'],
  'build.registry': 'registry.example.com/built',
});
changes(['controller'], {
  urlScheme: 'https',
  'autoscaler.windowSeconds': 30,
  'autoscaler.idleSeconds': 30,
  'autoscaler.concurrencyUtilization': 0.7,
  'autoscaler.cpuUtilization': 0.7,
  'autoscaler.maxScaleDefault': 10,
  'autoscaler.idleCpuResize': true,
  'instance.cpuRequestFraction': 0.2,
  'instance.memoryRequestFraction': 0.5,
  'instance.runtimeClasses.gen1': 'gvisor',
  'instance.runtimeClasses.gen2': 'kata',
  'instance.podSecurity': 'restricted',
  'instance.spreadOver': ['kubernetes.io/hostname'],
  'instance.maxRollOuts': 5,
  'instance.baseImageSeconds': 60,
  'instance.accelerators': { 'nvidia-l4': { gpu: 'l4' } },
  'jobs.maxParallelism': 10,
  'jobs.executionsHistoryLimit': 10,
  'jobs.retainPodsSeconds': 10,
  'jobs.startingDeadlineSeconds': 10,
  'startup.crashSeconds': 20,
  'registry.skip': [],
  'registry.timeoutSeconds': 20,
  'registry.ca.configMap': 'ca',
  'registry.ca.secret': 'ca',
  'traffic.rolloutDurationSeconds': 60,
  'revisionHistory.minNonActive': 1,
  'revisionHistory.maxNonActive': 2,
  'revisionHistory.retainSinceCreateSeconds': 1,
  'revisionHistory.retainSinceActiveSeconds': 1,
  'gateway.tls.issuer.name': 'letsencrypt',
  'gatewayApi.parentRefs': [{ name: 'edge', namespace: 'infra' }],
});
changes(['controller', 'webhook'], { 'instance.baseImages': { nodejs24: 'node:24' } });
changes(['webhook'], { strict: true });
changes(['gateway'], {
  'invoker.default': 'closed',
  'invoker.issuers': [{ issuer: 'https://people.example.com' }],
  'gateway.threads': 3,
  'gateway.drainSeconds': 60,
  'gateway.accessLog': true,
  'gateway.tls.secrets': ['web-tls'],
  'gateway.tls.namespace': 'certificates',
  'gateway.tls.redirect': false,
  // It is where clients without TLS are sent.
  'gateway.tls.port': 8443,
  'gateway.limits.connections': 100,
  'gateway.limits.http2Connections': 100,
  'gateway.limits.tlsConnections': 100,
  'gateway.limits.connectionsPerAddress': 100,
  'gateway.limits.queue': 100,
  'gateway.limits.queuePerAddress': 100,
  'gateway.limits.headerSeconds': 10,
  'gateway.limits.firstRequestSeconds': 10,
  'gateway.limits.lingerSeconds': 10,
  'gateway.limits.headerMebibytes': 10,
  'gateway.limits.requestMebibytes': 10,
  'gateway.limits.answerMebibytes': 10,
});
changes(['metadata', 'api'], {
  'metadata.projectId': 'p-{namespace}',
  'metadata.projectNumbers': { demo: '1' },
});
changes(['metadata'], {
  'metadata.workloadIdentity.audience': '//a',
  'metadata.workloadIdentity.tokenAudience': 'a',
  'metadata.workloadIdentity.tokenUrl': 'https://sts.example.com',
  'metadata.workloadIdentity.impersonationUrl': 'https://iam.example.com/{email}',
});
changes(['api'], {
  'api.host': 'run.example.com',
  'api.tlsSecret': 'run-tls',
  'api.plainHttp': true,
  'api.issuers': [{ issuer: 'https://people.example.com', audiences: ['cli'] }],
  // It is told to instances.
  'api.service.port': 8443,
  'api.storage.enabled': true,
  'api.storage.projectMiB': 10,
  'api.storage.existingClaim': 'sources',
  'api.storage.s3.endpoint': 'https://s3.example.com',
  'api.storage.s3.bucket': 'other',
  'api.storage.s3.secret': 'other',
  'api.storage.s3.region': 'eu-west-1',
  'api.storage.s3.timeoutSeconds': 5,
  'build.enabled': true,
  'build.pushSecret': 'push',
  'build.image': 'buildkit:1',
  'build.builder.image': 'builder:1',
  'build.builder.runAsUser': 1001,
  'build.builder.runAsGroup': 1001,
  'build.cache': false,
  'build.timeoutSeconds': 60,
  'build.queueSeconds': 60,
  'build.keepSeconds': 60,
  'build.resources': { limits: { memory: '8Gi' } },
  'build.disk': '10Gi',
});
changes(['node'], { 'node.cniResults': '/var/run/cni' });
changes([], {
  annotations: { note: 'x' },
  'webhook.timeoutSeconds': 5,
  'api.service.type': 'NodePort',
  'api.service.nodePort': 30443,
  'api.service.annotations': { note: 'x' },
  'api.storage.size': '1Gi',
  'api.storage.storageClassName': 'fast',
  'api.storage.accessModes': ['ReadWriteMany'],
  'gateway.service.type': 'NodePort',
  'gateway.service.port': 8080,
  'gateway.service.nodePort': 30080,
  'gateway.service.annotations': { note: 'x' },
  'gateway.service.loadBalancerClass': 'example.com/lb',
  'gateway.service.loadBalancerSourceRanges': ['10.0.0.0/8'],
  'gateway.service.externalTrafficPolicy': 'Local',
  'gateway.service.ipFamilyPolicy': 'SingleStack',
  'gateway.tls.nodePort': 30443,
  // Without a name they mean nothing.
  'gateway.tls.issuer.kind': 'Issuer',
  'gateway.tls.issuer.group': 'issuers.example.com',
  'metadata.clusterIP': '10.96.0.254',
  'metadata.apiServerAudiences': ['https://api.example.com'],
  // Without a source of authorities it means nothing.
  'registry.ca.key': 'tls.crt',
  'registry.pullSecretNamespaces': ['demo'],
  'networkPolicy.enabled': true,
  'networkPolicy.metricsFrom': [{ namespaceSelector: {} }],
  'monitoring.serviceMonitor.enabled': true,
  'monitoring.serviceMonitor.labels': { release: 'prometheus' },
  'monitoring.serviceMonitor.interval': '10s',
  'monitoring.rules.enabled': true,
  'monitoring.rules.labels': { release: 'prometheus' },
  'monitoring.dashboards.enabled': true,
  'monitoring.dashboards.labels': { grafana_dashboard: 'yes' },
});
for (const role of ROLES) {
  // One on every node anyway.
  if (role !== 'node') {
    changes([], { [`${role}.replicas`]: 3 });
    changes([role], { [`${role}.topologySpreadConstraints`]: [{ maxSkew: 2 }] });
  }
  changes([role], {
    [`${role}.resources`]: { limits: { memory: '2Gi' } },
    [`${role}.env`]: [{ name: 'NO_PROXY', value: '*' }],
    [`${role}.priorityClassName`]: 'system-cluster-critical',
    [`${role}.nodeSelector`]: { pool: 'system' },
    [`${role}.tolerations`]: [{ operator: 'Exists' }],
    [`${role}.affinity`]: { nodeAffinity: {} },
    [`${role}.podLabels`]: { tier: 'edge' },
    [`${role}.podAnnotations`]: { note: 'x' },
  });
}

const S3 = {
  'api.storage.enabled': true,
  'api.storage.s3.bucket': 'sources',
  'api.storage.s3.secret': 's3',
};
const WITH_S3 = { ...S3, 'api.storage.s3.endpoint': 'https://s3.local' };

/** What a value cannot be without. */
const NEEDS: Record<string, Record<string, unknown>> = {
  'api.storage.s3.endpoint': S3,
  'api.storage.s3.bucket': WITH_S3,
  'api.storage.s3.secret': WITH_S3,
  'api.storage.s3.region': WITH_S3,
  'api.storage.s3.timeoutSeconds': WITH_S3,
  'gateway.tls.issuer.name': { 'gateway.tls.namespace': 'certificates' },
  'api.storage.projectMiB': { 'api.storage.enabled': true },
  'api.storage.existingClaim': { 'api.storage.enabled': true },
};

/** The pods that a Deployment or DaemonSet makes, as text; by role, with the one that is not there by default. */
function templatesOf(values: { api?: object }): Map<Role, string> {
  const all = { ...values, api: { ...values.api, enabled: true } };
  const deployments = render(all, { templates: ROLES }).filter(({ kind }) =>
    ['Deployment', 'DaemonSet'].includes(kind),
  );
  const found = deployments as (Rendered & { spec: { template: unknown } })[];
  return new Map(
    ROLES.map((role) => {
      const deployment = found.find(({ metadata }) => metadata.name === `homerun-${role}`);
      return [role, JSON.stringify(deployment?.spec.template)];
    }),
  );
}

/** `{a: {b: value}}` for the path `a.b`, all of them in one. */
function valuesOf(given: Record<string, unknown>): object {
  const values: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(given)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    const section = keys.reduce((at, key) => {
      at[key] ??= {};
      return at[key] as Record<string, unknown>;
    }, values);
    section[last] = value;
  }
  return values;
}

describe('a value of the chart restarts the roles that read it, and no other', () => {
  let usual: Map<Role, string>;
  before(function () {
    this.timeout(600_000);
    helm(['version']);
    usual = templatesOf({});
  });

  it('for each value that there is', () => {
    const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
    // These take a role away, and with it what would be compared.
    const known = [...Object.keys(CHANGES), 'api.enabled', 'metadata.enabled', 'node.enabled'].sort();
    deepEqual(leaves(values), known);
  });

  for (const [path, { value, restarts }] of Object.entries(CHANGES)) {
    it(`${path}: ${restarts.join(', ') || 'none'}`, () => {
      const needs = NEEDS[path];
      const before = needs ? templatesOf(valuesOf(needs)) : usual;
      const changed = templatesOf(valuesOf({ ...needs, [path]: value }));
      deepEqual(
        ROLES.filter((role) => changed.get(role) !== before.get(role)),
        ROLES.filter((role) => restarts.includes(role)),
      );
    });
  }
});
