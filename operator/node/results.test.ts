import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../testing/until.ts';
import { Results } from './results.ts';

/** An entry as libcni writes it; padded, so that a writer needs several calls. */
function entry(uid: string, address: string, padding = 0): string {
  const cniArgs = [
    ['K8S_POD_NAMESPACE', 'ns'],
    ['K8S_POD_UID', uid],
  ];
  const result = { cniVersion: '1.0.0', ips: [{ address }] };
  return JSON.stringify({ kind: 'cniCacheV1', config: 'x'.repeat(padding), ifName: 'eth0', cniArgs, result });
}

describe('Results', () => {
  let directory: string;
  let results: Results;
  let stop: AbortController;
  let seen: string[];
  const path = (file: string) => join(directory, file);
  const write = (file: string, text: string) => writeFileSync(path(file), text, { mode: 0o600 });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'homerun-cni-'));
    stop = new AbortController();
    seen = [];
    results = new Results({
      directory,
      isWanted: ({ uid }) => uid !== 'foreign',
      added: ({ uid, ips }) => seen.push(`${uid} ${ips}`),
      removed: (uid) => seen.push(`${uid} -`),
    });
  });
  afterEach(() => {
    stop.abort();
    rmSync(directory, { recursive: true });
  });

  it('reports what is written and removed once, among ten thousand files that stand there', async () => {
    for (let i = 0; i < 10_000; i++) write(`cbr0-old${i}-eth0`, entry(`old${i}`, '10.1.0.1/16'));
    results.watch(stop.signal);
    write('cni-loopback-1-lo', entry('p1', '10.0.0.9/24'));
    write('cbr0-1-eth0', entry('p1', '10.0.0.1/24', 40_000));
    chmodSync(path('cbr0-1-eth0'), 0o400);
    write('cbr0-2-eth0', entry('foreign', '10.0.0.2/24'));
    await until('the address', () => seen.includes('p1 10.0.0.1'));
    rmSync(path('cbr0-1-eth0'));
    rmSync(path('cbr0-old7-eth0'));
    await until('its absence', () => seen.length > 1);
    assert.deepEqual(seen, ['p1 10.0.0.1', 'p1 -']);
  });

  it('waits for the rest of a file that is being written', () => {
    const text = entry('p1', '10.0.0.1/24');
    for (const part of ['', text.slice(0, 100), text, text]) {
      write('cbr0-1-eth0', part);
      results.changed('cbr0-1-eth0');
    }
    assert.deepEqual(seen, ['p1 10.0.0.1']);
  });

  it('keeps the address of a new sandbox when the old one is removed', () => {
    write('cbr0-1-eth0', entry('p1', '10.0.0.1/24'));
    results.changed('cbr0-1-eth0');
    write('cbr0-2-eth0', entry('p1', '10.0.0.2/24'));
    results.changed('cbr0-2-eth0');
    rmSync(path('cbr0-1-eth0'));
    results.changed('cbr0-1-eth0');
    assert.deepEqual(seen, ['p1 10.0.0.1', 'p1 10.0.0.2']);
  });

  it('does not hang on a pipe, follow a link, or read a huge file', () => {
    execFileSync('mkfifo', [path('a-eth0')]);
    write('elsewhere', entry('p1', '10.0.0.1/24'));
    symlinkSync(path('elsewhere'), path('b-eth0'));
    write('c-eth0', entry('p1', '10.0.0.1/24', 70_000));
    for (const file of ['a-eth0', 'b-eth0', 'c-eth0', 'missing-eth0', '..', '']) results.changed(file);
    assert.deepEqual(seen, []);
  });

  it('remembers the newest thousand', () => {
    for (let i = 0; i <= 1000; i++) {
      write(`cbr0-${i}-eth0`, entry(`p${i}`, '10.0.0.1/24'));
      results.changed(`cbr0-${i}-eth0`);
    }
    seen = [];
    for (const i of [0, 1]) {
      rmSync(path(`cbr0-${i}-eth0`));
      results.changed(`cbr0-${i}-eth0`);
    }
    assert.deepEqual(seen, ['p1 -']);
  });

  it('says that there is no such folder', () => {
    const absent = new Results({ directory: path('absent'), isWanted: () => true, added() {}, removed() {} });
    assert.throws(() => absent.watch(stop.signal), { code: 'ENOENT' });
  });

  it('ends when it is asked to', async () => {
    const watcher = results.watch(stop.signal);
    const closed = once(watcher, 'close');
    stop.abort();
    await closed;
  });
});
