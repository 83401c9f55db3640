import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../operator/testing/until.ts';
import { runMocha } from './mocha.ts';

const FINE = "describe('fine', () => { it('passes', () => {}); });";
const SPINS = `describe('spins', () => {
  it('passes first', () => {});
  it('never ends', () => { function spin() { for (;;); } spin(); });
});`;
const MICROTASKS = `describe('starves', () => {
  it('lets no timer fire', async () => { async function starve() { for (;;) await undefined; } await starve(); });
});`;

/** Whether a process runs; one that has ended may wait for its parent for a while. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the watchdog of test runs', () => {
  let folder: string;
  let printed: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'homerun-watchdog-'));
    printed = '';
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs these files in the order of their names. */
  const run = (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const print = (text: string) => {
      printed += text;
    };
    return runMocha({ files: [join(folder, '*.mjs')], silentMs: 2_000, loadMs: 20_000, print });
  };

  it('leaves a run alone that shows life', async () => {
    assert.deepEqual(await run({ 'a.mjs': FINE, 'b.mjs': FINE }), {
      passed: 2,
      failed: 0,
      failures: [],
      notRun: [],
    });
    assert.equal(printed.match(/fine: 1 passed/g)?.length, 2);
    assert.doesNotMatch(printed, /WATCHDOG/);
  });

  it('ends a suite that spins, shows where, and runs the files after it', async () => {
    const { passed, failed, notRun } = await run({ 'a.mjs': FINE, 'b.mjs': SPINS, 'c.mjs': FINE });
    assert.deepEqual({ passed, failed }, { passed: 3, failed: 1 });
    assert.deepEqual(notRun, [`suite "spins" (${join(folder, 'b.mjs')}): no sign of life for 2 s`]);
    assert.match(printed, /WATCHDOG: suite "spins".*\n.*in "spins never ends"/);
    if (process.platform === 'linux') assert.match(printed, /thread \d+ \S+: R \(running\)/);
    assert.match(printed, /at spin \(.*b\.mjs:3:\d+\)/);
  });

  it('ends a suite that lives on microtasks, and shows where', async () => {
    const { passed, failed } = await run({ 'a.mjs': MICROTASKS, 'b.mjs': FINE });
    assert.deepEqual({ passed, failed }, { passed: 1, failed: 1 });
    assert.match(printed, /in "starves lets no timer fire"/);
    assert.match(printed, /at starve \(.*a\.mjs:2:\d+\)/);
  });

  it('runs the files after one in which the process died', async () => {
    const DIES = "describe('dies', () => { it('exits', () => process.exit(0)); });";
    const { passed, failed, notRun } = await run({ 'a.mjs': DIES, 'b.mjs': FINE });
    assert.deepEqual({ passed, failed }, { passed: 1, failed: 1 });
    assert.match(notRun.join(), /suite "dies" .*ended with 0/);
  });

  it('ends a process that does not exit after its last test, and says what keeps it alive', async () => {
    const STAYS = "setInterval(() => 'again', 1000); describe('stays', () => { it('passes', () => {}); });";
    const { passed, failed, notRun } = await run({ 'a.mjs': STAYS });
    assert.deepEqual({ passed, failed }, { passed: 1, failed: 1 });
    assert.equal(notRun.length, 1);
    assert.match(notRun.join(), /after the last test of .*: no sign of life for 2 s\n/);
    assert.match(notRun.join(), /timer of 1000 ms: \(\) => 'again'/);
  });

  it('ends what the process started, too', async () => {
    const STARTS = `import { spawn } from 'node:child_process';
      describe('starts', () => { it('spins', () => { console.log('pid', spawn('sleep', ['60']).pid); for (;;); }); });`;
    await run({ 'a.mjs': STARTS });
    const pid = Number(/pid (\d+)/.exec(printed)?.[1]);
    assert.ok(pid > 0);
    await until('it has ended', () => !isAlive(pid));
  });

  it('ends all runs when it is interrupted itself', async () => {
    const WAITS = `describe('waits', () => { it('long', (done) => {
      console.log('pid', process.pid);
      setTimeout(done, 9_000);
    }); });`;
    writeFileSync(join(folder, 'a.mjs'), WAITS);
    const file = JSON.stringify(join(folder, 'a.mjs'));
    const TWICE = `import { runMocha } from ${JSON.stringify(import.meta.resolve('./mocha.ts'))};
      await Promise.all([runMocha({ files: [${file}] }), runMocha({ files: [${file}] })]);`;
    writeFileSync(join(folder, 'twice.mjs'), TWICE);
    const running = spawn(process.execPath, [join(folder, 'twice.mjs')]);
    let text = '';
    running.stdout.on('data', (data) => {
      text += data;
    });
    const pids = () => [...text.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
    await until('both run', () => pids().length === 2);
    const closed = once(running, 'close');
    running.kill('SIGTERM');
    await until('both have ended', () => !pids().some(isAlive));
    await closed;
  });

  it('does not wait for what a run has left behind', async () => {
    const LEAVES = `import { spawn } from 'node:child_process';
      const options = { detached: true, stdio: 'inherit' };
      describe('leaves', () => { it('passes', () => spawn('sleep', ['25'], options).unref()); });`;
    const pipes = () => process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
    const before = pipes();
    assert.equal((await run({ 'a.mjs': LEAVES })).passed, 1);
    await until('its pipes are closed', () => pipes() === before, { timeoutMs: 2_000 });
  });

  it('fails when mocha cannot be started', async () => {
    const { failed, notRun } = await runMocha({
      prefix: [join(folder, 'nothing')],
      files: ['x'],
      print: () => {},
    });
    assert.equal(failed, 1);
    assert.match(notRun.join(), /while files were loaded: its process ended with .*ENOENT/);
  });

  it('counts failed and skipped tests, and a run without any, as failed', async () => {
    const MIXED =
      "describe('mixed', () => { it('fails', () => { throw new Error('no'); }); it.skip('waits'); });";
    const failures = ['mixed fails: no', 'mixed waits: skipped'];
    assert.deepEqual(await run({ 'a.mjs': MIXED }), { passed: 0, failed: 2, failures, notRun: [] });
    rmSync(join(folder, 'a.mjs'));
    assert.equal((await run({ 'b.mjs': '' })).failed, 1);
  });
});
