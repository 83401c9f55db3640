import type { MadeEntry } from './archives.ts';

/** What a tar's header says; `type` is the flag itself (POSIX, pax: ustar interchange format). */
export interface HeaderFields {
  type?: 'file' | 'link' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo' | 'sparse';
}

const FLAGS: Readonly<Record<NonNullable<HeaderFields['type']>, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
  sparse: 'S',
};

/** A tar of entries that no writer of archives would make: the bytes of names are taken as they are. */
export function packed(entries: readonly MadeEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocks), Buffer.alloc(1024)]);
}

function blocks({ name, content = '', mode = 0o644, type = 'file', target = '', size }: MadeEntry): Buffer[] {
  const data = Buffer.from(content);
  const header = Buffer.alloc(512);
  Buffer.from(name).copy(header, 0, 0, 100);
  header.write(octal(mode & 0o7777, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size ?? data.length, 12), 124);
  header.write(octal(0, 12), 136);
  header.write(FLAGS[type], 156);
  header.write(target, 157);
  header.write('ustar\x0000', 257);
  header.fill(' ', 148, 156);
  header.write(
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      8,
    ),
    148,
  );
  return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}
