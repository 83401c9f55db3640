import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ArchiveEntry, type Placed, placed, Tally } from './entry.ts';
import { refused, SourceError } from './errors.ts';
import { inBytes, SOURCE_LIMITS, type SourceLimits } from './limits.ts';
import { tarEntries } from './tar.ts';
import { zipEntries } from './zip.ts';

/** What was unpacked. */
export interface Unpacked {
  files: number;
  /** Of all files together. */
  bytes: number;
}

const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;
const PROGRAM_MODE = 0o755;

/** The first bytes of an archive by its format (RFC 1952, 2.3.1; APPNOTE 4.3.7, and 4.3.16 of one without entries). */
const GZIP = [0x1f8b];
const ZIP = [0x504b0304, 0x504b0506];

/**
 * Unpacks an archive, tar.gz or zip, into a folder, whose content it replaces; so it can be repeated after any failure.
 * Links are made last: no file is ever written through one. Owners, times and special bits of the mode are not taken over.
 * @param archive a file.
 * @throws {SourceError} of an archive that is refused, whose files are all removed again.
 */
export async function unpack(
  archive: string,
  folder: string,
  limits: SourceLimits = SOURCE_LIMITS,
): Promise<Unpacked> {
  await mkdir(folder, { recursive: true });
  await empty(folder);
  try {
    return await unpackEntries(await entriesOf(archive, limits), folder, limits);
  } catch (error) {
    await empty(folder);
    throw error;
  }
}

async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

async function entriesOf(archive: string, limits: SourceLimits): Promise<AsyncIterable<ArchiveEntry>> {
  const file = await open(archive);
  const head = Buffer.alloc(4);
  let size: number;
  try {
    ({ size } = await file.stat());
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  if (size > limits.archiveBytes) {
    const message = `The archive has ${size} bytes; it may have ${inBytes(limits.archiveBytes)}.`;
    throw new SourceError('SOURCE_REFUSED', message);
  }
  if (GZIP.includes(head.readUInt16BE())) return tarEntries(createReadStream(archive), limits);
  if (ZIP.includes(head.readUInt32BE())) return zipEntries(archive);
  throw new SourceError('SOURCE_UNREADABLE', 'The archive is neither a tar.gz nor a zip.');
}

async function unpackEntries(
  entries: AsyncIterable<ArchiveEntry>,
  folder: string,
  limits: SourceLimits,
): Promise<Unpacked> {
  const tally = new Tally(limits);
  const links: [name: string, link: Extract<Placed, { kind: 'symlink' }>][] = [];
  const done: Unpacked = { files: 0, bytes: 0 };
  for await (const entry of entries) {
    tally.admit(entry);
    const place = placed(entry);
    if (place?.kind === 'symlink') links.push([entry.name, place]);
    else if (place) await write(entry, place, folder, done);
  }
  for (const [name, { path, target }] of links) {
    await inFolder(name, folder, path, (at) => symlink(target, at));
  }
  return done;
}

async function write(
  entry: ArchiveEntry,
  place: Exclude<Placed, { kind: 'symlink' }>,
  folder: string,
  done: Unpacked,
): Promise<void> {
  const { name } = entry;
  await inFolder(name, folder, place.path, async (at) => {
    if (place.kind === 'directory') await mkdir(at, { recursive: true, mode: FOLDER_MODE });
    else if (place.kind === 'link') await link(join(folder, place.target), at);
    else await writeFile(entry, at, done);
  });
}

async function writeFile(entry: ArchiveEntry, at: string, done: Unpacked): Promise<void> {
  const file = await open(at, 'wx', entry.executable ? PROGRAM_MODE : FILE_MODE);
  try {
    for await (const chunk of entry.content()) {
      done.bytes += chunk.length;
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  done.files += 1;
}

/** What the file system says of an entry that does not fit those before it. */
const MISFITS: Readonly<Record<string, string>> = {
  EEXIST: 'has the name of another entry',
  ENOTDIR: 'is below a file',
  ENOENT: 'links to no file that came before it',
  EPERM: 'links to a directory',
  ENAMETOOLONG: 'has too long a name',
};

async function inFolder(
  name: string,
  folder: string,
  path: string,
  act: (at: string) => Promise<unknown>,
): Promise<void> {
  try {
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true, mode: FOLDER_MODE });
    await act(at);
  } catch (error) {
    const misfit = MISFITS[(error as NodeJS.ErrnoException).code ?? ''];
    throw misfit === undefined ? error : refused(name, misfit);
  }
}
