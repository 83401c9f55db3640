import { stringify } from 'yaml';
import { KINDS } from '../apis/kinds.ts';
import { ConfigSchema } from '../config/schema.ts';
import { ROLE_FIELDS } from '../roles.ts';
import { dashboardFiles } from './dashboards.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';
import { iamFile } from './iam.ts';
import { rulesFile } from './monitoring.ts';
import { rbacFiles } from './rbac.ts';

type Schema = Record<string, unknown>;

const text: Schema = { type: 'string' };
const texts: Schema = { type: 'array', items: text };
/** They become part of an expression. */
const audiences: Schema = { type: 'array', items: { type: 'string', pattern: `^[^'\\\\"]+$` } };
const textMap: Schema = { type: 'object', additionalProperties: text };
const port: Schema = { type: 'integer', minimum: 1, maximum: 65535 };
const nodePort: Schema = { type: ['integer', 'null'], minimum: 1, maximum: 65535 };
const anyObject: Schema = { type: 'object' };
const objects: Schema = { type: 'array', items: anyObject };
const quantities: Schema = { type: 'object', additionalProperties: { type: ['string', 'number'] } };
const userId: Schema = { type: ['integer', 'null'], minimum: 1, maximum: 2_147_483_647 };
/** As Prometheus writes it. */
const DURATION: Schema = { type: 'string', pattern: '^([0-9]+(ms|[smhdwy]))+$' };
const replicas: Schema = { type: 'integer', minimum: 0, maximum: 1000 };

/** What the pods of every role can be given. */
const POD: Record<string, Schema> = {
  replicas,
  resources: closed({ requests: quantities, limits: quantities }),
  env: {
    type: 'array',
    items: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 } } },
  },
  priorityClassName: text,
  nodeSelector: textMap,
  tolerations: objects,
  affinity: anyObject,
  topologySpreadConstraints: objects,
  podLabels: textMap,
  podAnnotations: textMap,
};

/** One on every node: neither their number nor their spreading is asked for. */
const { replicas: _replicas, topologySpreadConstraints: _spread, ...NODE_POD } = POD;

const GATEWAY_SERVICE = closed({
  type: { enum: ['LoadBalancer', 'NodePort', 'ClusterIP'] },
  port,
  nodePort,
  annotations: textMap,
  loadBalancerClass: text,
  loadBalancerSourceRanges: texts,
  externalTrafficPolicy: { enum: ['Cluster', 'Local'] },
  ipFamilyPolicy: { enum: ['', 'SingleStack', 'PreferDualStack', 'RequireDualStack'] },
});

const API_SERVICE = closed({
  type: { enum: ['ClusterIP', 'NodePort', 'LoadBalancer'] },
  port,
  nodePort,
  annotations: textMap,
});

/** A PersistentVolumeClaim, or the name of one that is there. */
const CLAIM: Record<string, Schema> = {
  existingClaim: text,
  size: { type: 'string', pattern: '^[0-9]+(Mi|Gi|Ti)$' },
  storageClassName: text,
  accessModes: { type: 'array', minItems: 1, items: { enum: ['ReadWriteOnce', 'ReadWriteMany'] } },
};

/** Fields of the configuration that the chart decides by itself. */
const DECIDED = ['adminPort', 'source'];

