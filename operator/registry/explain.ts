import { RegistryAnswerError, type RegistryError, RegistryUnreachableError } from './errors.ts';
import { RedirectError } from './transport.ts';

/** What a failed connection means, by the code of Node.js or OpenSSL. */
const REASONS: Record<string, (registry: string) => string> = {
  ERR_INVALID_URL: (registry) => `${registry} is no address`,
  ENOTFOUND: (registry) => `the name ${hostOf(registry)} does not resolve`,
  EAI_AGAIN: (registry) => `the name ${hostOf(registry)} could not be resolved now`,
  ECONNREFUSED: (registry) => `${registry} refused the connection`,
  ECONNRESET: (registry) => `${registry} closed the connection`,
  UND_ERR_SOCKET: (registry) => `${registry} closed the connection`,
  EHOSTUNREACH: (registry) => `there is no route to ${registry}`,
  ENETUNREACH: (registry) => `there is no route to ${registry}`,
  ETIMEDOUT: (registry) => `${registry} did not accept the connection in time`,
  UND_ERR_CONNECT_TIMEOUT: (registry) => `${registry} did not accept the connection in time`,
  ERR_SSL_WRONG_VERSION_NUMBER: (registry) =>
    `${registry} does not speak TLS (if it is a plain HTTP registry, add it to registry.insecure)`,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: (registry) =>
    `${registry} does not speak TLS (if it is a plain HTTP registry, add it to registry.insecure)`,
  ERR_TLS_CERT_ALTNAME_INVALID: (registry) => `the certificate of ${registry} is for another name`,
  CERT_HAS_EXPIRED: (registry) => `the certificate of ${registry} has expired`,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
};

/** A connection's failure as one sentence that says what to look at. */
export function explainFailure(error: Error, image: string, registry: string): RegistryError {
  if (error instanceof RedirectError) {
    return new RegistryAnswerError(`Image '${image}': ${registry} is not usable: ${error.message}.`, {
      cause: error,
    });
  }
  const code = codeOf(error);
  const reason = REASONS[code]?.(registry) ?? error.message;
  return new RegistryUnreachableError(`Image '${image}': registry unreachable: ${reason}.`, { cause: error });
}

function untrusted(registry: string): string {
  return `the certificate of ${registry} is not from a trusted authority (name its authority in registry.caFile)`;
}

function codeOf(error: Error): string {
  const { code, errors } = error as Error & { code?: string; errors?: { code?: string }[] };
  return code ?? errors?.[0]?.code ?? '';
}

function hostOf(registry: string): string {
  return registry.replace(/:\d+$/, '');
}
