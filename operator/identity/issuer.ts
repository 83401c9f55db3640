/** A public key of an issuer: RSA, or P-256 (RFC 7517, JSON Web Key). */
export type PublicKey =
  | { kid: string; kty: 'RSA'; n: string; e: string }
  | { kid: string; kty: 'EC'; crv: 'P-256'; x: string; y: string };

/** An issuer of identity tokens. */
export interface IssuerEntry {
  /** The claim `iss` of its tokens; unset while that of the cluster is not known. */
  issuer: string | undefined;
  isCluster: boolean;
  /** Audiences that its tokens may have whatever they are for. */
  audiences: readonly string[];
  /** Unset until they have been fetched for the first time. */
  keys: readonly PublicKey[] | undefined;
  /** They are being fetched for the first time: requests with its tokens wait for them. */
  pending?: boolean;
}
