import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, cpus } from 'node:os';
import { freePort } from '../../operator/testing/freePort.ts';
import { until } from '../lib/wait.ts';

const hasTwo = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
/** The processor of what is measured, and that of everything else; unset where the machine has only one. */
export const [MEASURED, OTHERS] = hasTwo ? [0, 1] : [undefined, undefined];

/** A command as it runs on one processor. */
export function onCpu(cpu: number | undefined, command: string[]): [string, string[]] {
  const [file = '', ...args] = cpu === undefined ? command : ['taskset', '-c', String(cpu), ...command];
  return [file, args];
}

/** One server process on loopback, alone on a processor where one is named. */
export class Server {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  /** A role of proxyServer.ts. */
  static async start(role: string, cpu: number | undefined, ...args: (string | number)[]): Promise<Server> {
    const port = await freePort();
    const child = fork(new URL('./proxyServer.ts', import.meta.url), [
      role,
      String(port),
      ...args.map(String),
    ]);
    await ready(child, role, cpu);
    return new Server(child, port);
  }

  /** A program that listens on the port soon after its start. */
  static async spawn(port: number, cpu: number | undefined, command: string[]): Promise<Server> {
    const [file, args] = onCpu(cpu, command);
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    // Children of Node's notice by themselves that their parent has ended.
    process.once('exit', () => child.kill('SIGKILL'));
    await until(`${command[0]} to listen`, () => listens(port), { timeoutMs: 10_000, everyMs: 20 });
    return new Server(child, port);
  }

  /** Another process that listens on the port. */
  static of(process: ChildProcess, port: number, cpu: number | undefined): Server {
    pin(process, cpu);
    return new Server(process, port);
  }

  cpuMicros(): number {
    return cpuMicrosOf(this.#process.pid as number);
  }

  residentMb(): number {
    return residentMb(this.#process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** Waits until a child process says so; all its threads are on the processor then. @throws when it ends before. */
export async function ready(child: ChildProcess, what: string, cpu: number | undefined): Promise<void> {
  pin(child, cpu);
  const [said] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (typeof said !== 'string') throw new Error(`${what} ended before it was ready`);
  pin(child, cpu);
}

/** Does what this process takes part in off the processor of what is measured; all of its children begin there too. */
export async function aside<T>(measure: () => Promise<T>): Promise<T> {
  pin(process, OTHERS);
  try {
    return await measure();
  } finally {
    pin(process, OTHERS === undefined ? undefined : `0-${cpus().length - 1}`);
  }
}

/** Moves all threads of a process to a processor, or several; those that they start stay there. */
function pin({ pid }: { pid?: number }, cpu: number | string | undefined): void {
  if (cpu !== undefined) spawnSync('taskset', ['-acp', String(cpu), String(pid)]);
}

/** Processor time of all threads of a process so far, in microseconds. */
export function cpuMicrosOf(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  let nanos = 0;
  for (const task of readdirSync(tasks)) {
    nanos += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ', 1)[0]);
  }
  return nanos / 1000;
}

/** Memory of a process that is resident, in MB. */
export function residentMb(process: ChildProcess): number {
  return statusMb(process, 'VmRSS');
}

/** The most memory of a process that was resident at any time, in MB. */
export function peakMb(process: ChildProcess): number {
  return statusMb(process, 'VmHWM');
}

function statusMb({ pid }: ChildProcess, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.destroy();
  return true;
}
