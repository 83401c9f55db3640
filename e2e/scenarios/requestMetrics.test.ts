import assert from 'node:assert/strict';
import { allPodsOf } from '../lib/cluster.ts';
import { seriesOf } from '../lib/roles.ts';
import { readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const IDLE = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period';

describe('metrics of requests', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-request-metrics');

  it('has the time of requests by part, and what became of them', async () => {
    const { client, visitor, namespace } = suite;
    const { url } = await readyService(client, namespace, 'parts', {
      revision: 'parts-v1',
      timeoutSeconds: 2,
    });
    assert.equal((await visitor.ask(`${url}/sleep?ms=500`)).status, 200);
    assert.equal((await visitor.ask(`${url}/sleep?ms=5000`)).status, 504);
    const value = (name: string, label: string) =>
      seriesOf(client, 'gateway', `${name}{namespace="${namespace}",revision="parts-v1",${label}}`);
    assert.ok((await value('homerun_gateway_time_seconds_total', 'part="upstream"')) >= 0.5);
    assert.ok((await value('homerun_gateway_time_seconds_total', 'part="gateway"')) > 0);
    assert.equal(await value('homerun_gateway_errors_total', 'cause="deadline"'), 1);
  });

  it('has each part of a cold start', async () => {
    const { client, visitor, namespace } = suite;
    const { url } = await readyService(client, namespace, 'cold', { annotations: { [IDLE]: '2s' } });
    await until('no instances', async () => (await allPodsOf(client, namespace, 'cold')).length === 0);
    const count = (part: string) =>
      seriesOf(client, 'gateway', `homerun_gateway_cold_start_seconds_count{part="${part}"}`);
    const parts = ['decide', 'schedule', 'start', 'first_byte'];
    const before = await Promise.all(parts.map(count));
    assert.equal((await visitor.ask(url)).status, 200);
    await until('each part to be measured', async () => {
      const after = await Promise.all(parts.map(count));
      return after.every((measured, i) => measured > (before[i] as number));
    });
  });
});
