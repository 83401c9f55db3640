import * as Type from 'typebox';
import { port, seconds } from './fields.ts';

/** What the gateways read, and what the controller has to know of them. */
export const GatewaySchema = Type.Object(
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
    /** Requests are traced where there is an endpoint. */
    tracing: Type.Object(
      {
        /** URL of an OTLP/HTTP receiver for their spans; without a path, /v1/traces is meant. Empty: no tracing. */
        endpoint: Type.String({
          maxLength: 2000,
          pattern: '^(https?://[^\\s/?#@]+(/[^\\s#]*)?)?$',
          default: '',
        }),
        /** Share of the requests without a trace context that are traced besides those that Cloud Run samples. */
        samplingRatio: Type.Number({ minimum: 0, maximum: 1, default: 0 }),
      },
      { default: {} },
    ),
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
);
