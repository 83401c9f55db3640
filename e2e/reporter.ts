import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

const { EVENT_RUN_END, EVENT_SUITE_BEGIN, EVENT_SUITE_END, EVENT_TEST_FAIL, EVENT_TEST_PASS } =
  Mocha.Runner.constants;

/**
 * A line for each file's suite, begun when it begins, each failure as it comes, and mocha's own account of failures at
 * the end: a run of more than a thousand tests that pass is not worth a thousand lines. Writes the totals to the file
 * that its option `output` names.
 */
export default class SuiteReporter extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    let passed = 0;
    let failed = 0;
    let startedAt = 0;
    runner.on(EVENT_SUITE_BEGIN, (suite) => {
      if (!suite.parent?.root) return;
      [passed, failed, startedAt] = [0, 0, performance.now()];
      process.stdout.write(`  ${suite.title}: `);
    });
    runner.on(EVENT_TEST_PASS, () => {
      passed += 1;
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      failed += 1;
      process.stdout.write(`\n    FAILED ${test.fullTitle()}: ${error.message}\n  `);
    });
    runner.on(EVENT_SUITE_END, (suite) => {
      if (!suite.parent?.root) return;
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const failures = failed > 0 ? `, ${failed} FAILED` : '';
      console.log(`${passed} passed${failures} (${seconds} s)`);
    });
    runner.once(EVENT_RUN_END, () => {
      this.epilogue();
      const { passes, failures, pending } = this.stats;
      writeFileSync(options.reporterOptions.output, JSON.stringify({ passes, failures, pending }));
    });
  }
}
