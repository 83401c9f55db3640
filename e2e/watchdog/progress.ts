import { existsSync, readFileSync } from 'node:fs';

/** A line that the reporter writes: what began or ended. One that says nothing shows that the process lives. */
export interface Beat {
  /** At the beginning: the process that runs the tests, and all files with tests, in their order. */
  pid?: number;
  files?: string[];
  /** A file's suite began. */
  suite?: string;
  file?: string;
  /** A test or a hook began. */
  test?: string;
  result?: 'passed' | 'failed' | 'skipped';
  /** What has not passed, in a line. */
  failure?: string;
  /** Each test has had its turn. */
  complete?: boolean;
}

/** How far a run of mocha came. */
export interface Progress {
  /** Undefined while it loads files. */
  pid: number | undefined;
  files: string[];
  passed: number;
  /** Skipped tests count as failed. */
  failed: number;
  /** What failed and what was skipped, a line each. */
  failures: string[];
  complete: boolean;
  /** Where it is: suite, file and test that began last. */
  suite: string | undefined;
  file: string | undefined;
  test: string | undefined;
}

/** Reads what a reporter has written to `path` so far; a line that is not complete yet is left out. */
export function readProgress(path: string): Progress {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const lines = text.split('\n').slice(0, -1);
  return progressOf(lines.map((line) => JSON.parse(line) as Beat));
}

/** What beats, in their order, amount to. */
export function progressOf(beats: readonly Beat[]): Progress {
  const results = beats.flatMap(({ result }) => result ?? []);
  const passed = results.filter((result) => result === 'passed').length;
  return {
    pid: beats[0]?.pid,
    files: beats[0]?.files ?? [],
    passed,
    failed: results.length - passed,
    failures: beats.flatMap(({ failure }) => failure ?? []),
    complete: beats.at(-1)?.complete ?? false,
    suite: beats.findLast(({ suite }) => suite !== undefined)?.suite,
    file: beats.findLast(({ file }) => file !== undefined)?.file,
    test: beats.findLast(({ test }) => test !== undefined)?.test,
  };
}

/** The files whose turn had not come. */
export function filesLeft({ files, file }: Progress): string[] {
  return file === undefined ? [] : files.slice(files.lastIndexOf(file) + 1);
}
