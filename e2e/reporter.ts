import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';
import type { Beat } from './watchdog/progress.ts';

const {
  EVENT_HOOK_BEGIN,
  EVENT_RUN_BEGIN,
  EVENT_RUN_END,
  EVENT_SUITE_BEGIN,
  EVENT_SUITE_END,
  EVENT_TEST_BEGIN,
  EVENT_TEST_FAIL,
  EVENT_TEST_PASS,
  EVENT_TEST_PENDING,
} = Mocha.Runner.constants;

/** How often a process says that its event loop turns. */
const BEAT_MS = 5_000;

/**
 * A whole line for each file's suite when it ends, as two runs may share a terminal, each failure as it comes, and
 * mocha's own account of failures at the end: a run of more than a thousand tests that pass is not worth a thousand
 * lines. Writes its progress to the file that its option `progress` names, for the watchdog (e2e/watchdog/mocha.ts).
 */
export default class SuiteReporter extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    printSuites(runner);
    tellProgress(runner, options.reporterOptions.progress);
    runner.once(EVENT_RUN_END, () => this.epilogue());
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}

function printSuites(runner: Mocha.Runner): void {
  let passed = 0;
  let failed = 0;
  let startedAt = 0;
  runner.on(EVENT_SUITE_BEGIN, (suite) => {
    if (!suite.parent?.root) return;
    [passed, failed, startedAt] = [0, 0, performance.now()];
  });
  runner.on(EVENT_TEST_PASS, () => {
    passed += 1;
  });
  runner.on(EVENT_TEST_FAIL, (test, error) => {
    failed += 1;
    console.log(`    FAILED ${test.fullTitle()}: ${error.message}`);
  });
  runner.on(EVENT_SUITE_END, (suite) => {
    if (!suite.parent?.root) return;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const failures = failed > 0 ? `, ${failed} FAILED` : '';
    console.log(`  ${suite.title}: ${passed} passed${failures} (${seconds} s)`);
  });
}

function tellProgress(runner: Mocha.Runner, path: string): void {
  const tell = (beat: Beat) => appendFileSync(path, `${JSON.stringify(beat)}\n`);
  let current: Mocha.Runnable | undefined;
  let begunAt = performance.now();
  const begin = (runnable: Mocha.Runnable) => {
    [current, begunAt] = [runnable, performance.now()];
    tell({ test: runnable.fullTitle() });
  };
  // An event loop that turns is no sign of life any more when mocha should have ended the test.
  const beat = () => {
    if (current && performance.now() - begunAt < current.timeout()) tell({});
  };
  const timer = setInterval(beat, BEAT_MS).unref();

  runner.once(EVENT_RUN_BEGIN, () => {
    const files = runner.suite.suites.flatMap(({ file }) => file ?? []);
    tell({ pid: process.pid, files: [...new Set(files)] });
  });
  runner.on(EVENT_SUITE_BEGIN, (suite) => {
    if (suite.parent?.root) tell({ suite: suite.title, file: suite.file });
  });
  runner.on(EVENT_HOOK_BEGIN, begin);
  runner.on(EVENT_TEST_BEGIN, begin);
  runner.on(EVENT_TEST_PASS, () => tell({ result: 'passed' }));
  runner.on(EVENT_TEST_FAIL, (test, error) => {
    tell({ result: 'failed', failure: `${test.fullTitle()}: ${firstLine(error.message)}` });
  });
  runner.on(EVENT_TEST_PENDING, (test) =>
    tell({ result: 'skipped', failure: `${test.fullTitle()}: skipped` }),
  );
  runner.once(EVENT_RUN_END, () => {
    clearInterval(timer);
    tell({ complete: true });
  });
}
