/** Errors that say an instance does not accept connections, as opposed to a connection that broke. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** Errors that come from what the client asked for. */
const BAD_REQUEST = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
]);
/** Errors that say that the answer was no HTTP. */
const BAD_ANSWER = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ERR_HTTP2_ERROR',
]);

export type Failure = 'unreachable' | 'bad-request' | 'bad-answer' | 'broken';

/** What kind of trouble an upstream error is. */
export function failureOf(error: Error & { code?: string }): Failure {
  const code = error.code ?? '';
  if (UNREACHABLE.has(code)) return 'unreachable';
  if (BAD_REQUEST.has(code)) return 'bad-request';
  // undici's parser error has no code.
  if (BAD_ANSWER.has(code) || error.name === 'HTTPParserError') return 'bad-answer';
  return 'broken';
}
