import assert from 'node:assert/strict';
import { type RevisionSeries, registry, setGatewaySource } from '../metrics.ts';

describe('series of revisions', () => {
  const revision = (name: string): RevisionSeries => ({
    namespace: 'ns',
    revision: name,
    classes: [0, 3, 0, 0, 1],
    inFlight: 2,
    queued: 1,
    latency: [1, 3],
    latencySum: 0.5,
    parts: [
      ['queue', 0],
      ['upstream', 0.25],
    ],
    errors: [['deadline', 1]],
  });
  let revisions: RevisionSeries[];
  let reads: number;

  beforeEach(() => {
    revisions = [revision('a')];
    reads = 0;
    setGatewaySource({
      bounds: [0.1],
      read: () => {
        reads++;
        return revisions;
      },
      unserved: () => ({ revisions: 0, instances: 0 }),
    });
  });

  after(() =>
    setGatewaySource({ bounds: [], read: () => [], unserved: () => ({ revisions: 0, instances: 0 }) }),
  );

  const lines = async (name: string) =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith(`homerun_gateway_${name}{`));

  it('show what is counted', async () => {
    assert.deepEqual(await lines('requests_total'), [
      'homerun_gateway_requests_total{namespace="ns",revision="a",class="2xx"} 3',
      'homerun_gateway_requests_total{namespace="ns",revision="a",class="5xx"} 1',
    ]);
    assert.deepEqual(await lines('time_seconds_total'), [
      'homerun_gateway_time_seconds_total{namespace="ns",revision="a",part="queue"} 0',
      'homerun_gateway_time_seconds_total{namespace="ns",revision="a",part="upstream"} 0.25',
    ]);
    assert.deepEqual(await lines('errors_total'), [
      'homerun_gateway_errors_total{namespace="ns",revision="a",cause="deadline"} 1',
    ]);
  });

  it('are read once for a scrape, and again for the next', async () => {
    await registry.metrics();
    assert.equal(reads, 1);
    await new Promise(setImmediate);
    revisions = [revision('b')];
    assert.deepEqual(await lines('in_flight'), ['homerun_gateway_in_flight{namespace="ns",revision="b"} 2']);
    assert.equal(reads, 2);
  });
});
