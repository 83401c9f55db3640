import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deepEqual } from '../../kube/json.ts';
import { patched } from '../testing/patch.ts';
import { patchBetween } from './jsonPatch.ts';

describe('patchBetween', () => {
  it('names only what differs, with keys as JSON pointers write them', () => {
    const from = { keep: { a: 1 }, list: [{ a: 1 }, { b: 2 }], old: 1, 'a/b~c': 1 };
    const to = { keep: { a: 1 }, list: [{ a: 1, n: 0 }, { b: 2 }], 'a/b~c': 2, made: { x: [] } };
    assert.deepEqual(patchBetween(from, to), [
      { op: 'add', path: '/list/0/n', value: 0 },
      { op: 'replace', path: '/a~1b~0c', value: 2 },
      { op: 'add', path: '/made', value: { x: [] } },
      { op: 'remove', path: '/old' },
    ]);
  });

  it('turns any JSON into any other, and says nothing when they are equal', () => {
    // The test's own way of applying a patch assigns keys, and this one would set a prototype.
    const json = fc
      .jsonValue({ maxDepth: 4 })
      .filter((value) => !JSON.stringify(value).includes('__proto__'));
    fc.assert(
      fc.property(json, json, (from, to) => {
        assert.deepEqual(patched(from, patchBetween(from, to)), to);
        assert.equal(patchBetween(from, to).length === 0, deepEqual(from, to));
      }),
      { numRuns: 2_000 },
    );
  });
});
