import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict';
import { KINDS } from '../../operator/apis/kinds.ts';
import { RUN as LABELS } from '../../operator/apis/labels.ts';
import { parseConfig } from '../../operator/config.ts';
import { AFFINITY_SECRET } from '../../operator/gateway/control/affinityKey.ts';
import { ROLE_FIELDS, type Role } from '../../operator/roles.ts';
import { ALERTS } from '../../operator/telemetry/alerts.ts';
import { DASHBOARDS } from '../../operator/telemetry/dashboards/index.ts';
import { assertGolden } from '../../operator/testing/golden.ts';
import { lookUpReferenced } from '../../operator/webhook/admission/referencedObjects.ts';
import { CHART, helm, type Rendered, refusal, render } from './helm.ts';
import { FULL } from './valueSets.ts';

type Json = Record<string, unknown>;
const ROLES = Object.keys(ROLE_FIELDS) as Role[];

/** What makes the pods of a role, where it is no Deployment. */
const WORKLOADS: Partial<Record<Role, string>> = { node: 'DaemonSet' };

function find(objects: Rendered[], kind: string, name: string): Rendered {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  ok(found, `${kind} ${name} is rendered`);
  return found;
}

function configOf(objects: Rendered[], role: Role): Json {
  const { data } = find(objects, 'ConfigMap', `homerun-${role}`) as unknown as {
    data: Record<string, string>;
  };
  return JSON.parse(data['config.json'] ?? '');
}

/** What people see of an installation; definitions, rules, configuration and `helm test` have tests of their own. */
function visible(objects: Rendered[]): unknown[] {
  const kinds = [
    'Deployment',
    'DaemonSet',
    'Service',
    'PodDisruptionBudget',
    'NetworkPolicy',
    'MutatingWebhookConfiguration',
    'ValidatingWebhookConfiguration',
  ];
  const isShown = ({ kind, metadata }: Rendered) =>
    kinds.includes(kind) && !metadata.annotations?.['helm.sh/hook'];
  const text = JSON.stringify(objects.filter(isShown));
  return JSON.parse(text.replaceAll(/("checksum\/config":)"\w+"/g, '$1"CHECKSUM"'));
}

