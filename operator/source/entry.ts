import { refused } from './errors.ts';
import { inBytes, type SourceLimits } from './limits.ts';

/** An entry of an archive, of either format. */
export interface ArchiveEntry {
  /** As it stands in the archive. Bytes that are no UTF-8 are U+FFFD in it. */
  name: string;
  /** What no other word stands for is `unknown`. */
  kind: 'file' | 'directory' | 'symlink' | 'link' | 'device' | 'pipe' | 'unknown';
  /** Bytes of a file, as the archive declares them. */
  size: number;
  executable: boolean;
  /** Where a link leads, as it stands in the archive. */
  target?: string;
  /** The content of a file; no more than its size. */
  content(): AsyncIterable<Uint8Array>;
}

/** An entry that may be unpacked. */
export type Placed =
  | { kind: 'file'; path: string }
  | { kind: 'directory'; path: string }
  /** The link says `target`, relative to where it stands. */
  | { kind: 'symlink'; path: string; target: string }
  /** A second name of a file that came before. */
  | { kind: 'link'; path: string; target: string };

/** Bytes of a path and of each name in it that Linux allows (limits.h: PATH_MAX, NAME_MAX). */
const LONGEST_PATH = 4095;
const LONGEST_NAME = 255;
/** What a decoder writes for bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

const KINDS = { device: 'a device', pipe: 'a named pipe', unknown: 'of an unknown type' } as const;

/**
 * Where an entry is unpacked, below the folder for all. Pure.
 * @returns undefined for the folder itself, which many archives name.
 * @throws {SourceError} SOURCE_REFUSED, with the entry's name.
 */
export function placed(entry: ArchiveEntry): Placed | undefined {
  const { name, kind, target = '' } = entry;
  if (kind === 'device' || kind === 'pipe' || kind === 'unknown') throw refused(name, `is ${KINDS[kind]}`);
  const path = pathOf(name, name, 'has a name');
  if (path === '') {
    if (kind === 'directory') return undefined;
    throw refused(name, 'has no name');
  }
  if (kind === 'symlink') return { kind, path, target: symlinkTarget(name, path, target) };
  if (kind === 'link') return { kind, path, target: pathOf(name, target, 'links to a name') };
  return { kind, path };
}

/** A path without `.` and empty parts. */
function pathOf(entry: string, path: string, what: string): string {
  checkText(entry, path, what);
  if (path.startsWith('/')) throw refused(entry, `${what} that is absolute`);
  const parts = partsOf(path);
  if (parts.includes('..')) throw refused(entry, `${what} with ".." in it`);
  return parts.join('/');
}

/**
 * A symbolic link may lead up to the folder and then down. A `..` after a name is refused: that name may be a link itself,
 * and what is above its target need not be inside.
 */
function symlinkTarget(entry: string, path: string, target: string): string {
  checkText(entry, target, 'links to a name');
  if (target.startsWith('/')) throw refused(entry, 'links to an absolute path');
  const parts = partsOf(target);
  const up = parts.findIndex((part) => part !== '..');
  const ups = up < 0 ? parts.length : up;
  if (ups > partsOf(path).length - 1)
    throw refused(entry, `links to ${JSON.stringify(target)}, which is outside`);
  if (parts.indexOf('..', ups) >= 0)
    throw refused(entry, `links to ${JSON.stringify(target)}, with ".." after a name`);
  return parts.join('/') || '.';
}

function checkText(entry: string, text: string, what: string): void {
  if (text.includes(REPLACEMENT)) throw refused(entry, `${what} that is not UTF-8`);
  // Control characters too: no program of a source has them in a name, and logs show what they are told to.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0-\x1f\x7f]/.test(text)) throw refused(entry, `${what} with a control character`);
  if (text.includes('\\')) throw refused(entry, `${what} with a backslash`);
  if (Buffer.byteLength(text) > LONGEST_PATH)
    throw refused(entry, `${what} of more than ${LONGEST_PATH} bytes`);
  if (text.split('/').some((part) => Buffer.byteLength(part) > LONGEST_NAME)) {
    throw refused(entry, `${what} with a part of more than ${LONGEST_NAME} bytes`);
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** Links are made when all files are there; so many are kept in mind at most. */
const MOST_LINKS = 10_000;

/** What has been unpacked so far, held against the limits before more is written. */
export class Tally {
  readonly #limits: SourceLimits;
  #entries = 0;
  #links = 0;
  #bytes = 0;

  constructor(limits: SourceLimits) {
    this.#limits = limits;
  }

  /** @throws {SourceError} SOURCE_REFUSED where the entry, as it is declared, is one too many or too large. */
  admit({ name, kind, size }: Pick<ArchiveEntry, 'name' | 'kind' | 'size'>): void {
    const { entries, unpackedBytes } = this.#limits;
    this.#entries += 1;
    if (this.#entries > entries)
      throw refused(name, `is one more than the ${entries} that an archive may have`);
    this.#links += kind === 'symlink' ? 1 : 0;
    if (this.#links > MOST_LINKS)
      throw refused(name, `is one more than the ${MOST_LINKS} links that an archive may have`);
    this.#bytes += size;
    if (this.#bytes > unpackedBytes) {
      throw refused(name, `takes the files of the archive beyond ${inBytes(unpackedBytes)}`);
    }
  }
}
