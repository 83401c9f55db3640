import assert from 'node:assert/strict';
import fc from 'fast-check';
import { shared } from './share.ts';

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('shared', () => {
  it('keeps what two objects have in common once', () => {
    const first = {
      metadata: { name: 'a' },
      spec: { containers: [{ env: [{ name: 'X', value: '1' }, { name: 'Y' }] }] },
    };
    const second = copy(first);
    second.metadata.name = 'b';
    (second.spec.containers[0]?.env[1] as { name: string }).name = 'Z';
    const wanted = copy(second);
    const result = shared(second, first);
    assert.deepEqual(result, wanted);
    assert.equal(result.spec.containers[0]?.env[0], first.spec.containers[0]?.env[0]);
    assert.notEqual(result.spec.containers[0], first.spec.containers[0]);
    assert.equal(first.metadata.name, 'a');
  });

  it('gives the other one where all is equal', () => {
    const first = { a: [1, { b: 'c' }], d: {} };
    assert.equal(shared(copy(first), first), first);
  });

  it('changes nothing of what an object says, nor of the other', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (next, like) => {
        const [wanted, before] = [JSON.stringify(next), JSON.stringify(like)];
        assert.equal(JSON.stringify(shared(JSON.parse(wanted), like)), wanted === before ? before : wanted);
        assert.equal(JSON.stringify(like), before);
      }),
    );
  });
});
