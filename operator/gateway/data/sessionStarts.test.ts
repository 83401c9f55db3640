import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { until } from '../../testing/until.ts';
import { SessionStarts } from './sessionStarts.ts';

describe('SessionStarts', () => {
  it('starts the only one in the same turn of the event loop, also when it has just come', async () => {
    const starts = new SessionStarts();
    let started = false;
    starts.accepted();
    starts.add(() => (started = true));
    await turn();
    assert.equal(started, true);
  });

  it('starts one a turn, in their order', async () => {
    const starts = new SessionStarts();
    const started: number[] = [];
    for (let i = 0; i < 20; i++) starts.add(() => started.push(i));
    await turn();
    assert.deepEqual(started, [0]);
    await until('all have started', () => started.length === 20);
    assert.deepEqual(
      started,
      [...started].sort((a, b) => a - b),
    );
  });

  it('starts few while connections come, but never none', async () => {
    const starts = new SessionStarts();
    let started = 0;
    let turns = 0;
    for (let i = 0; i < 3; i++) starts.add(() => started++);
    while (started < 3) {
      starts.accepted();
      await turn();
      turns++;
    }
    assert.ok(turns > 10, `${turns}`);
  });
});