describe('chart', () => {
  // The first call may have to build Helm.
  before(function () {
    this.timeout(600_000);
    helm(['version']);
  });

  it('passes the linter', () => {
    helm(['lint', '--strict', '--kube-version', '1.34.0', CHART]);
  });

  it('makes the default installation', () => {
    assertGolden(new URL('./golden/default.golden.yaml', import.meta.url), ...visible(render()));
  });

  it('makes a production installation', () => {
    assertGolden(new URL('./golden/full.golden.yaml', import.meta.url), ...visible(render(FULL)));
  });

  it('is watched by the Prometheus Operator where that is asked for', () => {
    const watched = (objects: Rendered[]) =>
      objects.filter(
        ({ kind, metadata }) =>
          /^(ServiceMonitor|PrometheusRule)$/.test(kind) || metadata.name === 'homerun-metrics',
      );
    deepEqual(watched(render()), []);
    const labels = { release: 'prometheus' };
    const monitoring = {
      serviceMonitor: { enabled: true, labels, interval: '15s' },
      rules: { enabled: true, labels },
    };
    const objects = watched(render({ monitoring }));
    deepEqual(
      objects.map(({ kind, metadata }) => [kind, metadata.name, metadata.labels?.release]),
      [
        ['Service', 'homerun-metrics', undefined],
        ['PrometheusRule', 'homerun', 'prometheus'],
        ['ServiceMonitor', 'homerun', 'prometheus'],
      ],
    );
    const [service, rule, monitor] = objects as [Rendered, Rendered, Rendered];
    const { groups } = rule.spec as { groups: { rules: { alert: string; expr: string }[] }[] };
    deepEqual(
      groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr])),
      ALERTS.map(({ name, expr }) => [name, expr]),
    );
    const { selector } = monitor.spec as { selector: { matchLabels: Record<string, string> } };
    for (const [name, value] of Object.entries(selector.matchLabels))
      equal(service.metadata.labels?.[name], value);
  });

  it("brings its dashboards to Grafana's sidecar where that is asked for", () => {
    const found = (objects: Rendered[]) =>
      objects.filter(({ metadata }) => metadata.name.endsWith('-dashboard'));
    deepEqual(found(render()), []);
    const maps = found(
      render({ monitoring: { dashboards: { enabled: true, labels: { team: 'platform' } } } }),
    );
    const uids = maps.map(({ metadata: { labels = {} }, data }) => {
      deepEqual([labels.grafana_dashboard, labels.team], ['1', 'platform']);
      const [[file, text] = ['', '']] = Object.entries(data as Record<string, string>);
      const { uid } = JSON.parse(text) as { uid: string };
      equal(file, `${uid}.json`);
      return uid;
    });
    deepEqual(uids.toSorted(), DASHBOARDS.map(({ uid }) => uid).toSorted());
  });

  it('keeps the definitions on uninstall and upgrades them as ordinary templates', () => {
    const definitions = render({}, { chart: CHART, templates: ['crds'] });
    deepEqual(
      definitions.map(({ metadata }) => [metadata.name, metadata.annotations?.['helm.sh/resource-policy']]),
      KINDS.map(({ plural, group }) => ({ file: `${group}_${plural}`, name: `${plural}.${group}` }))
        .sort((a, b) => (a.file < b.file ? -1 : 1))
        .map(({ name }) => [name, 'keep']),
    );
  });

  it('leaves the user of its pods to the cluster, where that chooses', () => {
    const podSecurityContext = { runAsUser: null, runAsGroup: null };
    for (const { kind, spec } of render({ podSecurityContext }) as (Rendered & { spec: Json })[]) {
      if (kind !== 'Deployment') continue;
      const { template } = spec as { template: { spec: { securityContext: Json } } };
      deepEqual(template.spec.securityContext, {
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
    }
  });

  it('lets the gateway read certificates where the values say so, and no other Secret', () => {
    const secretRules = (tls: object) =>
      (render({ gateway: { tls } }) as (Rendered & { rules?: Json[] })[])
        .filter(({ kind, metadata }) => /Role$/.test(kind) && metadata.name.startsWith('homerun-gateway'))
        .flatMap(({ kind, rules = [] }) => rules.map((rule) => ({ kind, ...rule }) as Json))
        .filter(
          ({ resources, resourceNames }) =>
            String(resources) === 'secrets' && String(resourceNames) !== AFFINITY_SECRET,
        );
    deepEqual(secretRules({}), []);
    const rule = { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] };
    deepEqual(secretRules({ secrets: ['a', 'b'] }), [{ kind: 'Role', ...rule, resourceNames: ['a', 'b'] }]);
    const objects = render({ gateway: { tls: { namespace: 'certificates' } } });
    deepEqual(secretRules({ namespace: 'certificates' }), [{ kind: 'ClusterRole', ...rule }]);
    const bindings = objects.filter(
      ({ kind, metadata }) => /Binding$/.test(kind) && metadata.name === 'homerun-gateway-certificates',
    );
    deepEqual(
      bindings.map(({ kind, metadata }) => [kind, metadata.namespace]),
      [['RoleBinding', 'certificates']],
    );
  });

  it('lets the gateway resize instances where idle ones are lowered, and nowhere else', () => {
    const grantsOf = (idleCpuResize: boolean, namespaces: string[] = []) =>
      render({ autoscaler: { idleCpuResize }, namespaces }, { templates: ['rbac'] })
        .filter(({ metadata }) => metadata.name === 'homerun-gateway-resize')
        .map(({ kind, metadata }) => [kind, metadata.namespace]);
    deepEqual(grantsOf(false), []);
    deepEqual(grantsOf(true), [
      ['ClusterRole', undefined],
      ['ClusterRoleBinding', undefined],
    ]);
    deepEqual(grantsOf(true, ['demo']), [
      ['ClusterRole', undefined],
      ['RoleBinding', 'demo'],
    ]);
  });

  it('lets the controller write Certificates in their namespace where an issuer is named, and nowhere else', () => {
    const grantsOf = (tls: object) =>
      render({ gateway: { tls } }, { templates: ['rbac'] }).filter(
        (object) => /^homerun-controller/.test(object.metadata.name) && /cert/.test(JSON.stringify(object)),
      ) as (Rendered & { rules?: Json[] })[];
    deepEqual(grantsOf({ namespace: 'certificates' }), []);
    const grants = grantsOf({ namespace: 'certificates', issuer: { name: 'letsencrypt' } });
    deepEqual(
      grants.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace]),
      [
        ['ClusterRole', 'homerun-controller-certificates', undefined],
        ['RoleBinding', 'homerun-controller-certificates', 'certificates'],
      ],
    );
    const rule = { apiGroups: ['cert-manager.io'] };
    deepEqual(grants[0]?.rules, [
      { ...rule, resources: ['certificaterequests'], verbs: ['get', 'list', 'watch'] },
      { ...rule, resources: ['certificates'], verbs: ['create', 'delete', 'get', 'list', 'patch', 'watch'] },
    ]);
  });

  it('tells the gateway who may call services, also with values of an earlier chart', () => {
    const invokerOf = (values: object) =>
      parseConfig(configOf(render(values, { templates: ['config'] }), 'gateway')).invoker;
    deepEqual(invokerOf({}), { default: 'open', issuers: [] });
    deepEqual(invokerOf({ invoker: null }), { default: 'open', issuers: [] });
    const issuers = [{ issuer: 'https://people.example.com', audiences: ['cli'] }];
    deepEqual(invokerOf({ invoker: { default: 'closed', issuers } }), { default: 'closed', issuers });
  });

  it('tells the Admin API whose tokens count, also with values of an earlier chart', () => {
    const issuersOf = (api: object) =>
      parseConfig(configOf(render({ api: { enabled: true, ...api } }, { templates: ['config'] }), 'api')).api
        .issuers;
    deepEqual(issuersOf({ issuers: null }), []);
    const issuers = [{ issuer: 'https://people.example.com', audiences: ['cli'], groupsClaim: 'roles' }];
    deepEqual(issuersOf({ issuers }), issuers);
  });

  it('tells the controller what issues certificates, and where', () => {
    const certificatesOf = (tls: object) => {
      const objects = render({ gateway: { tls } }, { templates: ['config'] });
      return parseConfig(configOf(objects, 'controller')).gateway.certificates;
    };
    const clusterIssuer = { name: 'letsencrypt', kind: 'ClusterIssuer', group: 'cert-manager.io' };
    const cases: [tls: object, namespace: string, issuer: object][] = [
      [{ namespace: 'certificates' }, '', { ...clusterIssuer, name: '' }],
      [{ namespace: 'certificates', issuer: { name: 'letsencrypt' } }, 'certificates', clusterIssuer],
      [
        { namespace: 'c', issuer: { name: 'a', kind: 'StepIssuer', group: 'certmanager.step.sm' } },
        'c',
        { name: 'a', kind: 'StepIssuer', group: 'certmanager.step.sm' },
      ],
    ];
    for (const [tls, namespace, issuer] of cases) deepEqual(certificatesOf(tls), { namespace, issuer });
  });

  const publicPorts: [given: object, port: number][] = [
    [{}, 443],
    [{ tls: { port: 8443 } }, 8443],
    [{ tls: { nodePort: 30443 } }, 443],
    [{ service: { type: 'NodePort' }, tls: { nodePort: 30443 } }, 30443],
  ];
  for (const [gateway, port] of publicPorts) {
    it(`redirects to port ${port} with ${JSON.stringify(gateway)}`, () => {
      const { gateway: config } = configOf(render({ gateway }), 'gateway') as {
        gateway: { tls: { publicPort: number } };
      };
      equal(config.tls.publicPort, port);
    });
  }

  it('leaves the metadata server out', () => {
    const objects = render({ metadata: { enabled: false }, networkPolicy: { enabled: true } });
    deepEqual(
      objects.filter(({ metadata }) => metadata.name === 'homerun-metadata'),
      [],
    );
    const { metadata } = configOf(objects, 'controller') as { metadata: { enabled: boolean } };
    equal(metadata.enabled, false);
  });

  it('has the Admin API where that is asked for, which acts as the people who ask', () => {
    const isOfApi = ({ metadata }: Rendered) => metadata.name.startsWith('homerun-api');
    deepEqual(render({ networkPolicy: { enabled: true } }).filter(isOfApi), []);
    const rulesOf = (api: object) =>
      render({ api: { enabled: true, ...api } }, { templates: ['rbac'] })
        .filter((object) => isOfApi(object) && 'rules' in object)
        .map(({ kind, rules }) => [kind, rules]);
    const own = { apiGroups: [''], resources: ['secrets'] };
    const made = [
      { ...own, resources: ['configmaps', 'secrets'], verbs: ['create'] },
      { ...own, verbs: ['get', 'list', 'update', 'watch'], resourceNames: ['homerun-api-cert'] },
      { ...own, resources: ['configmaps'], verbs: ['patch'], resourceNames: ['homerun-api-contact'] },
    ];
    const anywhere = [
      { apiGroups: [''], resources: ['groups', 'serviceaccounts', 'users'], verbs: ['impersonate'] },
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
      { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    ];
    const run = { apiGroups: ['run.googleapis.com'] };
    const runsJobs = [
      { ...run, resources: ['executions'], verbs: ['create'] },
      { ...run, resources: ['jobs'], verbs: ['get'] },
      { ...run, resources: ['workerpools'], verbs: ['list'] },
      { apiGroups: ['serving.knative.dev'], resources: ['revisions', 'services'], verbs: ['list'] },
    ];
    deepEqual(rulesOf({}), [
      ['ClusterRole', runsJobs],
      ['ClusterRole', anywhere],
      ['Role', made],
    ]);
    const given = { ...own, verbs: ['get', 'list', 'watch'], resourceNames: ['run-tls'] };
    deepEqual(rulesOf({ tlsSecret: 'run-tls' }).at(-1), ['Role', [...made, given]]);
  });

  it('keeps sources on a volume where that is asked for, which one pod after the other may write to', () => {
    const specOf = (objects: Rendered[]) => find(objects, 'Deployment', 'homerun-api').spec as Json;
    const plain = render({ api: { enabled: true } });
    equal(
      plain.some(
        ({ kind, metadata }) => kind === 'PersistentVolumeClaim' || metadata.name === 'homerun-api-contact',
      ),
      false,
    );
    deepEqual((configOf(plain, 'api').api as Json).storage, {});
    const kept = render({ api: { enabled: true, storage: { enabled: true, size: '5Gi', projectMiB: 100 } } });
    deepEqual((configOf(kept, 'api').api as { storage: Json }).storage, {
      folder: '/var/lib/homerun/sources',
      projectMiB: 100,
    });
    deepEqual((specOf(kept).strategy as Json).type, 'Recreate');
    const claim = find(kept, 'PersistentVolumeClaim', 'homerun-api-sources') as unknown as { spec: Json };
    deepEqual(claim.spec, { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } } });
    const own = render({
      api: {
        enabled: true,
        storage: { enabled: true, existingClaim: 'mine', accessModes: ['ReadWriteMany'] },
      },
    });
    equal(
      own.some(({ kind }) => kind === 'PersistentVolumeClaim'),
      false,
    );
    match(JSON.stringify(specOf(own)), /"persistentVolumeClaim":\{"claimName":"mine"\}/);
    equal((specOf(own).strategy as Json).type, 'RollingUpdate');
  });

  it('keeps sources in a store that speaks S3 where its address is given, with the keys of a Secret and no volume', () => {
    const s3 = { endpoint: 'https://s3.example.com', bucket: 'sources', secret: 's3-keys' };
    const kept = render({ api: { enabled: true, storage: { enabled: true, s3 } } });
    deepEqual((configOf(kept, 'api').api as { storage: Json }).storage, {
      projectMiB: 2048,
      s3: { endpoint: s3.endpoint, bucket: s3.bucket, region: 'us-east-1', timeoutSeconds: 30 },
    });
    const { strategy, template } = find(kept, 'Deployment', 'homerun-api').spec as Record<string, Json>;
    equal(strategy?.type, 'RollingUpdate');
    match(JSON.stringify(template), /"mountPath":"\/etc\/homerun-s3"/);
    match(JSON.stringify(template), /"secret":\{"secretName":"s3-keys"\}/);
    doesNotMatch(JSON.stringify(template), /persistentVolumeClaim/);
    equal(
      kept.some(({ kind }) => kind === 'PersistentVolumeClaim'),
      false,
    );
    // Instances ask in the same way where the Admin API is.
    for (const kind of ['Role', 'RoleBinding']) find(kept, kind, 'homerun-api-contact');
    for (const name of ['bucket', 'secret']) {
      const lacking = { ...s3, [name]: '' };
      const said = refusal(() => render({ api: { enabled: true, storage: { enabled: true, s3: lacking } } }));
      match(said, new RegExp(`api\\.storage\\.s3\\.${name} is empty`));
    }
  });

  it('tells the controller which image unpacks sources, and its user where the chart has one', () => {
    const of = (values: object) => configOf(render(values), 'controller').source;
    const image = { repository: 'registry.example.com/homerun', tag: '7', pullPolicy: 'Always' };
    const source = {
      image: 'registry.example.com/homerun:7',
      imagePullPolicy: 'Always',
      namespace: 'homerun-system',
    };
    deepEqual(of({ image }), { ...source, runAsUser: 65532 });
    deepEqual(of({ image, podSecurityContext: { runAsUser: null, runAsGroup: null } }), source);
  });

  it('leaves the node role out', () => {
    const objects = render({ node: { enabled: false }, networkPolicy: { enabled: true } });
    const isOfNodes = ({ metadata }: Rendered) => /^homerun-(node|gateway-pods)$/.test(metadata.name);
    deepEqual(objects.filter(isOfNodes), []);
    ok(!JSON.stringify(objects).includes('"node"'), 'no policy names it');
  });

  it('runs the node role as root that can only read one folder, and that has no token', () => {
    const objects = render({ node: { cniResults: '/var/run/cni', nodeSelector: { pool: 'a' } } });
    const { spec } = find(objects, 'DaemonSet', 'homerun-node') as unknown as {
      spec: { template: { spec: Json & { containers: [Json & { volumeMounts: Json[] }]; volumes: Json[] } } };
    };
    const { containers, volumes, nodeSelector, automountServiceAccountToken } = spec.template.spec;
    deepEqual(nodeSelector, { 'kubernetes.io/os': 'linux', pool: 'a' });
    equal(automountServiceAccountToken, false);
    const [{ securityContext, volumeMounts }] = containers;
    deepEqual(securityContext, {
      runAsNonRoot: false,
      runAsUser: 0,
      runAsGroup: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    deepEqual(volumes[1], {
      name: 'cni-results',
      hostPath: { path: '/var/run/cni', type: 'DirectoryOrCreate' },
    });
    deepEqual(volumeMounts[1], {
      name: 'cni-results',
      mountPath: '/var/run/cni',
      readOnly: true,
    });
    deepEqual(
      objects.filter(({ kind, metadata }) => /Role/.test(kind) && metadata.name.startsWith('homerun-node')),
      [],
      'it may do nothing in the cluster',
    );
  });

  it('names the gateways to the nodes as the cluster does', () => {
    const config = configOf(render({ clusterDomain: 'example.local' }, { templates: ['config'] }), 'node');
    deepEqual(config.node, {
      cniResults: '/var/lib/cni/results',
      gateways: 'homerun-gateway-pods.homerun-system.svc.example.local.',
    });
  });

  it('makes the metadata server a load balancer of its own class for 169.254.169.254', () => {
    const objects = render({ metadata: { linkLocal: true, clusterIP: '10.96.0.254' } });
    const { spec } = find(objects, 'Service', 'homerun-metadata') as unknown as { spec: Json };
    const { selector: _, ports: __, ...kind } = spec;
    deepEqual(kind, {
      clusterIP: '10.96.0.254',
      type: 'LoadBalancer',
      loadBalancerClass: 'homerun.dev/metadata',
      // Any other would hide from the server who asks.
      externalTrafficPolicy: 'Local',
      allocateLoadBalancerNodePorts: false,
    });
    const { rules } = find(objects, 'Role', 'homerun-metadata-namespace') as unknown as { rules: Json[] };
    deepEqual(rules, [
      {
        apiGroups: [''],
        resources: ['services/status'],
        resourceNames: ['homerun-metadata'],
        verbs: ['patch'],
      },
    ]);
  });

  it('lets whoever has the port answer reviews, so that the controllers of an older version do until they go', () => {
    const objects = render();
    const { spec } = find(objects, 'Service', 'homerun-webhook') as unknown as { spec: Json };
    // What a controller's pod of that version is labelled with, and a gateway's of this one.
    const selected = { 'app.kubernetes.io/name': 'homerun', 'app.kubernetes.io/instance': 'homerun' };
    deepEqual(spec.selector, selected);
    deepEqual(spec.ports, [{ name: 'webhook', port: 443, targetPort: 'webhook' }]);
    const withPort = (objects as (Rendered & { spec: Json })[]).filter(
      ({ kind, spec }) =>
        kind === 'Deployment' && JSON.stringify(spec).includes('{"name":"webhook","containerPort"'),
    );
    deepEqual(
      withPort.map(({ metadata }) => metadata.name),
      ['homerun-webhook'],
    );
  });

  it('has API servers ask about all kinds that refer to other objects, and about no others, before anything else', async () => {
    const objects = render();
    const nothing = { get: async () => undefined, list: async () => ({ items: [], resourceVersion: '1' }) };
    const metadata = { name: 'a', labels: { [LABELS.job]: 'a' } };
    const object = { metadata, spec: { instanceSplits: [{ revisionName: 'a-1' }] } };
    const referring: string[] = [];
    for (const { group, version, kind, plural } of KINDS) {
      const review = { uid: 'u', kind: { group, version, kind }, operation: 'CREATE', object };
      if (await lookUpReferenced(review, nothing)) referring.push(`${group}/${version} ${plural}`);
    }
    const { webhooks } = find(objects, 'MutatingWebhookConfiguration', 'homerun-lookup') as unknown as {
      webhooks: { rules: { apiGroups: string[]; apiVersions: string[]; resources: string[] }[] }[];
    };
    const asked = webhooks.flatMap(({ rules }) =>
      rules.flatMap(({ apiGroups, apiVersions, resources }) =>
        resources.map((resource) => `${apiGroups}/${apiVersions} ${resource}`),
      ),
    );
    deepEqual(asked.sort(), referring.sort());
    const names = objects
      .filter(({ kind }) => kind === 'MutatingWebhookConfiguration')
      .map(({ metadata }) => metadata.name);
    equal(names.sort()[0], 'homerun-lookup', 'API servers go by the names');
  });

  it('refuses a Kubernetes without the sleep action', () => {
    match(
      refusal(() => render({}, { kubeVersion: '1.29.9' })),
      /chart requires kubeVersion: >=1\.30\.0-0 which is incompatible with Kubernetes v1\.29\.9/,
    );
  });

  describe('configuration', () => {
    for (const role of ROLES) {
      it(`of the ${role} is what it reads, with the operator's own defaults`, () => {
        const config = configOf(render({ api: { enabled: true } }, { templates: ['config'] }), role);
        // The image is that of the chart.
        const { source } = config;
        deepEqual(parseConfig(config), parseConfig(source ? { source } : {}));
        const given = (path: string) =>
          path.split('.').reduce<unknown>((at, key) => (at as Json)[key], config);
        for (const path of ROLE_FIELDS[role]) ok(given(path) !== undefined, path);
        const sections = new Set(ROLE_FIELDS[role].map((path) => path.split('.')[0]));
        deepEqual(Object.keys(config).sort(), [...sections].sort());
      });
    }

    it('takes every value over', () => {
      const objects = render(FULL);
      const { domain, urlScheme, registry } = parseConfig(configOf(objects, 'controller'));
      deepEqual([domain, urlScheme], ['run.example.com', 'https']);
      deepEqual([registry.insecure, registry.caFile], [['registry.local:5000'], '/etc/homerun-ca/ca.crt']);
      const { gateway } = parseConfig(configOf(objects, 'gateway'));
      deepEqual([gateway.threads, gateway.drainSeconds, gateway.accessLog], [2, 30.5, true]);
      deepEqual(gateway.tracing, { endpoint: 'http://otel-collector.monitoring:4318', samplingRatio: 0.1 });
      equal(parseConfig(configOf(objects, 'webhook')).strict, true);
    });

    it("mounts the authorities' Secret when that is named", () => {
      const objects = render({ registry: { ca: { secret: 'registry-ca', key: 'tls.crt' } } });
      const text = JSON.stringify(find(objects, 'Deployment', 'homerun-controller'));
      match(
        text,
        /"secret":\{"secretName":"registry-ca","items":\[\{"key":"tls\.crt","path":"ca\.crt"\}\]\}/,
      );
    });
  });

  describe('values', () => {
    const refused: Record<string, { reason: string; values: object; want: RegExp }> = {
      'log level': {
        reason: 'a choice names what it may be',
        values: { logLevel: 'loud' },
        want: /logLevel'?: value must be one of 'trace', 'debug', 'info', 'warn', 'error'/,
      },
      'service type': {
        reason: 'a choice of the chart itself',
        values: { gateway: { service: { type: 'Public' } } },
        want: /service\/type'?: value must be one of 'LoadBalancer', 'NodePort', 'ClusterIP'/,
      },
      port: {
        reason: 'a number has a range',
        values: { gateway: { service: { port: 70_000 } } },
        want: /service\/port'?: maximum: got 70,?000, want 65,?535/,
      },
      seconds: {
        reason: 'the range of the configuration itself',
        values: { autoscaler: { idleSeconds: 0 } },
        want: /autoscaler\/idleSeconds'?: minimum: got 0, want 1/,
      },
      type: {
        reason: 'a text is no number',
        values: { controller: { replicas: 'two' } },
        want: /controller\/replicas'?: got string, want integer/,
      },
      misspelt: {
        reason: 'a value that nothing reads would silently change nothing',
        values: { domian: 'run.example.com' },
        want: /additional properties 'domian' not allowed/,
      },
      'misspelt below': {
        reason: 'and so in every section',
        values: { autoscaler: { idleSecond: 5 } },
        want: /autoscaler'?: additional properties 'idleSecond' not allowed/,
      },
      'issuer without a namespace': {
        reason: 'its certificates would be where the gateways cannot read them',
        values: { gateway: { tls: { issuer: { name: 'letsencrypt' } } } },
        want: /gateway\.tls\.namespace is empty; with gateway\.tls\.issuer\.name \("letsencrypt"\) it must be/,
      },
      'one port for HTTP and HTTPS': {
        reason: 'a Service has each port once',
        values: { gateway: { service: { port: 443 }, tls: { secrets: ['web'] } } },
        want: /gateway\.tls\.port is 443; it must be another one than gateway\.service\.port$/m,
      },
      'one port of the nodes for HTTP and HTTPS': {
        reason: 'a node port leads to one port',
        values: {
          gateway: {
            service: { type: 'NodePort', nodePort: 30080 },
            tls: { secrets: ['web'], nodePort: 30080 },
          },
        },
        want: /gateway\.tls\.nodePort is 30080; it must be another one than gateway\.service\.nodePort$/m,
      },
      'kind of issuer': {
        reason: 'a kind has a capital letter',
        values: { gateway: { tls: { issuer: { kind: 'clusterissuer' } } } },
        want: /tls\/issuer\/kind'?: .*does not match pattern/,
      },
      'issuer of people without an audience': {
        reason: 'tokens for other programs would count',
        values: { api: { issuers: [{ issuer: 'https://people.example.com' }] } },
        want: /api\/issuers\/0'?: missing property 'audiences'/,
      },
      'issuer over plain HTTP': {
        reason: 'anyone on the path could answer with keys of their own',
        values: { invoker: { issuers: [{ issuer: 'http://dex.auth.svc' }] } },
        want: /invoker\/issuers\/0\/issuer'?: .*does not match pattern/,
      },
      digest: {
        reason: 'a digest that is cut would only fail in the kubelet',
        values: { image: { digest: 'sha256:abc' } },
        want: /image\/digest'?: .*does not match pattern/,
      },
      'list of registries': {
        reason: 'one registry is still a list',
        values: { registry: { skip: 'kind.local' } },
        want: /registry\/skip'?: got string, want array/,
      },
    };
    for (const [name, { reason, values, want }] of Object.entries(refused)) {
      it(`refuses: ${name}`, () => {
        match(
          refusal(() => render(values)),
          want,
          reason,
        );
      });
    }

    it('may be names that look like numbers, as a project number does, which is the name of a namespace then', () => {
      const name = '123456789012';
      const sets = {
        secrets: {
          namespaces: [name],
          gateway: { priorityClassName: name, tls: { namespace: name, secrets: [name], issuer: { name } } },
          registry: { ca: { secret: name }, pullSecretNamespaces: [name] },
          api: {
            enabled: true,
            tlsSecret: name,
            storage: {
              enabled: true,
              s3: { endpoint: 'https://s3.example.com', bucket: name, secret: name },
            },
          },
          gatewayApi: { parentRefs: [{ name, namespace: name }] },
          networkPolicy: { enabled: true },
          monitoring: { serviceMonitor: { enabled: true } },
        },
        others: {
          gateway: { service: { loadBalancerClass: name } },
          registry: { ca: { configMap: name } },
          api: { enabled: true, storage: { enabled: true, storageClassName: name } },
        },
        claim: { api: { enabled: true, storage: { enabled: true, existingClaim: name } } },
      };
      for (const [set, values] of Object.entries(sets)) {
        const text = JSON.stringify(render(values, { release: name, namespace: name }));
        // A number in JSON, and no text that contains it.
        deepEqual(text.match(/"[\w./-]+":123456789012\b|[[,]123456789012\b/g), null, set);
      }
    });

    it('never leave a pod without restrictions', () => {
      const objects = render({ api: { enabled: true } });
      for (const role of ROLES) {
        const text = JSON.stringify(find(objects, WORKLOADS[role] ?? 'Deployment', `homerun-${role}`));
        for (const part of ['"runAsNonRoot":true', '"readOnlyRootFilesystem":true', '"drop":["ALL"]'])
          ok(text.includes(part), `${role}: ${part}`);
        ok(!/"limits":\{[^}]*"cpu"/.test(text), `${role} has no CPU limit`);
      }
    });
  });
});
