import assert from 'node:assert/strict';
import { conditionOf, READY } from '../../operator/apis/condition.ts';
import { SERVICES } from '../../operator/apis/serving/service/types.ts';
import { readyCondition } from '../../operator/kube/pod.ts';
import { podsOf } from '../lib/cluster.ts';
import { constantLoad } from '../lib/load.ts';
import { applyService, helloService, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const READINESS = { readinessProbe: { httpGet: { path: '/ready' }, periodSeconds: 1, failureThreshold: 2 } };

/** Cloud Run, Configure container health checks: readiness probes. */
describe('readiness probes', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-readiness');

  /** Longer than a test takes: until {@link recover}. */
  const UNREADY = '/ready?unready=600000';
  /** Makes the instances of a service ready, which the gateway sends nothing. */
  const recover = async (service: string) => {
    for (const { status } of await podsOf(suite.client, suite.namespace, service))
      await fetch(`http://${status?.podIP}:8080/ready?unready=0`);
  };
  const idOf = async (url: string) => (await suite.visitor.ask(`${url}/id`)).body;

  it('keep new requests from an instance until it passes again, and lose none', async () => {
    const { client, namespace, visitor } = suite;
    const annotations = { 'autoscaling.knative.dev/minScale': '2' };
    const { url } = await readyService(client, namespace, 'two', { annotations, container: READINESS });
    const seen = new Set<string>();
    await until('both instances to serve', async () => seen.add(await idOf(url)).size === 2);
    const stop = new AbortController();
    const load = constantLoad(visitor, `${url}/id`, 50, stop.signal);
    const long = Array.from({ length: 4 }, () => visitor.ask(`${url}/sleep?ms=12000`));
    const failing = (await visitor.ask(`${url}${UNREADY}`)).body;
    await until('it gets nothing any more', async () => {
      for (let i = 0; i < 20; i++) if ((await idOf(url)) === failing) return false;
      return true;
    });
    for (const { status } of await Promise.all(long)) assert.equal(status, 200, 'what was in flight went on');
    assert.notEqual(await idOf(url), failing, 'it is still not ready');
    await recover('two');
    await until('it gets requests again', async () => (await idOf(url)) === failing);
    stop.abort();
    assert.deepEqual((await load).failures, []);
  });

  it('make requests wait while no instance is ready, and reject them as without instances', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'one', { container: READINESS });
    await visitor.ask(`${url}${UNREADY}`);
    const rejected = await until('it gets nothing any more', async () => {
      const answer = await visitor.ask(url);
      return answer.status !== 200 && answer;
    });
    assert.equal(rejected.status, 429);
    assert.ok(rejected.ms >= 9000, `it waited ${rejected.ms} ms`);
    await recover('one');
    await until('it serves again', async () => (await visitor.ask(url)).status === 200);
  });

  it('hold a revision back, although its pod has none of the ingress container', async () => {
    const { client, namespace } = suite;
    const readinessProbe = { httpGet: { path: '/status?code=503' }, periodSeconds: 1 };
    await applyService(client, helloService(namespace, 'held', { container: { readinessProbe } }));
    const pod = await until('a pod that the kubelet calls ready', async () =>
      (await podsOf(client, namespace, 'held')).find(readyCondition),
    );
    assert.deepEqual(
      pod.spec?.containers.filter((container) => container.readinessProbe),
      [],
    );
    const service = await client.get(SERVICES, { namespace, name: 'held' });
    assert.equal(conditionOf(service?.status?.conditions, READY)?.status, 'Unknown');
  });
});
