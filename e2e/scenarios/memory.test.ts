import assert from 'node:assert/strict';
import { conditionOf } from '../../operator/apis/condition.ts';
import { EVENTS } from '../../operator/kube/core.ts';
import { podsOf, revisionsOf } from '../lib/cluster.ts';
import { seriesOf } from '../lib/roles.ts';
import { CONTRACT_IMAGES, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const EXCEEDED = /^Memory limit of 64 MiB exceeded/;

describe('the memory limit', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-memory');

  /** A service that stays, with 64 MiB. */
  async function small(name: string): Promise<string> {
    const { url } = await readyService(suite.client, suite.namespace, name, {
      image: CONTRACT_IMAGES.go,
      annotations: { 'autoscaling.knative.dev/minScale': '1' },
      container: { resources: { limits: { cpu: '1', memory: '64Mi' } } },
    });
    return url;
  }

  /** The message of the Warning about an object, once there is one. */
  function warned(kind: string, name: string): Promise<string> {
    const { client, namespace } = suite;
    const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name},reason=OutOfMemory`;
    return until(`an Event about ${kind} ${name}`, async () => {
      const { items } = await client.list(EVENTS, { namespace, fieldSelector });
      return items[0]?.message;
    });
  }

  const exceeded = (what: string) =>
    seriesOf(suite.client, 'controller', `homerun_memory_limit_exceeded_total{what="${what}"}`);

  async function isReported(name: string, what: string, counted: number): Promise<void> {
    const { client, namespace } = suite;
    const [revision] = await revisionsOf(client, namespace, name);
    assert.match(await warned('Revision', revision?.metadata.name ?? ''), EXCEEDED);
    assert.match(await warned('Service', name), EXCEEDED);
    await until('the condition of the revision', async () => {
      const [now] = await revisionsOf(client, namespace, name);
      const condition = conditionOf(now?.status?.conditions, 'MemorySufficient');
      return condition?.status === 'False' && EXCEEDED.test(condition.message ?? '');
    });
    const [now] = await revisionsOf(client, namespace, name);
    assert.equal(conditionOf(now?.status?.conditions, 'Ready')?.status, 'True');
    assert.equal(await exceeded(what), counted + 1);
  }

  it('ends a program that allocates more: the request gets a 500, it is reported everywhere, the next one works', async () => {
    const url = await small('greedy');
    const before = await exceeded('memory');
    assert.equal((await suite.visitor.ask(`${url}/write?mb=1&in=/work`)).status, 200);
    assert.equal((await suite.visitor.ask(`${url}/allocate?mb=300`)).status, 500);
    await isReported('greedy', 'memory', before);
    const again = await suite.visitor.ask(`${url}/allocate?mb=1`);
    assert.deepEqual([again.status, JSON.parse(again.body)], [200, { keptMb: 1 }], 'it began anew');
  });

  it('ends an instance that writes more: files count too', async () => {
    const url = await small('writer');
    const before = await exceeded('files');
    const [first] = await podsOf(suite.client, suite.namespace, 'writer');
    const { status, body } = await suite.visitor.ask(`${url}/write?mb=200&in=/work`);
    assert.equal(status, 200, body);
    await isReported('writer', 'files', before);
    await until('another instance in its place', async () => {
      const pods = await podsOf(suite.client, suite.namespace, 'writer');
      return pods.some(
        ({ metadata, status: now }) => metadata.uid !== first?.metadata.uid && now?.phase === 'Running',
      );
    });
    assert.equal((await suite.visitor.ask(`${url}/write?mb=1&in=/work`)).status, 200);
  });
});
