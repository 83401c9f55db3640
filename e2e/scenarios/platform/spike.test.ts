import assert from 'node:assert/strict';
import { LEASES } from '../../../operator/kube/core.ts';
import { allPodsOf, gatewayAddress, SYSTEM_NAMESPACE } from '../../lib/cluster.ts';
import { type Answer, Visitor } from '../../lib/http.ts';
import { type Asked, InstanceWatch } from '../../lib/instances.ts';
import { constantLoad } from '../../lib/load.ts';
import { killRole, metricsOf, podsOfRole } from '../../lib/roles.ts';
import { readyService } from '../../lib/services.ts';
import { useSuite } from '../../lib/suite.ts';
import { until } from '../../lib/wait.ts';

const REQUESTS = 200;
const CONCURRENCY = 10;
const WANTED = REQUESTS / CONCURRENCY;
const IDLE_MS = 6_000;
/** The autoscaler looks once a second: a request that ended since then was the last one for so much longer. */
const ROUND_MS = 1_000;

/** It needs all of the machine, and kills the controller. */
describe('a spike from no instances to twenty', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-spike');
  let instances: InstanceWatch;
  let crowd: Visitor;
  let url: string;

  before(async () => {
    const { client, namespace } = suite;
    instances = new InstanceWatch(client, namespace);
    crowd = new Visitor(await gatewayAddress(client), REQUESTS);
    const annotations = {
      'autoscaling.knative.dev/scale-to-zero-pod-retention-period': `${IDLE_MS / 1000}s`,
    };
    ({ url } = await readyService(client, namespace, 'spiky', { concurrency: CONCURRENCY, annotations }));
  });
  after(async () => {
    instances?.stop();
    await crowd?.[Symbol.asyncDispose]();
  });

  interface Spike {
    answers: Promise<Answer[]>;
    /** From the first request until so many instances were asked for. */
    raisedMs: number;
    /** The numbers that have been asked for since. */
    asked: () => readonly Asked[];
    /** UIDs of the instances that were made since. */
    made: () => string[];
  }

  /** All requests at once, until as many instances are asked for as take them. */
  async function spike(): Promise<Spike> {
    const { client, namespace } = suite;
    await until('no instances', async () => (await allPodsOf(client, namespace, 'spiky')).length === 0);
    const [earlier, gone] = [instances.asked('spiky').length, instances.pods('spiky')];
    const asked = () => instances.asked('spiky').slice(earlier);
    const made = () => [...instances.pods('spiky')].filter((uid) => !gone.has(uid));
    const start = performance.now();
    const answers = Promise.all(Array.from({ length: REQUESTS }, () => crowd.ask(`${url}/sleep?ms=1000`)));
    const enough = () => asked().find(({ count }) => count >= WANTED);
    const { at } = await until('instances for all requests', enough, { everyMs: 10 });
    return { answers, raisedMs: at - start, asked, made };
  }

  /** All answered, by so many instances and no others, which went when the idle time since `lastAt` was over. */
  async function endsWell({ answers, asked, made }: Spike, lastAt: number): Promise<void> {
    assert.deepEqual([...new Set((await answers).map(({ status }) => status))], [200]);
    await until('no instances to be asked for', () => asked().at(-1)?.count === 0);
    const counts = asked().map(({ count }) => count);
    assert.equal(Math.max(...counts), WANTED);
    const lowered = asked()[counts.indexOf(WANTED) + 1];
    const kept = (lowered?.at ?? 0) - lastAt;
    assert.ok(kept >= IDLE_MS - ROUND_MS, `after ${kept} ms ${lowered?.count} were asked for`);
    assert.equal(made().length, WANTED);
  }

  it('asks for all within two seconds, loses no request, and goes back after the idle time', async () => {
    const spiked = await spike();
    await spiked.answers;
    await endsWell(spiked, performance.now());
    assert.ok(spiked.raisedMs <= 2_000, `${spiked.raisedMs} ms`);
  });

  it('loses no request when the controller is killed, and has the same instances when it is back', async () => {
    const { client, visitor } = suite;
    const spiked = await spike();
    const killed = new Set((await killRole(client, 'controller')).map(({ metadata }) => metadata.name));
    const isGone = async () =>
      (await podsOfRole(client, 'controller')).every(({ metadata }) => !killed.has(metadata.name));
    await until('the controller to be gone', isGone);
    // More requests at once than those of the spike would want more instances.
    await spiked.answers;
    const stop = new AbortController();
    const load = constantLoad(visitor, `${url}/sleep?ms=500`, 20, stop.signal);
    await until('the decision of another controller', async () => {
      const ref = { namespace: SYSTEM_NAMESPACE, name: 'homerun-controller' };
      const leader = (await client.get(LEASES, ref))?.spec?.holderIdentity ?? '';
      if (killed.has(leader)) return false;
      return /^homerun_revision_scaling_rule\{.*revision="spiky-/m.test(await metricsOf(leader));
    });
    stop.abort();
    assert.deepEqual((await load).failures, []);
    await endsWell(spiked, performance.now());
  });
});
