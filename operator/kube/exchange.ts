import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

/** The beginning of an answer, while its body is still being read. */
export interface Answer {
  statusCode: number;
  headers: IncomingHttpHeaders;
  /** All bytes of the body in the parts in which they come; rejects where it breaks off, or is stopped. */
  body: Promise<Buffer[]>;
}

/**
 * Sends a request whose answer is wanted as a whole. What undici has for requests makes a stream of each body; to do without
 * it halves the processor time that reading a small answer takes.
 * @param signal stops the request, with its reason, whenever it aborts.
 */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  const body = Promise.withResolvers<Buffer[]>();
  // Of an answer that nobody reads nobody needs to be told that it broke off.
  body.promise.catch(() => {});
  const parts: Buffer[] = [];
  return new Promise((resolve, reject) => {
    // It may wait for a connection for seconds, in which undici does not stop it.
    let abort = () => reject(signal?.reason);
    const onAbort = () => abort();
    signal?.addEventListener('abort', onAbort);
    const ended = () => signal?.removeEventListener('abort', onAbort);
    dispatcher.dispatch(options, {
      onRequestStart(controller) {
        abort = () => controller.abort(signal?.reason);
        if (signal?.aborted) abort();
      },
      onResponseStart(_controller, statusCode, headers) {
        // Before the answer there may be others that only inform (RFC 9110, 15.2).
        if (statusCode >= 200) resolve({ statusCode, headers, body: body.promise });
      },
      onResponseData(_controller, part) {
        parts.push(part);
      },
      onResponseEnd() {
        ended();
        body.resolve(parts);
      },
      onResponseError(_controller, error) {
        ended();
        reject(error);
        body.reject(error);
      },
    });
  });
}
