import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { EPOCH, revision } from '../../testing/serving.ts';
import { expiredRevisions } from './history.ts';

const DAY = 86_400_000;
const limits = {
  minNonActive: 2,
  maxNonActive: 5,
  retainSinceCreateSeconds: 86_400,
  retainSinceActiveSeconds: 0,
};
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => revision(`hello-${i + 1}`, { generation: i + 1 }));
const names = (revisions: ReturnType<typeof many>) => revisions.map(({ metadata }) => metadata.name).sort();

describe('expiredRevisions', () => {
  it('keeps the newest spare ones however old they are', () => {
    const gone = expiredRevisions({ revisions: many(4), referenced: new Set() }, limits, EPOCH + 2 * DAY);
    assert.deepEqual(names(gone), ['hello-1', 'hello-2']);
  });

  it('keeps young ones up to the most that may be kept', () => {
    const gone = expiredRevisions({ revisions: many(8), referenced: new Set() }, limits, EPOCH + 1000);
    assert.deepEqual(names(gone), ['hello-1', 'hello-2', 'hello-3']);
  });

  it('never gives up a revision with traffic or tag, and never keeps more spare ones than allowed', () =>
    fc.assert(
      fc.property(
        fc.nat(30),
        fc.uniqueArray(fc.integer({ min: 1, max: 30 })),
        fc.nat(10),
        (count, kept, days) => {
          const referenced = new Set(kept.map((i) => `hello-${i}`));
          const revisions = many(count);
          const gone = new Set(
            names(expiredRevisions({ revisions, referenced }, limits, EPOCH + days * DAY)),
          );
          const spare = revisions.filter(({ metadata }) => !referenced.has(metadata.name));
          for (const name of referenced) assert.ok(!gone.has(name));
          assert.ok(spare.length - gone.size <= limits.maxNonActive);
          assert.ok(spare.length - gone.size >= Math.min(spare.length, limits.minNonActive));
        },
      ),
    ));
});
