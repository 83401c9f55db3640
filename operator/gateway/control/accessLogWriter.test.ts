import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../testing/until.ts';
import { AccessLogWriter } from './accessLogWriter.ts';

describe('AccessLogWriter', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'access-log-'));
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it('writes all batches in order, and reports each when it is written', async () => {
    const path = join(directory, 'file');
    const fd = openSync(path, 'w');
    const writer = new AccessLogWriter(fd);
    const written: string[] = [];
    writer.write(['a\n', 'b\n'], () => written.push(readFileSync(path, 'utf8')));
    writer.write(['é\n'], () => written.push(readFileSync(path, 'utf8')));
    await writer.end(5000);
    closeSync(fd);
    assert.deepEqual(written, ['a\nb\n', 'a\nb\né\n']);
  });

  it('waits for a pipe that is full, and loses nothing', async () => {
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const writer = new AccessLogWriter(fd);
    const chunks = Array.from({ length: 60 }, (_, i) => `${String(i).padStart(4095, '.')}\n`);
    let written = 0;
    writer.write(chunks, () => written++);
    writer.write(['last\n'], () => written++);
    await writer.end(100);
    assert.equal(written, 0, 'a pipe takes 64 kB');
    let text = '';
    const buffer = Buffer.alloc(4096);
    await until('all of it is read', () => {
      try {
        text += buffer.toString('latin1', 0, readSync(fd, buffer));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'EAGAIN');
      }
      return text.endsWith('last\n');
    });
    assert.equal(text, `${chunks.join('')}last\n`);
    await until('both are reported', () => written === 2);
    closeSync(fd);
  });

  it('goes on when nothing reads any more', async () => {
    const path = join(directory, 'file');
    closeSync(openSync(path, 'w'));
    const fd = openSync(path, 'r');
    const writer = new AccessLogWriter(fd);
    let written = 0;
    writer.write(['a\n'], () => written++);
    writer.write(['b\n'], () => written++);
    await writer.end(5000);
    closeSync(fd);
    assert.equal(written, 2);
  });
});
