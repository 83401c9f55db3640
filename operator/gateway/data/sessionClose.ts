import type { ServerHttp2Session } from 'node:http2';

/**
 * Makes `close()` of a session, which Node itself calls for a client's GOAWAY, wait for the last stream. Once a GOAWAY
 * was sent, Node reports no error of the connection any more, such as a frame that breaks a rule: requests in flight
 * would never end, nor would the connection.
 */
export function closeAfterStreams(session: ServerHttp2Session): void {
  const close = session.close.bind(session);
  let open = 0;
  let closing = false;
  const closeIfEmpty = (): void => {
    if (closing && open === 0 && !session.destroyed) close();
  };
  session.on('stream', (stream) => {
    open++;
    stream.once('close', () => {
      open--;
      closeIfEmpty();
    });
  });
  session.close = (): void => {
    closing = true;
    // Streams that arrived with the GOAWAY are reported later in this turn of the event loop.
    setImmediate(closeIfEmpty);
  };
}

/** Asks the client to open no more streams (RFC 9113, 6.8), and closes the connection after the last one. */
export function endSession(session: ServerHttp2Session): void {
  if (session.destroyed) return;
  session.goaway();
  session.close();
}
