import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { filesLeft, type Progress, readProgress } from './progress.ts';

export interface MochaOptions {
  /** A command that runs the command that follows it, in the same process. */
  prefix?: readonly string[];
  /** Files with tests, or patterns of such. */
  files: readonly string[];
  /** A run that shows no life for so long is ended; 3 minutes when left out. */
  silentMs?: number;
  /** How long it may take to load its files; 40 minutes when left out, as a first load builds what tests need. */
  loadMs?: number;
  /** Where the run's output and the watchdog's own go; the terminal when left out. */
  print?: (text: string) => void;
}

export interface MochaTotals {
  passed: number;
  /** A suite that was ended counts as one failure, besides its tests that failed. */
  failed: number;
  /** What failed and what was skipped, a line each. */
  failures: string[];
  /** What did not run to its end. */
  notRun: string[];
}

const root = new URL('../..', import.meta.url).pathname;
const reporter = join(root, 'e2e/reporter.ts');
const stackCommand = join(import.meta.dirname, 'stack.ts');
const resourcesCommand = join(import.meta.dirname, 'resources.ts');
const mochaBin = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
const INSPECT_MS = 10_000;
const DRAIN_MS = 1_000;

/**
 * Runs mocha, and watches it from outside: where its event loop is blocked, mocha's own limits do not fire. A process
 * that shows no life prints its stack and is ended, and the files whose turn had not come run in another one; so they
 * do when a process dies.
 */
export async function runMocha(options: MochaOptions): Promise<MochaTotals> {
  const totals: MochaTotals = { passed: 0, failed: 0, failures: [], notRun: [] };
  let files = options.files;
  while (files.length > 0) {
    const { progress, code, why } = await new Run(files, options).end();
    totals.passed += progress.passed;
    totals.failed += progress.failed;
    totals.failures.push(...progress.failures);
    if (progress.complete && !why) {
      if (progress.failed === 0 && (code !== 0 || progress.passed === 0)) totals.failed += 1;
      break;
    }
    totals.failed += 1;
    totals.notRun.push(`${placeOf(progress, files)}: ${why ?? `its process ended with ${code}`}`);
    files = progress.complete ? [] : filesLeft(progress);
  }
  return totals;
}

interface Ended {
  progress: Progress;
  /** Exit code or signal. */
  code: number | string | null;
  /** Why the watchdog ended it; undefined when it ended by itself. */
  why: string | undefined;
}

/** One process of mocha. */
class Run {
  readonly #files: readonly string[];
  readonly #options: MochaOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'homerun-mocha-'));
  readonly #path = join(this.#folder, 'progress');
  readonly #child: ChildProcess;
  readonly #inspector = Promise.withResolvers<string>();
  readonly #over = new AbortController();

