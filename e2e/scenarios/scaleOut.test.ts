import assert from 'node:assert/strict';
import { readyCondition } from '../../operator/kube/pod.ts';
import { podsOf, revisionsOf } from '../lib/cluster.ts';
import { InstanceWatch } from '../lib/instances.ts';
import { constantLoad, type Outcome, percentile } from '../lib/load.ts';
import { readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const KNATIVE = 'autoscaling.knative.dev';
const IDLE = `${KNATIVE}/scale-to-zero-pod-retention-period`;
/** The shortest time over which load is averaged. */
const WINDOW = { [`${KNATIVE}/window`]: '6s' };

const SERVICES = {
  capped: { concurrency: 1, annotations: { [IDLE]: '60s', [`${KNATIVE}/maxScale`]: '3' } },
  single: {
    concurrency: 1,
    annotations: {
      ...{ ...WINDOW, [IDLE]: '5s' },
      ...{ [`${KNATIVE}/minScale`]: '1', [`${KNATIVE}/maxScale`]: '5' },
    },
  },
  // Few requests at once, and a target that is reached without taking a processor from all else that runs here.
  calculating: {
    annotations: { ...WINDOW, [IDLE]: '60s', 'run.googleapis.com/scaling-cpu-target': '0.1' },
  },
};
type Name = keyof typeof SERVICES;

describe('instances under load', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-scale-out');
  const urls = {} as Record<Name, string>;
  let instances: InstanceWatch;
  // They take their time, and none needs much of a processor: all run at once from the beginning.
  let capped: Promise<Capped>;
  let single: Promise<Single>;
  let calculating: Promise<Outcome>;
  const enough = new AbortController();

  const last = (name: Name) => instances.asked(name).at(-1)?.count ?? 0;

  before(async () => {
    const { client, namespace, visitor } = suite;
    instances = new InstanceWatch(client, namespace);
    const apply = async (name: Name) => {
      urls[name] = (await readyService(client, namespace, name, SERVICES[name])).url;
    };
    await Promise.all([apply('capped'), apply('single'), apply('calculating')]);
    capped = beyondTheMaximum();
    single = oneAtATime();
    calculating = constantLoad(visitor, `${urls.calculating}/busy?ms=30`, 10, enough.signal);
    // Each is awaited in its own test.
    void Promise.allSettled([capped, single, calculating]);
  });
  after(() => instances.stop());

  interface Capped {
    held: number[];
    waited: { status: number; ms: number }[];
  }

  /** Three requests that stay for long, and five for which there is no instance. */
  async function beyondTheMaximum(): Promise<Capped> {
    const ask = (path: string) => suite.visitor.ask(`${urls.capped}${path}`);
    const held = Promise.all([1, 2, 3].map(() => ask('/sleep?ms=25000')));
    await until('three instances', () => last('capped') === 3);
    const waited = await Promise.all([1, 2, 3, 4, 5].map(() => ask('/')));
    return { held: (await held).map(({ status }) => status), waited };
  }

  interface Single {
    /** Milliseconds that requests took longer than the program, where an instance was idle. */
    added: number[];
    /** What came first: as few instances as the one request that was left needs, or its end. */
    first: 'few' | 'end';
    long: number;
  }

  /** One request after the other, then a long one with others beside it, which is alone in the end. */
  async function oneAtATime(): Promise<Single> {
    const ask = (ms: number) => suite.visitor.ask(`${urls.single}/sleep?ms=${ms}`);
    const added: number[] = [];
    for (let i = 0; i < 10; i++) added.push((await ask(1000)).ms - 1000);
    await until('an idle instance', async () => {
      const pods = await podsOf(suite.client, suite.namespace, 'single');
      return pods.filter(readyCondition).length > 1;
    });
    const long = ask(40_000);
    for (let i = 0; i < 8; i++) {
      added.push((await ask(500)).ms - 500);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    // 60 % of one request is wanted in each: two for one.
    const few = until('two instances', () => last('single') === 2).then(() => 'few' as const);
    const first = await Promise.race([few, long.then(() => 'end' as const)]);
    return { added, first, long: (await long).status };
  }

  it('are never more than the maximum, and what waits too long for one of them gets a 429', async () => {
    const { held, waited } = await capped;
    assert.deepEqual(held, [200, 200, 200]);
    assert.deepEqual(
      waited.map(({ status }) => status),
      [429, 429, 429, 429, 429],
    );
    assert.ok(waited.every(({ ms }) => ms >= 10_000));
    assert.equal(Math.max(...instances.asked('capped').map(({ count }) => count)), 3);
    assert.equal(instances.pods('capped').size, 3);
  });

  it('take a request without waiting while one is idle, and are no more than a long one needs when it is alone', async () => {
    const { added, first, long } = await single;
    // The start of an instance takes longer, also where much else runs.
    assert.ok(percentile(added, 0.5) < 250, `${added}`);
    assert.ok(Math.max(...added) < 1000, `${added}`);
    assert.deepEqual([first, long], ['few', 200]);
  });

  it('are added for the CPU that few requests use', async () => {
    const { client, namespace } = suite;
    const said = new Set<string>();
    const reason = await until('the reason', async () => {
      const [revision] = await revisionsOf(client, namespace, 'calculating');
      const scaling = revision?.status?.scaling ?? '';
      said.add(scaling);
      return /^[2-9] instances by CPU: .*CPU \d+ %/.test(scaling);
    }).catch((error) => error);
    assert.equal(reason, true, [...said].join('\n'));
    enough.abort();
    assert.deepEqual((await calculating).failures, []);
    assert.ok(last('calculating') >= 2);
  });
});
