import { TOO_LARGE } from '../../shared/limits.ts';
import type { Rejection } from '../../shared/rejections.ts';

/** The error of node:http for bytes that are not a request. */
export type ClientError = Error & { code?: string; rawPacket?: Buffer };

/**
 * Whether the bytes that could not be parsed belong to a HEAD request, whose response has no body (RFC 9110,
 * 9.3.2). Undefined when only earlier bytes would show it.
 */
export function belongsToHead({ rawPacket }: ClientError): boolean | undefined {
  if (!rawPacket) return false;
  const method = /^([A-Z-]{1,20}) [!-~]/.exec(rawPacket.toString('latin1', 0, 24))?.[1];
  return method === undefined ? undefined : method === 'HEAD';
}

/** The response to bytes that are not a request. */
export function clientErrorRejection({ code, rawPacket }: ClientError): Rejection {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { reason: 'header_size', message: TOO_LARGE };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { reason: 'header_time', message: 'The request headers did not come in time.' };
    case 'HPE_INVALID_VERSION':
      return { reason: 'version', message: 'Only HTTP/1.0, HTTP/1.1 and HTTP/2 are supported.' };
    case 'HPE_INVALID_METHOD': {
      // A method is any token (RFC 9110, 9.1), but Node's parser has a list.
      const method = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}) \S+ HTTP\/1\.[01]\r\n/.exec(
        rawPacket?.toString('latin1', 0, 8192) ?? '',
      )?.[1];
      if (method)
        return { reason: 'unsupported', message: `The method ${method} is not supported over HTTP/1.1.` };
    }
  }
  return { reason: 'malformed', message: 'The request is not valid HTTP.' };
}
