import assert from 'node:assert/strict';
import { registry } from '../metrics.ts';
import { watchEventLoop } from './process.ts';

describe('series of the process', () => {
  const valuesOf = async (name: string) => (await registry.getSingleMetric(name)?.get())?.values ?? [];

  it('say what runs', async () => {
    const [{ labels, value } = { labels: {}, value: 0 }] = await valuesOf('homerun_build_info');
    assert.equal(value, 1);
    assert.match(String(labels.version), /^\d+\.\d+\.\d+/);
    assert.equal(labels.node, process.versions.node);
  });

  it('tell the heap and its limit', async () => {
    const heap = new Map(
      (await valuesOf('homerun_heap_bytes')).map(({ labels, value }) => [labels.what, value]),
    );
    const [used = 0, committed = 0, limit = 0] = ['used', 'committed', 'limit'].map((what) => heap.get(what));
    assert.ok(0 < used && used <= committed && committed <= limit, `${used} ${committed} ${limit}`);
  });

  it('tell how late the event loop was since they were last read', async () => {
    assert.deepEqual(await valuesOf('homerun_event_loop_lag_seconds'), [], 'nothing is measured yet');
    watchEventLoop();
    await new Promise((resolve) => setTimeout(resolve, 150));
    const until = performance.now() + 400;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const [{ value: late } = { value: 0 }] = await valuesOf('homerun_event_loop_lag_seconds');
    assert.ok(late >= 0.25, `${late} s`);
  });
});
