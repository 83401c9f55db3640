import assert from 'node:assert/strict';
import { Output, type Result } from './output.ts';

interface Case {
  reason: string;
  tests: string[];
  lines: string[];
  /** Name, outcome and log of each test, in the order in which they are reported. */
  reported: [name: string, outcome: Result['outcome'], log: string[]][];
}

const CASES: Record<string, Case> = {
  'tests in turns': {
    reason: 'each line belongs to the test whose turn it is, whatever began in between',
    tests: ['TestA', 'TestB'],
    lines: [
      '=== RUN   TestA',
      '=== PAUSE TestA',
      '=== RUN   TestB',
      '    b.go:1: first',
      '=== NAME  TestA',
      '    a.go:1: second',
      '--- FAIL: TestA (1.50s)',
      '=== NAME  TestB',
      '    b.go:2: third',
      '--- PASS: TestB (2.00s)',
      'FAIL',
    ],
    reported: [
      ['TestA', 'failed', ['    a.go:1: second']],
      ['TestB', 'passed', ['    b.go:1: first', '    b.go:2: third', 'FAIL']],
    ],
  },
  subtests: {
    reason: 'they are a part of their test, and what ended within it is reported with it',
    tests: ['TestA'],
    lines: [
      '=== RUN   TestA',
      '=== RUN   TestA/one',
      '    a.go:1: inside',
      '--- FAIL: TestA (0.00s)',
      '    --- FAIL: TestA/one (3.10s)',
      '    --- PASS: TestA/two (0.20s)',
    ],
    reported: [
      [
        'TestA',
        'failed',
        ['    a.go:1: inside', '    --- FAIL: TestA/one (3.10s)', '    --- PASS: TestA/two (0.20s)'],
      ],
    ],
  },
  'a subtest is skipped': {
    reason: 'a test of which a part did not run has not passed',
    tests: ['TestA'],
    lines: ['--- PASS: TestA (0.00s)', '    --- SKIP: TestA/one (0.00s)', 'PASS'],
    reported: [['TestA', 'skipped', ['    --- SKIP: TestA/one (0.00s)', 'PASS']]],
  },
  'a program prints what looks like an end': {
    reason: 'only what is one line of its own and names a test counts',
    tests: ['TestA'],
    lines: ['=== RUN   TestA', '    a.go:1: saw --- PASS: TestA (0.00s)', '--- PASS: TestOther (0.00s)'],
    reported: [['TestA', 'unfinished', ['    a.go:1: saw --- PASS: TestA (0.00s)']]],
  },
  'the suite ends early': {
    reason: 'a test whose end was never printed is reported too, or a panic would hide the rest',
    tests: ['TestA', 'TestB'],
    lines: ['=== RUN   TestA', '--- PASS: TestA (0.10s)', '=== RUN   TestB', 'panic: test timed out'],
    reported: [
      ['TestA', 'passed', []],
      ['TestB', 'unfinished', ['panic: test timed out']],
    ],
  },
};

describe('output of a Go test binary', () => {
  for (const [name, { reason, tests, lines, reported }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const seen: Result[] = [];
      const output = new Output(tests, (result) => seen.push(result));
      for (const line of lines) output.line(line);
      const results = output.close();
      assert.deepEqual(
        seen.map((result) => [result.name, result.outcome, result.log]),
        reported,
      );
      assert.deepEqual(
        results.map((result) => result.name),
        tests,
      );
    });
  }
});
