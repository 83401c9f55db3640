import * as Type from 'typebox';
import { issuerUrl, port, seconds } from './fields.ts';

/** The Admin API. */
export const ApiSchema = Type.Object(
  {
    /** Name of the core Service before the api pods, in the operator's namespace. */
    service: Type.String({ minLength: 1, default: 'homerun-api' }),
    port: port(8443),
    /** The port of that Service. */
    servicePort: port(443),
    /** Host name of the API; regions are asked at `{region}-HOST`. */
    host: Type.String({
      pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$',
      maxLength: 200,
      default: '',
    }),
    /** Secret of the type kubernetes.io/tls, in the operator's namespace; a certificate is made when empty. */
    tlsSecret: Type.String({ maxLength: 253, default: '' }),
    /** Whether requests without TLS are answered too, for an ingress that ends TLS. */
    plainHttp: Type.Boolean({ default: false }),
    /** Where the sources of deployments are kept. */
    storage: Type.Object(
      {
        /** A folder that all replicas share; none are kept there when empty. */
        folder: Type.String({ pattern: '^(/.*)?$', default: '' }),
        /** A bucket of a store that speaks S3, in place of the folder. */
        s3: Type.Object(
          {
            /** Such as https://s3.example.com, where the buckets are paths; none are kept there when empty. */
            endpoint: Type.String({ pattern: '^(https?://[^/?#]+/?)?$', default: '' }),
            bucket: Type.String({ pattern: '^([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])?$', default: '' }),
            region: Type.String({ minLength: 1, default: 'us-east-1' }),
            /** How long the store may take to answer, and to go on with an answer. */
            timeoutSeconds: seconds(30, 1, 300),
            /** The folder with its keys, in the files accessKeyId and secretAccessKey. */
            keys: Type.String({ pattern: '^/', default: '/etc/homerun-s3' }),
          },
          { default: {}, additionalProperties: false },
        ),
        /** What the sources of one project may have together, in MiB. */
        projectMiB: Type.Integer({ minimum: 1, maximum: 10_485_760, default: 2048 }),
      },
      { default: {} },
    ),
    /** Whose identity tokens count besides the tokens of the cluster (OpenID Connect). */
    issuers: Type.Array(
      Type.Object(
        {
          /** As it stands in the claim `iss` of its tokens. */
          issuer: issuerUrl,
          /** A token must be for one of them, such as the client ID under which people log in. */
          audiences: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
          /** The claim with a person's groups; `groups` when left out. */
          groupsClaim: Type.Optional(Type.String({ minLength: 1 })),
        },
        { additionalProperties: false },
      ),
      { default: [] },
    ),
  },
  { default: {} },
);
