import { Transform, type TransformCallback, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { ArchiveEntry } from './entry.ts';
import { SourceError } from './errors.ts';
import { inBytes, type SourceLimits } from './limits.ts';

const KINDS: Readonly<Record<string, ArchiveEntry['kind']>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'directory',
  symlink: 'symlink',
  link: 'link',
  'block-device': 'device',
  'character-device': 'device',
  fifo: 'pipe',
};

/** What tar adds to an entry's content at most: its header, one for a long name, and the rest of a block. */
const HEADER_BYTES = 2048;
/** Blocks of zeros that end an archive (POSIX, pax: ustar interchange format), for the longest record that is usual. */
const PADDING_BYTES = 1 << 20;

/**
 * The entries of a tar archive that is compressed with gzip, in their order. Nothing is kept: the next entry is read when
 * the content of the one before has been. The bytes that come out of gzip are counted, so that neither zeros between
 * entries nor a size that is not true go on for ever.
 * @throws {SourceError} SOURCE_UNREADABLE, or SOURCE_REFUSED where it holds more than the limits allow.
 */
export async function* tarEntries(
  archive: AsyncIterable<Uint8Array>,
  limits: SourceLimits,
): AsyncGenerator<ArchiveEntry> {
  const entries = extract();
  // What fails on the way ends `entries` with the same error.
  pipeline(archive, createGunzip(), counted(limits), entries as unknown as Writable).catch(() => {});
  try {
    for await (const content of entries) {
      yield entryOf(content.header, content as AsyncIterable<Uint8Array>);
      // What nobody has read: a link may have a content too.
      content.resume();
    }
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    const message = `The archive is no readable tar.gz: ${(cause as Error).message}.`;
    throw new SourceError('SOURCE_UNREADABLE', message, { cause });
  } finally {
    entries.destroy();
  }
}

function counted({ unpackedBytes, entries }: SourceLimits): Transform {
  const most = unpackedBytes + entries * HEADER_BYTES + PADDING_BYTES;
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback: TransformCallback) {
      bytes += chunk.length;
      if (bytes <= most) return callback(null, chunk);
      const message = `The archive is larger than ${inBytes(unpackedBytes)} when it is unpacked.`;
      callback(new SourceError('SOURCE_REFUSED', message));
    },
  });
}

function entryOf(
  { name, type, size, mode, linkname }: Header,
  content: AsyncIterable<Uint8Array>,
): ArchiveEntry {
  const kind = KINDS[type] ?? 'unknown';
  return {
    name,
    kind,
    size: kind === 'file' ? size : 0,
    executable: (mode & 0o111) !== 0,
    target: linkname ?? undefined,
    content: () => content,
  };
}
