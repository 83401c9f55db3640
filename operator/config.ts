import { readFileSync } from 'node:fs';
import * as Type from 'typebox';
import { MAX_ROLLOUT_MS } from './apis/annotations/values.ts';
import { schemaErrors } from './apis/schemaValidation.ts';

const port = (value: number) => Type.Integer({ minimum: 1, maximum: 65535, default: value });
const seconds = (value: number, minimum: number, maximum: number) =>
  Type.Number({ minimum, maximum, default: value });
const oneOf = <const T extends readonly string[]>(values: T, value: T[number]) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], default: value });

/** What the chart's values say, as the processes read it: a JSON file that the chart renders. */
export const ConfigSchema = Type.Object(
  {
    logLevel: oneOf(['trace', 'debug', 'info', 'warn', 'error'], 'info'),
    /** Services answer at `{service}.{namespace}.{domain}`. */
    domain: Type.String({ minLength: 1, maxLength: 150, default: 'localhost' }),
    urlTemplate: Type.String({ minLength: 1, default: '{tag---}{service}.{namespace}.{domain}' }),
    urlScheme: oneOf(['http', 'https'], 'http'),
    clusterDomain: Type.String({ minLength: 1, default: 'cluster.local' }),
    /** E-mail address of a service account -> name of the Kubernetes ServiceAccount that it stands for. */
    serviceAccounts: Type.Record(Type.String(), Type.String({ minLength: 1 }), { default: {} }),
    /** Whose services, jobs and worker pools count; empty is all namespaces. */
    namespaces: Type.Array(
      Type.String({ minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' }),
      {
        default: [],
      },
    ),
    /** Whether admission refuses what Knative Serving allows and Cloud Run does not; it warns otherwise. */
    strict: Type.Boolean({ default: false }),
    adminPort: port(9090),
    webhook: Type.Object(
      {
        /** Name of the core Service before the webhook pods, in the operator's namespace. */
        service: Type.String({ minLength: 1, default: 'homerun-webhook' }),
        port: port(8443),
      },
      { default: {} },
    ),
    gateway: Type.Object(
      {
        port: port(8080),
        /** Name of the core Service through which the cluster itself reaches the gateway pods. */
        internalService: Type.String({ minLength: 1, default: 'homerun-gateway-internal' }),
        internalPort: port(8081),
        /** Where the gateways forward requests to each other. */
        gatewayPort: port(8082),
        /** Most threads that serve requests; 0 is one for each processor but one, at least two and at most four. */
        threads: Type.Integer({ minimum: 0, maximum: 64, default: 0 }),
        /** How long requests in flight may go on after SIGTERM. */
        drainSeconds: seconds(600, 0, 3600),
        /** Whether the gateway writes a line for each request to its standard output. */
        accessLog: Type.Boolean({ default: false }),
        tlsPort: port(8443),
        /** HTTPS is served where there are Secrets with certificates. */
        tls: Type.Object(
          {
            /** Their names, in the operator's namespace. */
            secrets: Type.Array(
              Type.String({ minLength: 1, maxLength: 253, pattern: '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$' }),
              { default: [] },
            ),
            /** A namespace for certificates alone: all its Secrets of the type kubernetes.io/tls; empty is none. */
            namespace: Type.String({
              maxLength: 63,
              pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$',
              default: '',
            }),
            /** Whether requests without TLS are redirected where their host has a certificate. */
            redirect: Type.Boolean({ default: true }),
            /** The port where clients reach it. */
            publicPort: port(443),
          },
          { default: {} },
        ),
        /** Certificates that cert-manager is asked for, one for each domain mapping. */
        certificates: Type.Object(
          {
            /** Where they are, and the Secrets that the gateways read; the `namespace` of `tls`. */
            namespace: Type.String({
              maxLength: 63,
              pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$',
              default: '',
            }),
            /** What issues them; none are asked for without a name. */
            issuer: Type.Object(
              {
                name: Type.String({
                  maxLength: 253,
                  pattern: '^([a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$',
                  default: '',
                }),
                /** ClusterIssuer, Issuer, or a kind of another group. */
                kind: Type.String({
                  maxLength: 63,
                  pattern: '^[A-Z][A-Za-z0-9]*$',
                  default: 'ClusterIssuer',
                }),
                group: Type.String({
                  minLength: 1,
                  maxLength: 253,
                  pattern: '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$',
                  default: 'cert-manager.io',
                }),
              },
              { default: {} },
            ),
          },
          { default: {} },
        ),
        /** What clients may take of one gateway pod, so that none starves the others. */
        limits: Type.Object(
          {
            /** Open connections; when there are more, the one that has been idle longest is closed. */
            connections: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 10_000 }),
            /** Those of HTTP/2 among them, each of which may have many requests. */
            http2Connections: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 2_000 }),
            /** Those with TLS among them, each of which takes some 50 kB more. */
            tlsConnections: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 4_000 }),
            connectionsPerAddress: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 5_000 }),
            /** Requests that wait for instances, of all revisions. */
            queue: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 20_000 }),
            queuePerAddress: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 5_000 }),
            /** From a connection's accept, or the first byte of a later request, to the end of the header section. */
            headerSeconds: seconds(30, 0.05, 3600),
            /** How long an HTTP/2 connection may stay on which nothing has ever been asked. */
            firstRequestSeconds: seconds(60, 0.05, 3600),
            /** How long the rest of a body is read after the answer. */
            lingerSeconds: seconds(5, 0.05, 3600),
            /** Memory for header sections that are not complete. */
            headerMebibytes: Type.Number({ minimum: 0.01, maximum: 1024, default: 48 }),
            /** Memory for requests that wait, with what has come of their bodies. */
            requestMebibytes: Type.Number({ minimum: 0.01, maximum: 1024, default: 96 }),
            /** Memory for answers that clients are slow to take. */
            answerMebibytes: Type.Number({ minimum: 0.01, maximum: 1024, default: 96 }),
          },
          { default: {} },
        ),
      },
      { default: {} },
    ),
    autoscaler: Type.Object(
      {
        tickSeconds: seconds(1, 0.1, 60),
        /** Window over which load is averaged. */
        windowSeconds: seconds(60, 1, 3600),
        /** How long an instance may stay without a request (container contract, Idle: 15 minutes at most). */
        idleSeconds: seconds(900, 1, 86_400),
        concurrencyUtilization: Type.Number({ minimum: 0.1, maximum: 1, default: 0.6 }),
        cpuUtilization: Type.Number({ minimum: 0.1, maximum: 1, default: 0.6 }),
        maxScaleDefault: Type.Integer({ minimum: 1, maximum: 10_000, default: 100 }),
      },
      { default: {} },
    ),
    instance: Type.Object(
      {
        /** Share of a container's CPU limit that is requested from the scheduler where the YAML says nothing. */
        cpuRequestFraction: Type.Number({ minimum: 0.01, maximum: 1, default: 0.1 }),
        memoryRequestFraction: Type.Number({ minimum: 0.01, maximum: 1, default: 0.25 }),
        /** RuntimeClass of each execution environment; empty is the cluster's default runtime. */
        runtimeClasses: Type.Object(
          { gen1: Type.String({ default: '' }), gen2: Type.String({ default: '' }) },
          { default: {}, additionalProperties: false },
        ),
        /** The Pod Security Standard that containers keep where they do not say otherwise. */
        podSecurity: oneOf(['baseline', 'restricted'], 'baseline'),
        /** Node labels over whose values the instances of a revision are spread where possible. */
        spreadOver: Type.Array(Type.String({ minLength: 1, maxLength: 317 }), { default: [] }),
        /** Kind of GPU, such as nvidia-l4 -> labels of the nodes that have it. */
        accelerators: Type.Record(Type.String(), Type.Record(Type.String(), Type.String()), { default: {} }),
        /** Revisions whose running instances are replaced at a time when their pods are to change; 0 leaves them. */
        maxRollOuts: Type.Integer({ minimum: 0, maximum: 10_000, default: 0 }),
      },
      { default: {} },
    ),
    jobs: Type.Object(
      {
        /** Most tasks of one execution at once, also where its job names no parallelism. */
        maxParallelism: Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 }),
        /** Executions of a job that are kept when they are over, the newest ones, where the job names no number. */
        executionsHistoryLimit: Type.Integer({ minimum: 0, maximum: 10_000, default: 100 }),
        /** How long the pods of an execution stay after its end: their logs go with them. */
        retainPodsSeconds: seconds(3600, 0, 2_592_000),
        /** How late a scheduled execution may still be started, after the controller was down for example. */
        startingDeadlineSeconds: seconds(600, 1, 86_400),
      },
      { default: {} },
    ),
    startup: Type.Object(
      {
        /** An instance must listen within this time (container contract, Startup: 4 minutes); so long passing trouble is waited out. */
        limitSeconds: seconds(240, 1, 3600),
        /** A new revision whose image certainly is not there, or whose container has exited twice or more, is given up after this time. */
        crashSeconds: seconds(10, 1, 3600),
      },
      { default: {} },
    ),
    registry: Type.Object(
      {
        /** Registries (HOST[:PORT]) that are asked over plain HTTP. */
        insecure: Type.Array(Type.String(), { default: [] }),
        /** Registries whose tags are left as they are. */
        skip: Type.Array(Type.String(), { default: ['kind.local', 'ko.local', 'dev.local'] }),
        /** PEM file with the authorities to trust besides the system's. */
        caFile: Type.Optional(Type.String()),
        timeoutSeconds: seconds(10, 1, 300),
      },
      { default: {} },
    ),
    metadata: Type.Object(
      {
        /** Whether instances get the address of the metadata server. */
        enabled: Type.Boolean({ default: true }),
        /** Name of the core Service before the metadata server, in the operator's namespace. */
        service: Type.String({ minLength: 1, default: 'homerun-metadata' }),
        port: port(8080),
        /** What instance/region and instance/zone say. */
        region: Type.String({
          pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$',
          maxLength: 40,
          default: 'local-cluster1',
        }),
        /** The Google project that a namespace stands for. */
        projectId: Type.String({ minLength: 1, default: '{namespace}' }),
        /** Namespace -> project number, where it is not to follow from the namespace's UID. */
        projectNumbers: Type.Record(Type.String(), Type.String({ pattern: '^[0-9]+$' }), { default: {} }),
        /** Whether 169.254.169.254 is the metadata server too, through the nodes' service proxy. */
        linkLocal: Type.Boolean({ default: false }),
        /** Access tokens by exchange of the pod's own token (RFC 8693); none without an audience. */
        workloadIdentity: Type.Object(
          {
            /** Such as `//iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/P/providers/X`. */
            audience: Type.String({ default: '' }),
            /** Audience of the token that is given in exchange; `https:` and the audience when empty. */
            tokenAudience: Type.String({ default: '' }),
            tokenUrl: Type.String({ pattern: '^https?://', default: 'https://sts.googleapis.com/v1/token' }),
            /** Where to get the token of a service account, with `{email}`; none when empty. */
            impersonationUrl: Type.String({ pattern: '^(https?://.*)?$', default: '' }),
          },
          { default: {} },
        ),
      },
      { default: {} },
    ),
    node: Type.Object(
      {
        /** Where container runtimes keep the results of network plugins. */
        cniResults: Type.String({ pattern: '^/', default: '/var/lib/cni/results' }),
        /** Name that resolves to the addresses of all gateway pods. */
        gateways: Type.String({
          minLength: 1,
          default: 'homerun-gateway-pods.homerun-system.svc.cluster.local.',
        }),
      },
      { default: {} },
    ),
    traffic: Type.Object(
      {
        /** Time over which traffic moves to a new latest revision where no annotation says otherwise; 0 is at once. */
        rolloutDurationSeconds: Type.Integer({ minimum: 0, maximum: MAX_ROLLOUT_MS / 1000, default: 0 }),
      },
      { default: {} },
    ),
    revisionHistory: Type.Object(
      {
        minNonActive: Type.Integer({ minimum: 0, default: 20 }),
        maxNonActive: Type.Integer({ minimum: 0, default: 1000 }),
        retainSinceCreateSeconds: seconds(172_800, 0, Number.MAX_SAFE_INTEGER),
        retainSinceActiveSeconds: seconds(54_000, 0, Number.MAX_SAFE_INTEGER),
      },
      { default: {} },
    ),
  },
  { additionalProperties: false },
);

