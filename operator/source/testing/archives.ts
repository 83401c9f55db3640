import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { type HeaderFields, packed } from './tar.ts';

/** An entry of an archive made for a test; a file where nothing else is said. */
export interface MadeEntry {
  name: string | Buffer;
  content?: string | Buffer;
  /** Type and permissions as Unix has them in a zip, permissions alone in a tar. */
  mode?: number;
  type?: HeaderFields['type'];
  target?: string;
  /** The size that is declared, where it is not that of the content. */
  size?: number;
}

/** A tar.gz. */
export function tarGz(...entries: MadeEntry[]): Buffer {
  return gzipSync(packed(entries));
}

/** A zip as Python's zipfile writes it, which gcloud uses (APPNOTE 4.3). */
export function zip(...entries: MadeEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content = '', mode = 0o100644, size, target } of entries) {
    const raw = Buffer.from(target ?? content);
    const path = Buffer.from(name);
    const data = deflateRawSync(raw);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(raw), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(size ?? raw.length, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([uint32(0x04034b50), common, path, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([uint32(0x02014b50), Buffer.from([20, 3]), common, tail, path]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, uint32(0x06054b50), end]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
