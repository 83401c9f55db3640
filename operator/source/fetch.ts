import { open, readFile } from 'node:fs/promises';
import { Agent } from 'undici';
import type { SourceObject } from '../apis/sourceUrl.ts';
import { type Contact, SOURCES_PATH } from './contact.ts';
import { SourceError } from './errors.ts';
import { inBytes } from './limits.ts';

/** How long the Admin API may take to begin its answer, and to send the next piece of it. */
const HEADERS_MS = 20_000;
const PIECE_MS = 20_000;

/**
 * Gets the archive of a source from the Admin API into a file.
 * @param token file with a token for SOURCE_AUDIENCE, which says whose instance this is.
 * @throws {SourceError} SOURCE_MISSING where there is no such object for this project, SOURCE_UNAVAILABLE for what may pass.
 */
export async function fetchSource(
  { bucket, name, generation }: SourceObject,
  { address, serverName, authorities }: Contact,
  { token, into, most }: { token: string; into: string; most: number },
): Promise<void> {
  const ca = authorities || undefined;
  const connect = { servername: serverName, timeout: HEADERS_MS, ...(ca ? { ca } : {}) };
  const dispatcher = new Agent({ connect, headersTimeout: HEADERS_MS, bodyTimeout: PIECE_MS });
  const query = generation === undefined ? '' : `?generation=${generation}`;
  const path = `${SOURCES_PATH}/${encodeURIComponent(bucket)}/${encodeURIComponent(name)}${query}`;
  try {
    const authorization = `Bearer ${(await readFile(token, 'utf8')).trim()}`;
    const request = { origin: address, path, method: 'GET', headers: { authorization } } as const;
    const { statusCode, body } = await dispatcher.request(request);
    if (statusCode !== 200) throw refusal(statusCode, await body.text());
    await write(body, into, most);
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    const message = `The Admin API at ${address} cannot be asked for the source: ${(cause as Error).message}.`;
    throw new SourceError('SOURCE_UNAVAILABLE', message, { cause });
  } finally {
    await dispatcher.destroy();
  }
}

async function write(body: AsyncIterable<Uint8Array>, into: string, most: number): Promise<void> {
  const file = await open(into, 'w', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > most) {
        throw new SourceError('SOURCE_REFUSED', `The archive has more than ${inBytes(most)}.`);
      }
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
}

/** What the Admin API says, in its own words where it has any. */
function refusal(status: number, text: string): SourceError {
  let said = `HTTP status ${status}`;
  try {
    said = (JSON.parse(text) as { error: { message: string } }).error.message;
  } catch {
    // Something between here and there has answered.
  }
  const final = status === 400 || status === 403 || status === 404;
  return new SourceError(
    final ? 'SOURCE_MISSING' : 'SOURCE_UNAVAILABLE',
    `The source is not given out: ${said}`,
  );
}
