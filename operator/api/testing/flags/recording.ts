import { readFileSync, writeFileSync } from 'node:fs';
import type { ApiPart } from '../../context.ts';
import { JOB_FLAGS } from '../../flags/jobs.ts';
import { SERVICE_FLAGS } from '../../flags/services.ts';
import { looks, sendable } from '../recording.ts';

/** A request that changes something. */
export interface Write {
  method: string;
  host: string;
  path: string;
  body?: unknown;
}

/** What gcloud has sent and printed for a command of the table. */
export interface RecordedCommand {
  command: string;
  code: number;
  text: string;
  writes: Write[];
}

const FILE = new URL('./recorded.jsonl', import.meta.url);

/** A part that answers nothing and notes what is written, and what of it was warned of. */
export function flagRecorder(): { part: ApiPart; writes: Write[]; warnings: string[] } {
  const writes: Write[] = [];
  const warnings: string[] = [];
  const part: ApiPart = {
    routes(app) {
      app.addHook('onSend', async (request, reply) => {
        const { method, host, body, url: path } = request;
        warnings.push(...[reply.getHeader('warning') ?? []].flat().map(String));
        if (!looks({ method, path }) && reply.statusCode < 300)
          writes.push({ method, host, path, body: sendable(body) });
      });
    },
  };
  return { part, writes, warnings };
}

/** Keeps what a command of the table has sent, instead of what it had sent before. */
export function keepCommand(recorded: RecordedCommand): void {
  const others = new Map(readCommands().map((each) => [each.command, each]));
  const kept = new Map([...others, [recorded.command, recorded]]);
  const inOrder = [...SERVICE_FLAGS, ...JOB_FLAGS].flatMap(({ command }) => kept.get(command) ?? []);
  writeFileSync(FILE, inOrder.map((each) => `${JSON.stringify(each)}\n`).join(''));
}

export function readCommands(): RecordedCommand[] {
  const lines = readFileSync(FILE, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as RecordedCommand);
}
