import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { onCpu } from './servers.ts';

export interface Load {
  /** Each has one request at a time. */
  connections: number;
  seconds: number;
  url: string;
  cpu?: number | undefined;
  /** A script of wrk, by its path. */
  script?: string | undefined;
  headers?: Record<string, string> | undefined;
}

export interface LoadResult {
  requests: number;
  perSecond: number;
}

/** On a machine that is busy with something else a second may pass without a single answer. */
const TRIES = 5;

/** Runs wrk, again when nothing was answered. @throws when a request failed, or wrk is not there. */
export async function wrk(load: Load): Promise<LoadResult> {
  let output = '';
  for (let i = 0; i < TRIES; i++) {
    output = await outputOf(load);
    const requests = Number(/(\d+) requests in/.exec(output)?.[1]);
    const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]);
    if (/Non-2xx|Socket errors/.test(output)) throw new Error(`requests failed:\n${output}`);
    if (requests > 0) return { requests, perSecond };
  }
  throw new Error(`wrk gave no result:\n${output}`);
}

async function outputOf({ connections, seconds, url, cpu, script, headers = {} }: Load): Promise<string> {
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s'];
  if (script) options.push('-s', script);
  for (const [name, value] of Object.entries(headers)) options.push('-H', `${name}: ${value}`);
  const [file, args] = onCpu(cpu, ['wrk', ...options, url]);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return output;
}
