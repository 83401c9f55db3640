import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { SourceError } from './errors.ts';
import type { SourceLimits } from './limits.ts';
import { type MadeEntry, tarGz, zip } from './testing/archives.ts';
import { packed } from './testing/tar.ts';
import { unpack } from './unpack.ts';

const LIMITS: SourceLimits = { archiveBytes: 1 << 20, unpackedBytes: 1000, entries: 8 };
const FORMATS = { 'tar.gz': tarGz, zip } as const;
type Format = keyof typeof FORMATS;

/** Entries that are refused, and the words for it. In a zip the type is part of the mode. */
const REFUSED: Record<string, { entries: MadeEntry[]; says: RegExp; only?: Format; reason: string }> = {
  'an absolute path': {
    entries: [{ name: '/etc/passwd' }],
    says: /"\/etc\/passwd" has a name that is absolute/,
    reason: 'it leads out',
  },
  'a path upwards': {
    entries: [{ name: 'a/../../x' }],
    says: /"a\/..\/..\/x" has a name with ".." in it/,
    reason: 'it leads out',
  },
  'a path upwards that stays inside': {
    entries: [{ name: 'a/../x' }],
    says: /"a\/..\/x"/,
    reason: 'no writer of archives makes it',
  },
  'a path with backslashes': {
    entries: [{ name: '..\\x' }],
    says: /has a name with a backslash/,
    reason: 'to others it is a path',
  },
  'a name that is not UTF-8': {
    entries: [{ name: Buffer.from([0x61, 0xff, 0x62]) }],
    says: /"a\ufffdb" has a name that is not UTF-8/,
    reason: 'container contract, File system: names are UTF-8',
  },
  'a name with a line break': {
    entries: [{ name: 'a\nb' }],
    says: /"a\\nb" has a name with a control character/,
    reason: 'it would break up logs',
  },
  'a long name': {
    entries: [{ name: 'x'.repeat(256) }],
    says: /a part of more than 255 bytes/,
    only: 'zip',
    reason: 'Linux: NAME_MAX',
  },
  'an empty name': {
    entries: [{ name: '.' }],
    says: /"\." has no name/,
    reason: 'the folder itself is no file',
  },
  'a device': {
    entries: [{ name: 'd', type: 'character-device', mode: 0o020644 }],
    says: /"d" is a device/,
    reason: 'a source has none',
  },
  'a disk': {
    entries: [{ name: 'd', type: 'block-device', mode: 0o060644 }],
    says: /"d" is a device/,
    reason: 'a source has none',
  },
  'a pipe': {
    entries: [{ name: 'p', type: 'fifo', mode: 0o010644 }],
    says: /"p" is a named pipe/,
    reason: 'a source has none',
  },
  'a socket': {
    entries: [{ name: 's', type: 'sparse', mode: 0o140644 }],
    says: /"s" is of an unknown type/,
    reason: 'what is not known is not written',
  },
  'a link to an absolute path': {
    entries: [{ name: 'l', type: 'symlink', mode: 0o120777, target: '/etc' }],
    says: /"l" links to an absolute path/,
    reason: 'it leads out',
  },
  'a link out': {
    entries: [{ name: 'a/l', type: 'symlink', mode: 0o120777, target: '../../x' }],
    says: /"a\/l" links to "..\/..\/x", which is outside/,
    reason: 'it leads out',
  },
  'a link over a link': {
    entries: [
      { name: 'x', type: 'symlink', mode: 0o120777, target: '.' },
      { name: 'y', type: 'symlink', mode: 0o120777, target: 'x/..' },
    ],
    says: /"y" links to "x\/..", with ".." after a name/,
    reason: 'x/.. is above the folder, though the text says otherwise',
  },
  'a file through a link': {
    entries: [
      { name: 'x', type: 'symlink', mode: 0o120777, target: '.' },
      { name: 'x/f', content: 'f' },
    ],
    says: /"x" has the name of another entry/,
    reason: 'links are made last',
  },
  'a hard link out': {
    entries: [{ name: 'h', type: 'link', target: '../x' }],
    says: /"h" links to a name with ".."/,
    only: 'tar.gz',
    reason: 'it leads out',
  },
  'a hard link to nothing': {
    entries: [{ name: 'h', type: 'link', target: 'x' }],
    says: /"h" links to no file/,
    only: 'tar.gz',
    reason: 'only what came before',
  },
  'a name twice': {
    entries: [{ name: 'a' }, { name: './a' }],
    says: /".\/a" has the name of another entry/,
    reason: 'which one counts is unclear',
  },
  'a file as a folder': {
    entries: [{ name: 'a' }, { name: 'a/b' }],
    says: /"a\/b" (is below a file|has the name of another entry)/,
    reason: 'it is none',
  },
  'too many entries': {
    entries: Array.from({ length: 9 }, (_, i) => ({ name: `f${i}` })),
    says: /"f7" is one more than the 8/,
    reason: 'the limit',
  },
  'too much together': {
    entries: [
      { name: 'a', content: 'x'.repeat(600) },
      { name: 'b', content: 'x'.repeat(600) },
    ],
    says: /"b" takes the files of the archive beyond 1000 bytes/,
    reason: 'the limit',
  },
  'a size that is not true': {
    entries: [{ name: 'a', content: 'x'.repeat(5000), size: 10 }],
    says: /(no readable|larger)/,
    reason: 'what is declared is held to',
  },
};

