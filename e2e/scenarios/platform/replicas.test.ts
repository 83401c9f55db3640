import assert from 'node:assert/strict';
import { gatewayAddress, kubectl, SYSTEM_NAMESPACE } from '../../lib/cluster.ts';
import { Visitor } from '../../lib/http.ts';
import { clientLoad } from '../../lib/load.ts';
import { withReplicas } from '../../lib/roles.ts';
import { readyService } from '../../lib/services.ts';
import { useSuite } from '../../lib/suite.ts';

const SCALE = { min: 'autoscaling.knative.dev/minScale', max: 'autoscaling.knative.dev/maxScale' };
const CLIENTS = 200;

describe('several gateways', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-replicas');

  it('that are replaced lose no request, and never let two into an instance that takes one', async () => {
    const { client, namespace } = suite;
    const annotations = { [SCALE.min]: '1', [SCALE.max]: '1' };
    const { url } = await readyService(client, namespace, 'single', { concurrency: 1, annotations });
    await withReplicas(client, 'gateway', 3, async () => {
      await using visitor = new Visitor(await gatewayAddress(client), CLIENTS);
      const stop = new AbortController();
      const load = clientLoad(visitor, url, CLIENTS, stop.signal);
      const gateways = ['deployment/homerun-gateway', '-n', SYSTEM_NAMESPACE];
      await kubectl(['rollout', 'restart', ...gateways]);
      await kubectl(['rollout', 'status', ...gateways, '--timeout=120s']);
      stop.abort();
      const { sent, failures } = await load;
      assert.deepEqual(failures, []);
      assert.ok(sent > 1000, `only ${sent} requests were sent`);
      const { most } = JSON.parse((await visitor.ask(`${url}/concurrency`)).body);
      assert.equal(most, 1, `of ${sent} requests, so many were in the instance at once`);
    });
  });
});