export type Config = Type.Static<typeof ConfigSchema>;

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What {@link withDefaults} reads of a schema. */
interface DefaultedSchema {
  default?: unknown;
  properties?: Record<string, DefaultedSchema>;
}

/** What a process knows of itself, from the downward API. */
export interface Identity {
  namespace: string;
  podName: string;
  /** Unset outside a pod. */
  podIP?: string;
}

export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID';
}

/**
 * The configuration with its defaults filled in.
 * @throws {ConfigError} naming the field, its value and what is allowed.
 */
export function parseConfig(input: unknown): Config {
  const filled = withDefaults(ConfigSchema as DefaultedSchema, input ?? {});
  const [error] = schemaErrors(ConfigSchema, filled, 'configuration');
  if (error) throw new ConfigError(`${error.path}: ${error.message}`);
  const unknown = Object.keys(filled as Config).find((name) => !(name in ConfigSchema.properties));
  if (unknown) throw new ConfigError(`configuration.${unknown}: there is no such field`);
  return filled as Config;
}

/**
 * The value with the schema's defaults where it says nothing. (`typebox/value` would do it too, and the check; loaded, it
 * is 4 MB in each process.)
 */
function withDefaults(schema: DefaultedSchema, value: unknown): unknown {
  const given = value === undefined ? structuredClone(schema.default) : value;
  if (!schema.properties || !isMap(given)) return given;
  const filled: Record<string, unknown> = { ...given };
  for (const [name, property] of Object.entries(schema.properties)) {
    const part = withDefaults(property, filled[name]);
    if (part !== undefined) filled[name] = part;
  }
  return filled;
}

/**
 * Reads the file that HOMERUN_CONFIG names; all defaults when it names none.
 * @throws {ConfigError} when the file cannot be read, is not JSON or breaks the schema.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const path = env.HOMERUN_CONFIG;
  if (!path) return parseConfig({});
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`configuration: cannot read ${path}`, { cause });
  }
  try {
    return parseConfig(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`configuration: ${path} is not JSON`, { cause });
  }
}

/** The pod's own name, namespace and address (POD_NAME, POD_NAMESPACE, POD_IP). */
export function identityOf(env: NodeJS.ProcessEnv): Identity {
  return {
    namespace: env.POD_NAMESPACE ?? 'homerun-system',
    podName: env.POD_NAME ?? `local-${process.pid}`,
    podIP: env.POD_IP || undefined,
  };
}
