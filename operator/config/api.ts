import * as Type from 'typebox';
import { port } from './fields.ts';

/** The Admin API. */
export const ApiSchema = Type.Object(
  {
    /** Name of the core Service before the api pods, in the operator's namespace. */
    service: Type.String({ minLength: 1, default: 'homerun-api' }),
    port: port(8443),
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
  },
  { default: {} },
);
