import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Programs that run in a folder, each with a log there, until {@link stop} or the end of this process. */
export class Programs {
  readonly #folder: string;
  readonly #children = new Map<string, ChildProcess>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param name of its log. */
  run(name: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): void {
    const log = openSync(this.#logOf(name), 'a');
    // It must not outlive us, even if we are killed.
    const args = ['--pdeathsig', 'KILL', ...command];
    const stdio = ['ignore', log, log] as const;
    const options = { cwd: this.#folder, env: { ...process.env, ...env }, stdio: [...stdio] };
    this.#children.set(name, spawn('setpriv', args, options));
    closeSync(log);
  }

  /** The end of each log. */
  log(): string {
    const end = (name: string) => readFileSync(this.#logOf(name), 'utf8').slice(-4_000);
    return [...this.#children.keys()].map((name) => `${name}:\n${end(name)}`).join('\n');
  }

  async stop(): Promise<void> {
    for (const child of this.#children.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  }

  #logOf(name: string): string {
    return join(this.#folder, `${name}.log`);
  }
}
