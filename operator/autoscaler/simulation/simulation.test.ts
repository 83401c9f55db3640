import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { page, withTable } from './page.ts';
import { plot } from './plot.ts';
import { type Comparison, compare, costRatio } from './table.ts';
import { recorded, TRAFFIC } from './traffic.ts';

const RETENTION_MS = 900_000;

describe('simulated days', function () {
  this.timeout(180_000);
  let comparisons: readonly Comparison[] = [];
  let cpuSeconds = 0;
  before(() => {
    const start = process.threadCpuUsage();
    comparisons = TRAFFIC.map((traffic) => compare(traffic, RETENTION_MS));
    const { user, system } = process.threadCpuUsage(start);
    cpuSeconds = (user + system) / 1e6;
  });

  it('takes less than five seconds for a day', () => {
    const days = comparisons.length * 3;
    assert.ok(cpuSeconds / days < 5, `${cpuSeconds} s for ${days} days`);
  });

  it('lets requests wait no longer than KPA, at the 99th percentile, in each traffic', () => {
    for (const { traffic, outcomes } of comparisons) {
      const { Homerun, KPA } = outcomes;
      assert.equal(Homerun.requests, KPA.requests, `${traffic.name}: the same requests`);
      assert.ok(Homerun.p99WaitMs <= KPA.p99WaitMs, `${traffic.name}: ${Homerun.p99WaitMs} ms`);
    }
  });

  it('uses at most nine tenths of the instance seconds of KPA, as a mean', () => {
    assert.ok(costRatio(comparisons) <= 0.9, `${costRatio(comparisons)}`);
  });

  it('changes the number less often than HPA in each traffic', () => {
    for (const { traffic, outcomes } of comparisons) {
      const { Homerun, HPA } = outcomes;
      assert.ok(Homerun.changes < HPA.changes, `${traffic.name}: ${Homerun.changes} and ${HPA.changes}`);
    }
  });

  it('is what docs/autoscaling.md says', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../..', page), 'utf8');
    assert.equal(text, withTable(text, comparisons), 'run "make simulate"');
  });

  it('draws a line for each of the rules in each panel', () => {
    const [first] = comparisons;
    const lines = first ? plot(first).match(/<path [^>]*fill="none"/g) : [];
    assert.equal(lines?.length, 7, 'requests once; instances and waits three times');
  });
});

describe('recorded traffic', () => {
  it('is the requests of each minute, over and over', () => {
    const rates = recorded('day.csv', '60,0\n120').rates({ next: () => 0 } as never);
    assert.deepEqual([rates[0], rates[59], rates[60], rates[120], rates[180]], [1, 1, 0, 2, 1]);
  });

  it('names what is not a number of requests', () => {
    assert.throws(
      () => recorded('day.csv', '1,many'),
      /day\.csv: "many" is not a number of requests .* from 0 to 60000/,
    );
    assert.throws(() => recorded('day.csv', '-1'), /"-1"/);
    assert.throws(() => recorded('day.csv', ' '), /day\.csv: no number of requests/);
  });
});
