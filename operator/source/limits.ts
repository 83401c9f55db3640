/** How much a source archive may hold. */
export interface SourceLimits {
  /** Bytes of the archive itself. */
  archiveBytes: number;
  /** Bytes of all its files together, unpacked. */
  unpackedBytes: number;
  /** Files, directories and links. */
  entries: number;
}

const MIB = 2 ** 20;

/**
 * What a source deployment may have. Cloud Run takes 250 MiB (Cloud Run, Deploy services from source code: deploy without
 * building); the others keep an archive from filling a node's disk or its table of inodes.
 */
export const SOURCE_LIMITS: SourceLimits = {
  archiveBytes: 250 * MIB,
  unpackedBytes: 1024 * MIB,
  entries: 100_000,
};

/** A number of bytes for people: whole MiB where it is that many. */
export function inBytes(bytes: number): string {
  return bytes % MIB === 0 ? `${bytes / MIB} MiB` : `${bytes} bytes`;
}
