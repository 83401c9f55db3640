import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Amounts } from '../shared/usage.ts';
import { Budget, NO_REVISION } from './budget.ts';
import { type Stalled, StalledAnswers } from './stalled.ts';

class Counts implements Amounts {
  readonly cells: number[] = [0, 0, 0, 0];

  get(cell: number): number {
    return this.cells[cell] as number;
  }

  add(cell: number, delta: number): number {
    this.cells[cell] = this.get(cell) + delta;
    return this.get(cell);
  }
}

const LIMIT = 1000;
const step = fc.record({
  revision: fc.integer({ min: NO_REVISION, max: 2 }),
  bytes: fc.integer({ min: 1, max: 400 }),
  pick: fc.nat(),
  back: fc.boolean(),
});

describe('Budget', () => {
  it('is never passed, gives no revision more than half, and gets everything back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const counts = new Counts();
        const budget = new Budget(counts, 3, (revision) => revision, LIMIT);
        const held: { revision: number; bytes: number }[] = [];
        for (const { revision, bytes, pick, back } of steps) {
          const [given] = back ? held.splice(pick % (held.length || 1), 1) : [];
          if (given) budget.give(given.revision, given.bytes);
          else if (!back && budget.take(revision, bytes)) held.push({ revision, bytes });
          const sum = held.reduce((total, part) => total + part.bytes, 0);
          assert.equal(counts.get(3), sum);
          assert.ok(sum <= LIMIT);
          for (let i = 0; i < 3; i++) assert.ok(counts.get(i) <= LIMIT / 2);
        }
        for (const { revision, bytes } of held) budget.give(revision, bytes);
        assert.deepEqual(counts.cells, [0, 0, 0, 0]);
      }),
    );
  });

  it('rejects only what does not fit', () => {
    const budget = new Budget(new Counts(), 3, (revision) => revision, LIMIT);
    assert.equal(budget.take(0, 501), false);
    assert.equal(budget.take(0, 500), true);
    assert.equal(budget.take(0, 1), false);
    assert.equal(budget.take(1, 500), true);
    assert.equal(budget.take(2, 1), false);
    budget.give(0, 1);
    assert.equal(budget.take(2, 1), true);
  });
});

describe('StalledAnswers', () => {
  class Answer implements Stalled {
    readonly revision: number;
    unsent = 0;
    cut = false;
    stalledBytes = 0;
    stalledEarlier: Stalled | undefined;
    stalledLater: Stalled | undefined;

    constructor(revision: number) {
      this.revision = revision;
    }

    abort(): void {
      this.cut = true;
    }
  }

  function setup() {
    const counts = new Counts();
    let cuts = 0;
    const budget = new Budget(counts, 3, (revision) => revision, LIMIT);
    const stalled = new StalledAnswers(budget, () => {
      cuts++;
    });
    const add = (answer: Answer, bytes: number): void => {
      answer.unsent = bytes;
      stalled.add(answer);
    };
    return { counts, stalled, add, cuts: () => cuts };
  }

  it('abort the one that has stalled longest', () => {
    const { counts, add, cuts } = setup();
    const answers = [0, 1, 2].map((revision) => new Answer(revision));
    for (const answer of answers) add(answer, 300);
    add(answers[1] as Answer, 450);
    assert.deepEqual(
      answers.map(({ cut }) => cut),
      [true, false, false],
    );
    assert.deepEqual([counts.cells, cuts()], [[0, 450, 300, 750], 1]);
  });

  it('abort responses of the revision that has more than half', () => {
    const { add } = setup();
    const [other, first, second] = [new Answer(0), new Answer(1), new Answer(1)];
    add(other, 300);
    add(first, 300);
    add(second, 300);
    assert.deepEqual([other.cut, first.cut, second.cut], [false, true, false]);
  });

  it('are saturated when as much as the budget was aborted in one turn of the event loop', async () => {
    const { stalled, add } = setup();
    const answers = [0, 1, 2, 0, 1].map((revision) => new Answer(revision));
    for (const answer of answers.slice(0, 4)) add(answer, 450);
    assert.equal(stalled.saturated, false, '900 of 1000 were broken off');
    add(answers[4] as Answer, 450);
    assert.equal(stalled.saturated, true);
    await new Promise(setImmediate);
    assert.equal(stalled.saturated, false, 'the memory is free');
  });

  it('count what is held, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { counts, stalled, add } = setup();
        const answers = Array.from({ length: 6 }, (_, i) => new Answer(i % 3));
        for (const { bytes, pick, back } of steps) {
          const answer = answers[pick % answers.length] as Answer;
          if (back) stalled.remove(answer);
          else add(answer, bytes);
          const sum = answers.reduce((total, { stalledBytes }) => total + stalledBytes, 0);
          assert.equal(counts.get(3), sum);
          assert.ok(sum <= LIMIT);
        }
        for (const answer of answers) stalled.remove(answer);
        assert.deepEqual(counts.cells, [0, 0, 0, 0]);
      }),
    );
  });
});