/** The schema of the chart's values: the configuration's own (operator/config/schema.ts), and what only Kubernetes needs. */
export function valuesSchema(): Schema {
  const config = plain(ConfigSchema).properties as Record<string, Schema>;
  const { api, gateway, gatewayApi, metadata, node, registry, webhook: _webhook, ...rest } = config;
  const shared = Object.fromEntries(Object.entries(rest).filter(([name]) => !DECIDED.includes(name)));
  const { threads, drainSeconds, accessLog, tracing, limits, tls, certificates } = propertiesOf(gateway);
  const { issuer } = propertiesOf(certificates);
  const { parentRefs } = propertiesOf(gatewayApi);
  const { publicPort: _publicPort, ...tlsFields } = propertiesOf(tls);
  const { service: _service, port: _port, ...metadataFields } = propertiesOf(metadata);
  const {
    service: _apiService,
    port: _apiPort,
    servicePort: _apiServicePort,
    storage,
    ...apiFields
  } = propertiesOf(api);
  const { folder: _folder, s3, ...storageFields } = propertiesOf(storage);
  const { keys: _keys, ...s3Fields } = propertiesOf(s3);
  const { cniResults } = propertiesOf(node);
  const { caFile: _, ...registryFields } = propertiesOf(registry);
  return {
    $comment: generatedFrom('operator/config/schema.ts and operator/generate/chart.ts'),
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: "Values of Homerun's chart",
    ...closed({
      ...shared,
      image: closed({
        repository: { type: 'string', minLength: 1 },
        tag: text,
        digest: { type: 'string', pattern: '^(sha256:[a-f0-9]{64})?$' },
        pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
      }),
      imagePullSecrets: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name'],
          properties: { name: text },
          additionalProperties: false,
        },
      },
      podSecurityContext: closed({ runAsUser: userId, runAsGroup: userId }),
      labels: textMap,
      annotations: textMap,
      controller: closed(POD),
      gateway: closed({
        ...POD,
        service: GATEWAY_SERVICE,
        tls: closed({ ...tlsFields, issuer, port, nodePort }),
        threads,
        drainSeconds,
        accessLog,
        tracing,
        limits,
      }),
      api: closed({
        ...POD,
        ...apiFields,
        enabled: { type: 'boolean' },
        service: API_SERVICE,
        storage: closed({
          ...storageFields,
          enabled: { type: 'boolean' },
          ...CLAIM,
          s3: closed({ ...s3Fields, secret: text }),
        }),
      }),
      gatewayApi: closed({ parentRefs }),
      metadata: closed({ ...POD, ...metadataFields, clusterIP: text, apiServerAudiences: audiences }),
      node: closed({ ...NODE_POD, enabled: { type: 'boolean' }, cniResults }),
      webhook: closed({ ...POD, timeoutSeconds: { type: 'integer', minimum: 1, maximum: 30 } }),
      registry: closed({
        ...registryFields,
        pullSecretNamespaces: texts,
        ca: closed({ configMap: text, secret: text, key: text }),
      }),
      monitoring: closed({
        serviceMonitor: closed({ enabled: { type: 'boolean' }, labels: textMap, interval: DURATION }),
        rules: closed({ enabled: { type: 'boolean' }, labels: textMap }),
        dashboards: closed({ enabled: { type: 'boolean' }, labels: textMap }),
      }),
      networkPolicy: closed({ enabled: { type: 'boolean' }, metricsFrom: objects }),
      // What Helm itself puts into values.
      global: anyObject,
    }),
  };
}

/** Our kinds by group: what the webhook is asked about, and what people may do with roles of Kubernetes. */
function kindsFile(): GeneratedFile {
  const groups = Map.groupBy(KINDS, ({ type }) => type.apiVersion);
  const entries = [...groups.values()].map((kinds) => ({
    group: kinds[0]?.group,
    version: kinds[0]?.version,
    resources: kinds.map(({ plural }) => plural),
    subresources: kinds.flatMap(({ plural, scale }) => (scale ? [`${plural}/scale`] : [])),
  }));
  const text = `# ${generatedFrom('operator/apis/kinds.ts')}\n${stringify(entries)}`;
  return { path: 'charts/homerun/files/kinds.yaml', text };
}

/** The chart's generated files beside the CRDs, to which a link leads: each role's rules and fields of the configuration, the alerts, the dashboards, the schema of the values. */
export function chartFiles(): GeneratedFile[] {
  const fields = Object.entries(ROLE_FIELDS).map(([role, paths]) => ({
    path: `charts/homerun/files/config/${role}.yaml`,
    text: `# ${generatedFrom('operator/roles.ts')}\n${stringify(paths)}`,
  }));
  const schema = `${JSON.stringify(valuesSchema(), null, 2)}\n`;
  return [
    kindsFile(),
    ...rbacFiles(),
    iamFile(),
    ...fields,
    rulesFile(),
    ...dashboardFiles(),
    { path: 'charts/homerun/values.schema.json', text: schema },
  ];
}

function closed(properties: Record<string, Schema | undefined>): Schema {
  return { type: 'object', properties, additionalProperties: false };
}

function propertiesOf(schema: Schema | undefined): Record<string, Schema> {
  return (schema?.properties ?? {}) as Record<string, Schema>;
}

/**
 * TypeBox's schema as JSON Schema that Helm's messages are readable with: nothing is required, except in the items of
 * lists, which have no defaults.
 */
function plain(schema: unknown): Schema {
  const {
    required: _,
    default: __,
    properties,
    items,
    ...kept
  } = JSON.parse(JSON.stringify(schema)) as Schema;
  return {
    ...kept,
    ...(kept.type === 'object' && { additionalProperties: false }),
    ...(items !== undefined && { items: { ...plain(items), ...requiredOf(items as Schema) } }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties as object).map(([name, value]) => [name, plain(value)]),
      ),
    }),
  };
}

function requiredOf({ required }: Schema): Schema {
  return required === undefined ? {} : { required };
}
