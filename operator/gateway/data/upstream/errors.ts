/** The instance does not accept connections, as opposed to a connection that broke. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ETIMEDOUT']);
/** The client's request caused the error. */
const BAD_REQUEST = new Set(['GATEWAY_BAD_REQUEST', 'GATEWAY_BODY_LENGTH']);
/** The response was not valid HTTP. */
const BAD_ANSWER = new Set(['GATEWAY_RESPONSE_SYNTAX', 'ERR_HTTP2_ERROR']);

export type Failure = 'unreachable' | 'bad-request' | 'bad-answer' | 'broken';

/** Classifies an upstream error. */
export function failureOf(error: Error & { code?: string }): Failure {
  const code = error.code ?? '';
  if (UNREACHABLE.has(code)) return 'unreachable';
  if (BAD_REQUEST.has(code)) return 'bad-request';
  // Codes of Node's own parser, which reads responses to upgrades.
  if (BAD_ANSWER.has(code) || code.startsWith('HPE_')) return 'bad-answer';
  return 'broken';
}
