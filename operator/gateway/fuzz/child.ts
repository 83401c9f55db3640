import { writeSync } from 'node:fs';
import { clientFuzzer } from './clientFuzz.ts';
import { instanceFuzzer } from './instanceFuzz.ts';
import { type Failure, runCases, type Summary } from './runner.ts';

/** The messages of a process that runs cases to its supervisor. */
export type FromChild =
  | { kind: 'failure'; failure: Failure }
  | { kind: 'crash'; failure: Failure }
  /** What the only case of a run is. */
  | { kind: 'about'; transcript: string }
  | { kind: 'summary'; summary: Summary }
  | { kind: 'alive' };

/** Those from `first` to the one before `end`, or a few. */
export type Cases = { first: number; end: number } | readonly number[];

/** Which cases a process runs; `marks` is an open file where it notes the case of each lane before it begins. */
export interface Task {
  name: string;
  seed: number;
  cases: Cases;
  lanes: number;
}

export const fuzzers = [instanceFuzzer, clientFuzzer];
/** The descriptor of the file of marks in the child. */
export const MARKS = 3;

function tell(message: FromChild): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

/** The place in this repository from which an error came, which names its kind. */
function placeOf(stack: string): string {
  const line = stack.split('\n').find((one) => one.includes('/operator/gateway/') && !one.includes('/fuzz/'));
  return /operator\/gateway\/([\w/.]+:\d+)/.exec(line ?? '')?.[1] ?? 'elsewhere';
}

const range = (first: number, end: number): number[] =>
  Array.from({ length: end - first }, (_, at) => first + at);

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '') as Task;
  const fuzzer = fuzzers.find(({ name }) => name === task.name);
  if (!fuzzer) throw new Error(`no fuzzer is named ${task.name}`);
  let crashed = false;
  // What threw has left the state of its module in the middle of something: nothing that follows would mean anything.
  process.on('uncaughtException', (error: Error & { code?: string }) => {
    if (crashed) return;
    crashed = true;
    const kind = `CRASH: ${error.code ?? error.name} at ${placeOf(error.stack ?? '')}: ${error.message.slice(0, 100)}`;
    const failure = { kind, index: -1, detail: error.stack ?? '', transcript: '', before: [] };
    void tell({ kind: 'crash', failure }).then(() => process.exit(1));
  });
  setInterval(() => void tell({ kind: 'alive' }), 500).unref();
  const mark = Buffer.alloc(4);
  const cases =
    'first' in task.cases ? range(task.cases.first, task.cases.end) : (task.cases as readonly number[]);
  await runCases(fuzzer, {
    ...task,
    cases,
    started: (number, index, lane) => {
      if (cases.length === 1) void tell({ kind: 'about', transcript: lane.transcript() });
      mark.writeUInt32LE(index + 1);
      writeSync(MARKS, mark, 0, 4, number * 4);
    },
    failed: (failure) => {
      if (!crashed) void tell({ kind: 'failure', failure });
    },
    over: (summary) => void tell({ kind: 'summary', summary }),
  });
  await tell({ kind: 'alive' });
  process.exit(0);
}

if (process.send) await main();
