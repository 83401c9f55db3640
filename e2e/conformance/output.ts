/** How a test ended; `unfinished` when its suite did before it. */
export type Outcome = 'passed' | 'failed' | 'skipped' | 'unfinished';

export interface Result {
  name: string;
  outcome: Outcome;
  seconds: number;
  /** What the test and its subtests logged. */
  log: string[];
}

const OUTCOMES: Record<string, Outcome> = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' };
/** The test that the lines from here on belong to; parallel tests take turns. */
const TURN = /^=== (?:RUN|PAUSE|CONT|NAME) +(\S+)$/;
/** The end of a test; a subtest's is indented and follows its parent's. */
const END = /^ *--- (PASS|FAIL|SKIP): (\S+) \((\d+\.\d+)s\)$/;

/**
 * Follows what a Go test binary prints with `-test.v`, which reports tests that run at the same time in turns. A test
 * is known by its own name, without its subtests'; one of which a part was skipped counts as skipped.
 */
export class Output {
  readonly #results = new Map<string, Result>();
  readonly #ended: (result: Result) => void;
  #current: Result | undefined;
  /** Ended, but its subtests' ends may follow. */
  #ending: Result | undefined;

  /**
   * @param tests names of the tests that are to run.
   * @param ended called once for each test.
   */
  constructor(tests: readonly string[], ended: (result: Result) => void) {
    this.#ended = ended;
    for (const name of tests) this.#results.set(name, { name, outcome: 'unfinished', seconds: 0, log: [] });
  }

  line(text: string): void {
    const turn = TURN.exec(text)?.[1];
    const end = END.exec(text);
    const name = turn ?? end?.[2];
    if (name === undefined) {
      this.#current?.log.push(text);
      return;
    }
    this.#current = this.#results.get(name.replace(/\/.*/s, ''));
    if (this.#current !== this.#ending) this.#finish();
    if (end && this.#current) this.#end(this.#current, end);
  }

  /** The binary has ended: gives every test's result, those that never came included. */
  close(): Result[] {
    this.#finish();
    const results = [...this.#results.values()];
    for (const result of results) if (result.outcome === 'unfinished') this.#ended(result);
    return results;
  }

  #end(result: Result, [line, word = '', name, seconds]: RegExpExecArray): void {
    const outcome = OUTCOMES[word] ?? 'failed';
    if (name !== result.name) {
      result.log.push(line);
      if (outcome === 'skipped' && result.outcome === 'passed') result.outcome = 'skipped';
      return;
    }
    result.outcome = outcome;
    result.seconds = Number(seconds);
    this.#ending = result;
  }

  #finish(): void {
    if (this.#ending) this.#ended(this.#ending);
    this.#ending = undefined;
  }
}
