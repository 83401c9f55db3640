import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ProgramOptions {
  command: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Is told when the program ends without having been asked to. */
  failed?: (error: Error) => void;
}

/** A program that runs in a folder, with its log there, until {@link stop} or the end of this process. */
export class Program {
  readonly child: ChildProcess;
  readonly #path: string;
  #isAsked = false;

  /** @param name of its log. */
  constructor(name: string, folder: string, { command, env = {}, failed }: ProgramOptions) {
    this.#path = join(folder, `${name}.log`);
    const log = openSync(this.#path, 'a');
    // It must not outlive us, even if we are killed.
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.child.once('exit', () => {
      if (!this.#isAsked) failed?.(new Error(`${name} has ended:\n${this.log()}`));
    });
  }

  /** The end of its log. */
  log(): string {
    return readFileSync(this.#path, 'utf8').slice(-4_000);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#isAsked = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }
}

/** Programs that run in one folder. */
export class Programs {
  readonly #folder: string;
  readonly #programs = new Map<string, Program>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param name of its log. */
  run(name: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): void {
    this.#programs.set(name, new Program(name, this.#folder, { command, env }));
  }

  /** The end of each log. */
  log(): string {
    return [...this.#programs].map(([name, program]) => `${name}:\n${program.log()}`).join('\n');
  }

  async stop(): Promise<void> {
    for (const program of this.#programs.values()) await program.stop();
  }
}
