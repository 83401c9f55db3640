import type { Http2Session } from 'node:http2';

const held = new FinalizationRegistry<object>(() => {});

/**
 * Keeps Node's native part of a session from being collected together with that of its streams. A stream whose header
 * section violates HTTP/2 keeps a part of it in the session's memory, and a session that is collected first
 * aborts the whole process (nodejs/node issue 39951: `current_nghttp2_memory_ == 0`). So it is held until the garbage
 * collection after its end has passed, which takes the streams; the next one takes the session.
 */
export function outliveStreams(session: Http2Session): void {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'kHandle');
  const native = symbol && (session as unknown as Record<symbol, unknown>)[symbol];
  if (typeof native !== 'object' || native === null) return;
  // The streams let go of their native parts in the turn after the one in which they close.
  session.once('close', () => setImmediate(() => held.register({}, native)));
}
