import * as Type from 'typebox';
import { issuerUrl, oneOf } from './fields.ts';

/** Who may call services. */
export const InvokerSchema = Type.Object(
  {
    /** Whether everyone may call a service of which nothing else says so: `open`, or only its members: `closed`. */
    default: oneOf(['open', 'closed'], 'open'),
    /** Whose identity tokens count besides the cluster's own (OpenID Connect). */
    issuers: Type.Array(
      Type.Object(
        {
          /** As it stands in the claim `iss` of its tokens. */
          issuer: issuerUrl,
          /** Audiences that its tokens may have whatever the service is, such as the client ID of a command line tool. */
          audiences: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
        },
        { additionalProperties: false },
      ),
      { default: [] },
    ),
  },
  { default: {} },
);
