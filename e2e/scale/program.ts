import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program that writes its log to `NAME.log` in a folder, and ends with this process. */
export class Program {
  readonly child: ChildProcess;
  #isAsked = false;

  /** @param failed is told when it ends without having been asked to. */
  constructor(
    name: string,
    folder: string,
    {
      command,
      env = {},
      failed,
    }: { command: readonly string[]; env?: NodeJS.ProcessEnv; failed: (error: Error) => void },
  ) {
    const path = join(folder, `${name}.log`);
    const log = openSync(path, 'a');
    // It must not outlive us, even if we are killed.
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.child.once('exit', () => {
      if (!this.#isAsked)
        failed(new Error(`${name} has ended:\n${readFileSync(path, 'utf8').slice(-4_000)}`));
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#isAsked = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }
}