describe('unpacking a source archive', () => {
  let root: string;
  let folder: string;
  let archive: string;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'source-')));
    folder = join(root, 'workspace');
    archive = join(root, 'archive');
  });
  afterEach(() => rm(root, { recursive: true }));

  async function unpacked(content: Buffer, limits = LIMITS) {
    await writeFile(archive, content);
    return unpack(archive, folder, limits);
  }

  for (const [format, make] of Object.entries(FORMATS)) {
    it(`${format}: writes files, folders, links and what is executable`, async () => {
      const done = await unpacked(
        make(
          { name: './', type: 'directory', mode: 0o040755 },
          { name: 'src/', type: 'directory', mode: 0o040700 },
          { name: './src/main.py', content: 'print(1)' },
          { name: 'run.sh', content: '#!/bin/sh', mode: 0o106755 },
          { name: 'a/b/été', content: 'x' },
          { name: 'a/link', type: 'symlink', mode: 0o120777, target: '../src/main.py' },
        ),
      );
      deepEqual(done, { files: 3, bytes: 18 });
      equal(await readFile(join(folder, 'a/link'), 'utf8'), 'print(1)');
      equal(await readlink(join(folder, 'a/link')), '../src/main.py');
      equal(await readFile(join(folder, 'a/b/été'), 'utf8'), 'x');
      const modes = await Promise.all(
        ['src', 'src/main.py', 'run.sh'].map((name) => stat(join(folder, name))),
      );
      deepEqual(
        modes.map(({ mode }) => (mode & 0o7777).toString(8)),
        ['755', '644', '755'],
      );
    });

    for (const [name, { entries, says, only, reason }] of Object.entries(REFUSED)) {
      if (only && only !== format) continue;
      it(`${format}: refuses ${name}: ${reason}; nothing is left behind`, async () => {
        await mkdir(folder);
        await writeFile(join(folder, 'old'), '');
        await rejects(
          unpacked(make({ name: 'first', content: 'x' }, ...entries).subarray()),
          (error: SourceError) => {
            ok(['SOURCE_REFUSED', 'SOURCE_UNREADABLE'].includes(error.code), error.stack);
            ok(says.test(error.message), error.message);
            return true;
          },
        );
        deepEqual(await readdir(folder), []);
        deepEqual((await readdir(root)).toSorted(), ['archive', 'workspace']);
      });
    }

    it(`${format}: replaces what a former attempt left, links too`, async () => {
      const made = make(
        { name: 'a', content: '1' },
        { name: 'l', type: 'symlink', mode: 0o120777, target: 'a' },
      );
      await unpacked(made);
      await unpacked(made);
      deepEqual((await readdir(folder)).toSorted(), ['a', 'l']);
    });

    it(`${format}: ends with an archive or says why not, whatever the bytes; nothing is outside the folder`, async () => {
      const good = make(
        { name: 'dir/', type: 'directory', mode: 0o040755 },
        { name: 'dir/file', content: 'some content' },
        { name: 'dir/l', type: 'symlink', mode: 0o120777, target: '../dir' },
      );
      const plain = format === 'zip' ? good : Buffer.concat([good]);
      const change = fc.tuple(fc.nat(plain.length - 1), fc.integer({ min: 0, max: 255 }));
      await fc.assert(
        fc.asyncProperty(
          fc.array(change, { minLength: 1, maxLength: 6 }),
          fc.nat(plain.length),
          async (changes, cut) => {
            const bytes = Buffer.from(plain);
            for (const [at, value] of changes) bytes[at] = value;
            const error = await unpacked(bytes.subarray(0, cut % 3 === 0 ? cut : undefined)).catch(
              (each) => each,
            );
            if (error instanceof Error) {
              ok(/^SOURCE_/.test((error as SourceError).code), error.stack);
              deepEqual(await readdir(folder), []);
            }
            deepEqual((await readdir(root)).toSorted(), ['archive', 'workspace']);
          },
        ),
        { numRuns: 60 },
      );
    });
  }

  it('tar.gz: says why not, whatever the headers are', async () => {
    const good = packed([
      { name: 'dir/file', content: 'some content' },
      { name: 'dir/l', type: 'symlink', target: '../dir' },
    ]);
    const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        // With a checksum that fits, so that what follows it is read.
        for (const at of [0, 1024]) {
          bytes.fill(' ', at + 148, at + 156);
          const sum = bytes.subarray(at, at + 512).reduce((all, byte) => all + byte, 0);
          bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
        }
        const error = await unpacked(gzipSync(bytes)).catch((each) => each);
        if (error instanceof Error) ok(/^SOURCE_/.test((error as SourceError).code), error.stack);
        deepEqual((await readdir(root)).toSorted(), ['archive', 'workspace']);
      }),
      { numRuns: 60 },
    );
  });

  it('follows what links say only within the folder, however they are combined', async () => {
    const name = fc.constantFrom('a', 'b', 'a/c', 'b/c', 'a/c/d');
    const target = fc
      .array(fc.constantFrom('..', '.', 'a', 'b', 'c', 'd', ''), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('/'));
    const entry = fc
      .record({ name, target, link: fc.boolean() })
      .map(
        ({ name, target, link }): MadeEntry =>
          link ? { name, type: 'symlink', target } : { name: `${name}/`, type: 'directory' },
      );
    await writeFile(join(root, 'secret'), '');
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async (entries) => {
        await unpacked(tarGz(...entries)).catch((error: SourceError) =>
          ok(/^SOURCE_/.test(error.code), error.stack),
        );
        for (const each of await readdir(folder, { recursive: true })) {
          const real = await realpath(join(folder, each)).catch(() => folder);
          ok(real === folder || real.startsWith(`${folder}/`), `${each} is ${real}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('stops early at 10 GB of zeros, as one file and as no file at all', async () => {
    // Compressed they are 10 MB, of which the first hundredth is enough to know.
    const part = gzipSync(Buffer.alloc(1 << 20));
    await writeFile(archive, Buffer.concat(Array.from({ length: 10 * 1024 }, () => part)));
    const cpuBefore = process.cpuUsage().user;
    await rejects(
      unpack(archive, folder, { ...LIMITS, archiveBytes: 1 << 30 }),
      /larger than 1000 bytes when it is unpacked/,
    );
    ok(process.cpuUsage().user - cpuBefore < 1_000_000, 'it went on after the limit');
    await rejects(
      unpacked(tarGz({ name: 'zeros', size: 8 ** 11 - 1 })),
      /"zeros" takes the files of the archive beyond/,
    );
    await rejects(
      unpacked(zip({ name: 'zeros', content: Buffer.alloc(1 << 22) })),
      /"zeros" takes the files/,
    );
  });

  const OTHER: Record<string, { content: Buffer; says: RegExp }> = {
    nothing: { content: Buffer.alloc(0), says: /neither a tar.gz nor a zip/ },
    'a text': { content: Buffer.from('hello world'), says: /neither a tar.gz nor a zip/ },
    'a gzip that is no tar': { content: gzipSync('x'.repeat(600)), says: /no readable tar.gz/ },
    'a tar.gz that ends early': {
      content: tarGz({ name: 'a', content: 'x'.repeat(100) }).subarray(0, 40),
      says: /no readable tar.gz/,
    },
    'a zip that ends early': {
      content: zip({ name: 'a', content: 'x' }).subarray(0, 40),
      says: /no readable zip/,
    },
    'what is too large': {
      content: Buffer.alloc((1 << 20) + 1),
      says: /has 1048577 bytes; it may have 1 MiB/,
    },
  };
  for (const [name, { content, says }] of Object.entries(OTHER)) {
    it(`refuses ${name}`, () => rejects(unpacked(content), says));
  }

  it('takes an archive without entries', async () => {
    deepEqual(await unpacked(zip()), { files: 0, bytes: 0 });
    deepEqual(await unpacked(tarGz()), { files: 0, bytes: 0 });
  });
});
