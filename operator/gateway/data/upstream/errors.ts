/** Errors that say an instance does not accept connections, as opposed to a connection that broke. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ETIMEDOUT']);
/** Errors that come from what the client asked for. */
const BAD_REQUEST = new Set(['GATEWAY_BAD_REQUEST', 'GATEWAY_BODY_LENGTH']);
/** Errors that say that the response was no HTTP. */
const BAD_ANSWER = new Set(['GATEWAY_RESPONSE_SYNTAX', 'ERR_HTTP2_ERROR']);

export type Failure = 'unreachable' | 'bad-request' | 'bad-answer' | 'broken';

/** What kind of trouble an upstream error is. */
export function failureOf(error: Error & { code?: string }): Failure {
  const code = error.code ?? '';
  if (UNREACHABLE.has(code)) return 'unreachable';
  if (BAD_REQUEST.has(code)) return 'bad-request';
  if (BAD_ANSWER.has(code)) return 'bad-answer';
  return 'broken';
}
