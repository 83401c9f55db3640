import { type Entry, openPromise, type ZipFile } from 'yauzl';
import type { ArchiveEntry } from './entry.ts';
import { SourceError } from './errors.ts';

/** The high half of the external attributes is the mode where Unix made the entry (APPNOTE 4.4.2, 4.4.15). */
const UNIX = 3;
const TYPE_MASK = 0o170000;
const KINDS = new Map<number, ArchiveEntry['kind']>([
  [0, 'file'],
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o060000, 'device'],
  [0o020000, 'device'],
  [0o010000, 'pipe'],
]);
/** A link's target is its content. */
const LONGEST_TARGET = 4095;

/**
 * The entries of a zip archive in a file, in the order of its directory.
 * @throws {SourceError} SOURCE_UNREADABLE
 */
export async function* zipEntries(path: string): AsyncGenerator<ArchiveEntry> {
  const options = { autoClose: false, decodeStrings: false, lazyEntries: true };
  const zip = await readable(openPromise(path, options));
  try {
    const entries = zip.eachEntry();
    for (;;) {
      const { value, done } = await readable(entries.next());
      if (done) return;
      yield await readable(entryOf(zip, value));
    }
  } finally {
    zip.close();
  }
}

async function entryOf(zip: ZipFile, entry: Entry): Promise<ArchiveEntry> {
  const name = new TextDecoder('utf-8', { ignoreBOM: true }).decode(entry.fileNameRaw);
  const mode = entry.versionMadeBy >>> 8 === UNIX ? entry.externalFileAttributes >>> 16 : 0;
  const kind = name.endsWith('/') ? 'directory' : (KINDS.get(mode & TYPE_MASK) ?? 'unknown');
  const content = () => contentOf(zip, entry, name);
  return {
    name,
    kind,
    size: kind === 'file' ? entry.uncompressedSize : 0,
    executable: (mode & 0o111) !== 0,
    target: kind === 'symlink' ? await targetOf(entry, content) : undefined,
    content,
  };
}

async function* contentOf(zip: ZipFile, entry: Entry, name: string): AsyncGenerator<Uint8Array> {
  if (!entry.canDecodeFileData()) {
    const why = entry.isEncrypted() ? 'is encrypted' : 'is compressed in a way that is not supported';
    throw new SourceError('SOURCE_UNREADABLE', `The archive's entry ${JSON.stringify(name)} ${why}.`);
  }
  const content = await readable(zip.openReadStreamPromise(entry));
  const chunks = content[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    for (;;) {
      const { value, done } = await readable(chunks.next());
      if (done) return;
      yield value;
    }
  } finally {
    // The file stays open as long as one that reads it.
    content.destroy();
  }
}

async function targetOf(entry: Entry, content: () => AsyncIterable<Uint8Array>): Promise<string> {
  if (entry.uncompressedSize > LONGEST_TARGET) return '/'.repeat(LONGEST_TARGET);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content()) chunks.push(chunk);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(chunks));
}

async function readable<T>(act: Promise<T>): Promise<T> {
  try {
    return await act;
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    const message = `The archive is no readable zip: ${(cause as Error).message}.`;
    throw new SourceError('SOURCE_UNREADABLE', message, { cause });
  }
}
