import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { nextTurn } from '../../kube/clock.ts';
import { FakeClock } from '../../testing/clock.ts';
import { collectGarbage, GarbageCollection } from './garbage.ts';

describe('GarbageCollection', () => {
  let clock: FakeClock;
  let collected: number;
  let garbage: GarbageCollection;

  beforeEach(() => {
    clock = new FakeClock();
    collected = 0;
    garbage = new GarbageCollection(() => collected++, clock);
  });

  it('collects once after many changes, when they are over', () => {
    for (let second = 0; second < 100; second++) {
      garbage.changed(100);
      clock.advance(1000);
    }
    clock.advance(28_000);
    assert.equal(collected, 0, '29 s after the last one');
    clock.advance(1000);
    assert.equal(collected, 1);
    clock.advance(600_000);
    assert.deepEqual([collected, clock.pending], [1, 0], 'there is nothing new');
  });

  it('collects after few changes only when they have become many', () => {
    garbage.changed(999);
    clock.advance(600_000);
    assert.equal(collected, 0);
    garbage.changed(1);
    clock.advance(30_000);
    assert.equal(collected, 1);
  });
});

describe('collectGarbage', () => {
  it('frees what nothing refers to', async () => {
    const unused = () => new WeakRef(Array.from({ length: 1000 }, (_, index) => ({ index })));
    const first = unused();
    // What a turn of the event loop has looked at lives until its end.
    await nextTurn();
    collectGarbage();
    assert.equal(first.deref(), undefined);
  });

  it('gives the memory back to the system', () => {
    const script = `
      import { collectGarbage } from '${new URL('./garbage.ts', import.meta.url)}';
      const start = process.memoryUsage.rss();
      let objects = Array.from({ length: 1_000_000 }, (_, index) => ({ index }));
      objects = undefined;
      await new Promise(setImmediate);
      const full = process.memoryUsage.rss();
      collectGarbage();
      console.log(JSON.stringify([full - start, process.memoryUsage.rss() - start]));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    const [grown, left] = JSON.parse(output) as [number, number];
    assert.ok(grown > 20e6 && left < grown / 2, `of ${grown} B are ${left} B left`);
  });
});
