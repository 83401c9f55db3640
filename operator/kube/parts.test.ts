import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { joined } from './parts.ts';

describe('the parts of a text', () => {
  it('are joined in their order, small or large', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.integer({ min: 0, max: 700_000 }).map((length) => Buffer.alloc(length, 'x')),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (given) => {
        const parts = given.map((bytes) => Buffer.from(bytes));
        deepEqual(Buffer.compare(joined(parts), Buffer.concat(parts)), 0);
      }),
    );
  });
});
