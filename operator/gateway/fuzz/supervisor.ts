import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FromChild, Task } from './child.ts';
import type { Failure, Summary } from './runner.ts';

/** All cases that failed in one way. */
export interface Kind {
  kind: string;
  times: number;
  /** The first of them; empty where no single case does it. */
  examples: Failure[];
}

export interface Report {
  kinds: Kind[];
  cases: number;
  seconds: number;
  /** Of each process that came to its end. */
  summaries: Summary[];
}

export interface Options {
  name: string;
  seed: number;
  count: number;
  first?: number;
  lanes?: number;
  /** In place of all others: these, one after the other on one lane. */
  cases?: readonly number[];
}

/** An event loop that says nothing for so long stands still. */
const STILL_MS = 60_000;
const EXAMPLES = 3;
/** How long to look for the case that crashed a process. */
const ATTRIBUTION_MS = 20_000;
/** A gateway that fails this often is not worth more of the time. */
const MAX_CRASHES = 2000;

interface Outcome {
  crash: Failure | undefined;
  failures: Failure[];
  summary: Summary | undefined;
  /** Of a run of one case. */
  transcript: string;
  /** The last case of each lane. */
  last: number[];
}

/**
 * Runs a fuzzer's cases in processes of their own: one that crashes or stands still is replaced, and the cases that it
 * had under way are run again one by one to see which of them did it.
 */
export async function fuzz({ name, seed, count, first = 0, lanes = 32, cases }: Options): Promise<Report> {
  const start = performance.now();
  const kinds = new Map<string, Kind>();
  const suspects = new Map<string, number[]>();
  const summaries: Summary[] = [];
  const end = first + count;
  const note = (failure: Failure): void => {
    const kind = kinds.get(failure.kind) ?? { kind: failure.kind, times: 0, examples: [] };
    kinds.set(failure.kind, kind);
    kind.times++;
    if (kind.examples.length < EXAMPLES && failure.index >= 0) kind.examples.push(failure);
    else if (failure.index < 0 && kind.examples.length === 0 && failure.detail) kind.examples.push(failure);
  };
  let next = first;
  for (let crashes = 0; next < end && crashes < MAX_CRASHES; crashes++) {
    const outcome = await runChild(
      cases ? { name, seed, cases, lanes: 1 } : { name, seed, cases: { first: next, end }, lanes },
    );
    outcome.failures.forEach(note);
    if (outcome.summary) summaries.push(outcome.summary);
    if (cases || !outcome.crash) next = end;
    if (outcome.crash) {
      note(count > 1 ? outcome.crash : { ...outcome.crash, index: first, transcript: outcome.transcript });
      const { kind } = outcome.crash;
      if (!suspects.has(kind)) suspects.set(kind, outcome.last);
      if (!cases) next = Math.max(next, ...outcome.last) + 1;
    }
  }
  for (const [kind, indexes] of suspects) {
    if (!cases && count > 1) await attribute(kinds.get(kind) as Kind, indexes, { name, seed });
  }
  const seconds = (performance.now() - start) / 1000;
  return { kinds: [...kinds.values()], cases: cases?.length ?? next - first, seconds, summaries };
}

/** Finds a case that does it alone. */
async function attribute(
  kind: Kind,
  indexes: number[],
  { name, seed }: { name: string; seed: number },
): Promise<void> {
  const deadline = performance.now() + ATTRIBUTION_MS;
  for (const index of indexes) {
    if (performance.now() > deadline) return;
    const { crash, transcript } = await runChild({ name, seed, cases: [index], lanes: 1 });
    if (crash?.kind !== kind.kind) continue;
    kind.examples = [{ ...crash, index, transcript }];
    return;
  }
}

async function runChild(task: Task): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'homerun-fuzz-'));
  const marks = openSync(join(folder, 'marks'), 'w+');
  try {
    const script = new URL('child.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, JSON.stringify(task)], {
      stdio: ['ignore', 'inherit', 'inherit', marks, 'ipc'],
    });
    const outcome = await watch(child);
    return { ...outcome, last: lastCases(marks, task.lanes) };
  } finally {
    closeSync(marks);
    rmSync(folder, { recursive: true });
  }
}

async function watch(child: ChildProcess): Promise<Omit<Outcome, 'last'>> {
  const failures: Failure[] = [];
  let crash: Failure | undefined;
  let still = false;
  let transcript = '';
  let summary: Summary | undefined;
  const kill = (): void => {
    still = true;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(kill, STILL_MS);
  child.on('message', (message: FromChild) => {
    clearTimeout(timer);
    timer = setTimeout(kill, STILL_MS);
    if (message.kind === 'failure') failures.push(message.failure);
    else if (message.kind === 'crash') crash = message.failure;
    else if (message.kind === 'about') transcript = message.transcript;
    else if (message.kind === 'summary') summary = message.summary;
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  clearTimeout(timer);
  const kind = still ? 'CRASH: the event loop stands still' : `CRASH: the process ended (${signal ?? code})`;
  if (code !== 0) crash ??= { kind, index: -1, detail: '', transcript: '', before: [] };
  return { crash, failures, summary, transcript };
}

function lastCases(marks: number, lanes: number): number[] {
  const bytes = Buffer.alloc(4 * lanes);
  readSync(marks, bytes, 0, bytes.length, 0);
  const found: number[] = [];
  for (let lane = 0; lane < lanes; lane++) {
    const mark = bytes.readUInt32LE(4 * lane);
    if (mark > 0) found.push(mark - 1);
  }
  return found;
}

/** @returns an account of what failed, for people. */
export function describeReport(options: Options, { kinds, cases, seconds, summaries }: Report): string {
  const failed = kinds.reduce((sum, { times }) => sum + times, 0);
  const rate = Math.round(cases / seconds);
  const lines = [
    `${options.name}: seed ${options.seed}, ${cases} cases in ${seconds.toFixed(1)} s (${rate}/s), ${failed} failures of ${kinds.length} kinds`,
    ...summaries.map(describeSummary),
  ];
  for (const { kind, times, examples } of kinds.sort((a, b) => b.times - a.times)) {
    lines.push('', `* ${kind} (${times} times)`);
    for (const { index, detail, transcript, before } of examples) {
      const again = ` --only ${options.name} --seed ${options.seed} --cases `;
      if (index >= 0) lines.push(`  alone:${again}${index}`);
      if (before.length > 0) lines.push(`  with those before it:${again}${[...before, index]}`);
      lines.push(indent(detail), indent(transcript));
    }
  }
  return lines.filter((line) => line.trim() !== '' || line === '').join('\n');
}

function describeSummary({ steady, slowestMs, grownBytes, denied, starved }: Summary): string {
  const memory = grownBytes === undefined ? '' : `, memory grew by ${(grownBytes / 1e6).toFixed(1)} MB`;
  const machine = `others had the processor for ${Math.round(100 * denied)} % of the time, ${starved} cases starved`;
  return `  another tenant: ${steady} requests, slowest ${Math.round(slowestMs)} ms${memory}; ${machine}`;
}

const indent = (text: string): string => text.replace(/^/gm, '    ');