  constructor(files: readonly string[], options: MochaOptions) {
    this.#files = files;
    this.#options = options;
    const reporting = ['--reporter', reporter, '--reporter-option', `progress=${this.#path}`];
    // The inspector opens on demand (SIGUSR1), on any port that is free.
    const mocha = [process.execPath, '--inspect-port=127.0.0.1:0', mochaBin, ...reporting, ...files];
    const [command = '', ...args] = [...(options.prefix ?? []), ...mocha];
    // A process group of its own, so that what it started ends with it. Only stderr says where the inspector is.
    const stdout = options.print ? 'pipe' : 'inherit';
    this.#child = spawn(command, args, { cwd: root, detached: true, stdio: ['ignore', stdout, 'pipe'] });
    this.#child.stdout?.on('data', (data: Buffer) => this.#print(String(data)));
    this.#child.stderr?.on('data', (data: Buffer) => {
      const [, url] = /Debugger listening on (ws:\S+)/.exec(String(data)) ?? [];
      if (url) this.#inspector.resolve(url);
      if (options.print) this.#print(String(data));
      else process.stderr.write(data);
    });
  }

  async end(): Promise<Ended> {
    const interrupt = (signal: NodeJS.Signals) => {
      this.#kill(signal);
      // After the other runs, which end in the same way.
      setImmediate(() => process.exit(1));
    };
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    const exit = once(this.#child, 'exit')
      .catch((error: Error) => [error.message, null])
      .finally(() => this.#over.abort());
    try {
      const why = await this.#watch();
      const state = why && (await this.#putAnEnd(why));
      const [status, signal] = await exit;
      await this.#drain();
      const progress = readProgress(this.#path);
      // Of a run that is over, what it prints at the end says what kept it alive: nothing else tells whose fault it is.
      return { progress, code: status ?? signal, why: progress.complete && why ? `${why}\n${state}` : why };
    } finally {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      rmSync(this.#folder, { recursive: true });
    }
  }

  /** Lets the last of the output come; a program that the process has left behind may keep its pipes open. */
  async #drain(): Promise<void> {
    const { stdout, stderr } = this.#child;
    const streams = [stdout, stderr].filter((stream) => stream !== null);
    const ended = streams.map((stream) => (stream.readableEnded ? undefined : once(stream, 'end')));
    await Promise.race([Promise.allSettled(ended), sleep(DRAIN_MS)]);
    for (const stream of streams) stream.destroy();
  }

  /** Resolves when the process is over, or with the reason why it must end. */
  async #watch(): Promise<string | undefined> {
    const { silentMs = 180_000, loadMs = 40 * 60_000 } = this.#options;
    let size = 0;
    let changedAt = performance.now();
    while (!this.#over.signal.aborted) {
      await sleep(Math.min(1_000, silentMs / 4), undefined, { signal: this.#over.signal }).catch(() => {});
      const present = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
      if (present !== size) [size, changedAt] = [present, performance.now()];
      const limitMs = size === 0 ? loadMs : silentMs;
      if (performance.now() - changedAt > limitMs) return `no sign of life for ${limitMs / 1000} s`;
    }
    return undefined;
  }

  /** Gives the state that it was in. */
  async #putAnEnd(why: string): Promise<string> {
    const progress = readProgress(this.#path);
    const where = progress.test ? `\n  in "${progress.test}"` : '';
    this.#print(`\nWATCHDOG: ${placeOf(progress, this.#files)}: ${why}${where}\n`);
    const state = progress.pid === undefined ? '' : await this.#inspect(progress.pid, progress.complete);
    this.#print(`${state}\n`);
    this.#kill('SIGKILL');
    return state;
  }

  /** Where it is stuck, or what keeps it alive when its tests are over; or why that cannot be said. */
  async #inspect(pid: number, complete: boolean): Promise<string> {
    const unknown = `  no answer of its inspector within ${INSPECT_MS / 1000} s: it runs no JavaScript\n`;
    const limit = AbortSignal.any([AbortSignal.timeout(INSPECT_MS), this.#over.signal]);
    const none = once(limit, 'abort').then(() => undefined);
    const threads = complete ? '' : stateOf(pid);
    send(pid, 'SIGUSR1');
    const url = await Promise.race([this.#inspector.promise, none]);
    if (!url) return `${threads}${unknown}`;
    const prefix = this.#options.prefix ?? [];
    const [command = '', ...args] = [
      ...prefix,
      process.execPath,
      complete ? resourcesCommand : stackCommand,
      url,
    ];
    return new Promise((resolve) => {
      execFile(command, args, { signal: limit }, (_, stdout) => resolve(`${threads}${stdout || unknown}`));
    });
  }

  /** Signals the process and all that it started. */
  #kill(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined && !this.#over.signal.aborted) send(-this.#child.pid, signal);
  }

  #print(text: string): void {
    if (this.#options.print) this.#options.print(text);
    else process.stdout.write(text);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has just ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function placeOf({ pid, suite, file, complete }: Progress, files: readonly string[]): string {
  if (complete) return `after the last test of ${files.join(' ')}`;
  if (pid === undefined) return 'while files were loaded';
  return suite === undefined ? 'before the first suite' : `suite "${suite}" (${file})`;
}

/**
 * What each thread does, according to Linux: its name, its state and where in the kernel it waits (proc_pid_status(5),
 * proc_pid_wchan(5)). Empty elsewhere. It distinguishes a process that computes from one that waits for another thread.
 */
function stateOf(pid: number): string {
  const folder = `/proc/${pid}/task`;
  const read = (thread: string, file: string) => readFileSync(join(folder, thread, file), 'utf8');
  try {
    const lines = readdirSync(folder).map((thread) => {
      const [, name, state] = /^Name:\s*(.+)$[\s\S]*^State:\s*(.+)$/m.exec(read(thread, 'status')) ?? [];
      return `  thread ${thread} ${name}: ${state} ${read(thread, 'wchan')}\n`;
    });
    return lines.join('');
  } catch {
    return '';
  }
}
