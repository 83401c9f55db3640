import * as Type from 'typebox';

/** A TCP port. */
export const port = (value: number) => Type.Integer({ minimum: 1, maximum: 65535, default: value });

/** A duration in seconds. */
export const seconds = (value: number, minimum: number, maximum: number) =>
  Type.Number({ minimum, maximum, default: value });

/**
 * An issuer of identity tokens, as it stands in the claim `iss`. Without TLS anyone on the path could answer with keys of
 * their own, except where requests do not leave the host.
 */
export const issuerUrl = Type.String({
  maxLength: 2000,
  pattern: '^(https://[^\\s/?#@]+|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:\\d+)?)(/[^\\s?#]*)?$',
});

/** One of some texts. */
export const oneOf = <const T extends readonly string[]>(values: T, value: T[number]) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], default: value });
