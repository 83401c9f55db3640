import * as Type from 'typebox';
import { port } from './fields.ts';

const dnsName = { maxLength: 253, pattern: '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$' };

/** What the HTTPRoutes of a Gateway in front of the gateways say. */
export const GatewayApiSchema = Type.Object(
  {
    /** Gateways, or listeners of them, that lead to the gateways (Gateway API, ParentReference); there are no routes without. */
    parentRefs: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, ...dnsName }),
          namespace: Type.Optional(Type.String({ minLength: 1, ...dnsName, maxLength: 63 })),
          /** A listener. */
          sectionName: Type.Optional(Type.String({ minLength: 1, ...dnsName })),
          port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
          /** `gateway.networking.k8s.io` when left out. */
          group: Type.Optional(
            Type.String({ maxLength: 253, pattern: '^([a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$' }),
          ),
          /** Gateway when left out. */
          kind: Type.Optional(Type.String({ maxLength: 63, pattern: '^[A-Z][A-Za-z0-9]*$' })),
        },
        { additionalProperties: false },
      ),
      { maxItems: 32, default: [] },
    ),
    /** Where the routes are, and the Service: the operator's own. */
    namespace: Type.String({ minLength: 1, maxLength: 63, default: 'homerun-system' }),
    /** Name of the core Service before the gateway pods, and its port. */
    service: Type.String({ minLength: 1, default: 'homerun-gateway' }),
    port: port(80),
  },
  { default: {} },
);
