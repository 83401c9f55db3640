import * as Type from 'typebox';
import { MAX_ROLLOUT_MS } from '../apis/annotations/values.ts';
import { ApiSchema } from './api.ts';
import { BuildSchema } from './build.ts';
import { oneOf, port, seconds } from './fields.ts';
import { GatewaySchema } from './gateway.ts';
import { GatewayApiSchema } from './gatewayApi.ts';
import { InvokerSchema } from './invoker.ts';

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
    api: ApiSchema,
    build: BuildSchema,
    gateway: GatewaySchema,
    invoker: InvokerSchema,
    gatewayApi: GatewayApiSchema,
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
        /** Whether idle instances with request-based billing have their CPU request lowered, where pods can be resized. */
        idleCpuResize: Type.Boolean({ default: false }),
        /** How long requests wait for such an instance to have its CPU back; less than they may wait for an instance at all. */
        idleCpuHoldSeconds: seconds(5, 0, 8),
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
        /** Name of a base image, such as nodejs24 -> the image that it stands for. */
        baseImages: Type.Record(Type.String(), Type.String({ minLength: 1 }), { default: {} }),
        /** The longest time from one question for the digest of a base image that instances follow to the next. */
        baseImageSeconds: seconds(3600, 60, 604_800),
        /** Revisions whose running instances are replaced at a time when their pods are to change; 0 leaves them. */
        maxRollOuts: Type.Integer({ minimum: 0, maximum: 10_000, default: 0 }),
      },
      { default: {} },
    ),
    /** The container that unpacks the source of an instance: Homerun's own image. */
    source: Type.Object(
      {
        image: Type.String({ minLength: 1, default: 'homerun' }),
        imagePullPolicy: oneOf(['Always', 'IfNotPresent', 'Never'], 'IfNotPresent'),
        /** Its user; the image's, or the namespace's, when left out. */
        runAsUser: Type.Optional(Type.Integer({ minimum: 1 })),
        /** The operator's own, where instances learn how to reach the Admin API. */
        namespace: Type.String({ minLength: 1, default: 'homerun-system' }),
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
