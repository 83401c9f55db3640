import assert from 'node:assert/strict';
import type { MemoryKill } from '../diagnosis/memory.ts';
import { MemoryWatch } from './memoryWatch.ts';

const START = 1_000_500;
const kill = (id: string, at: number): MemoryKill => ({ id, what: 'memory', at });

describe('MemoryWatch', () => {
  const early = kill('early', START - 60_000);
  const one = kill('one', START + 1000);
  const two = kill('two', START + 2000);
  let watch: MemoryWatch;
  beforeEach(() => {
    watch = new MemoryWatch(START);
  });

  it('reports each kill once, for as long as it can be seen', () => {
    assert.deepEqual(watch.fresh('a', [one]), [one]);
    assert.deepEqual(watch.fresh('a', [one]), []);
    assert.deepEqual(watch.fresh('a', [one, two]), [two]);
  });

  it('does not repeat what was reported before a restart of the controller', () => {
    assert.deepEqual(watch.fresh('a', [early]), []);
  });

  it('reports what happened within its first second, which the kubelet rounds down', () => {
    const now = kill('now', 1_000_000);
    assert.deepEqual(watch.fresh('a', [now]), [now]);
  });

  it('keeps revisions apart, and forgets those that go', () => {
    watch.fresh('a', [one]);
    assert.deepEqual(watch.fresh('b', [one]), [one]);
    watch.forget('a');
    assert.deepEqual(watch.fresh('a', [one]), [one]);
  });
});
