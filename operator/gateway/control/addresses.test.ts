import assert from 'node:assert/strict';
import fc from 'fast-check';
import { gatewayAddresses } from '../../telemetry/metrics.ts';
import { silent } from '../../testing/until.ts';
import { EarlyAddresses } from './addresses.ts';
import type { CompiledPod } from './compile.ts';
import { Instances } from './instances.ts';
import { RouteTable } from './routeTable.ts';

const REVISION = 'ns/hello-1';
const compiled = {
  limit: 80,
  timeoutMs: 1000,
  protocol: 'http1' as const,
  port: 8080,
  check: { attempt: { kind: 'tcp' as const, port: 8080, timeoutMs: 1000 }, delayMs: 0 },
};

function pod(uid: string, changes: Partial<CompiledPod> = {}): CompiledPod {
  const key = `ns/${uid}`;
  const common = {
    key,
    uid,
    name: uid,
    revision: REVISION,
    leaving: false,
    held: false,
    container: undefined,
  };
  return { ...common, ip: undefined, node: 'n1', ...changes };
}

describe('EarlyAddresses', () => {
  let instances: Instances;
  let early: EarlyAddresses;
  /** Addresses that are dialled now, in the order of their first packets. */
  let dialled: { ip: string; signal: AbortSignal }[];
  let before: Record<string, number>;

  const dialling = () => dialled.filter(({ signal }) => !signal.aborted).map(({ ip }) => ip);
  const see = (each: CompiledPod) => early.setPod(each.key, each);
  const outcomes = async (): Promise<Record<string, number>> => {
    const { values } = await gatewayAddresses.get();
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.outcome), value]));
  };
  const counted = async () => {
    const now = Object.entries(await outcomes()).map(([name, value]) => [name, value - (before[name] ?? 0)]);
    return Object.fromEntries(now.filter(([, value]) => value !== 0));
  };

  /** Begins without any pod and address. */
  const begin = () => {
    dialled = [];
    instances = new Instances({
      table: new RouteTable(),
      counts: { applied: () => Number.POSITIVE_INFINITY, inFlight: () => 0, waiting: () => 0 },
      startLimitMs: 1000,
      log: silent,
      probe: (ip, _check, { signal }) => {
        dialled.push({ ip, signal });
        return new Promise(() => {});
      },
    });
    instances.setRevision(REVISION, compiled);
    early = new EarlyAddresses(instances);
  };

  beforeEach(async () => {
    before = await outcomes();
    begin();
  });

  it('dials a pod at the address that its node reports, until the API shows one', async () => {
    see(pod('p1'));
    early.take({ p1: '10.0.0.1' }, 'n1', 0);
    assert.deepEqual(dialling(), ['10.0.0.1']);
    see(pod('p1', { container: 'c1' }));
    assert.equal(dialled.length, 1, 'an event without an address changes nothing');
    see(pod('p1', { ip: '10.0.0.1' }));
    assert.deepEqual(
      [dialled.length, dialling()],
      [2, ['10.0.0.1']],
      'it is dialled anew: a packet may be lost',
    );
    see(pod('p1', { ip: '10.0.0.1', container: 'c1' }));
    assert.equal(dialled.length, 2);
    assert.deepEqual(await counted(), { used: 1 });
  });

  it('uses an address that comes before the pod, and before the pod is scheduled', async () => {
    early.take({ p1: '10.0.0.1' }, 'n1', 0);
    see(pod('p1', { node: undefined }));
    assert.deepEqual(dialling(), []);
    see(pod('p1'));
    assert.deepEqual(dialling(), ['10.0.0.1']);
    early.tick(60_000);
    see(pod('p1', { container: 'c1' }));
    assert.deepEqual(dialling(), ['10.0.0.1'], 'it stays while the API shows none');
  });

  it('believes the API where it shows another address', async () => {
    see(pod('p1'));
    early.take({ p1: '10.0.0.1' }, 'n1', 0);
    see(pod('p1', { ip: '10.0.0.2' }));
    early.take({ p1: '10.0.0.3' }, 'n1', 0);
    assert.deepEqual(dialling(), ['10.0.0.2']);
    assert.deepEqual(await counted(), { used: 1, wrong: 1, late: 1 });
  });

  it('dials the new address of a pod whose sandbox is made anew, and none while it has lost its own', () => {
    see(pod('p1'));
    early.take({ p1: '10.0.0.1' }, 'n1', 0);
    early.take({ p1: '10.0.0.2' }, 'n1', 0);
    assert.deepEqual(dialling(), ['10.0.0.2']);
    early.take({ p1: '' }, 'n1', 0);
    see(pod('p1', { container: 'c1' }));
    assert.deepEqual(dialling(), []);
  });

  const unused: Record<string, { reason: string; outcome: object; run: () => void }> = {
    'of a pod of another node': {
      reason: 'a node speaks for its own pods alone',
      outcome: { rejected: 1 },
      run: () => {
        see(pod('p1'));
        early.take({ p1: '10.0.0.1' }, 'n2', 0);
      },
    },
    'of a pod that turns out to be of another node': {
      reason: 'it was reported before the pod was scheduled',
      outcome: { rejected: 1 },
      run: () => {
        early.take({ p1: '10.0.0.1' }, 'n2', 0);
        see(pod('p1'));
      },
    },
    'that another pod has': {
      reason: 'what the API shows is certain',
      outcome: { rejected: 1 },
      run: () => {
        see(pod('p2', { ip: '10.0.0.1', held: true }));
        see(pod('p1'));
        early.take({ p1: '10.0.0.1' }, 'n1', 0);
      },
    },
    'that the API shows for another pod later': {
      reason: 'what the API shows is certain',
      outcome: { used: 1 },
      run: () => {
        see(pod('p1'));
        early.take({ p1: '10.0.0.1' }, 'n1', 0);
        see(pod('p2', { ip: '10.0.0.1', held: true }));
      },
    },
    'of a pod that ends': {
      reason: 'it gets no request any more',
      outcome: {},
      run: () => {
        early.take({ p1: '10.0.0.1' }, 'n1', 0);
        see(pod('p1', { leaving: true }));
      },
    },
    'of a pod that is unknown for long': {
      reason: 'most pods of a node are no instances',
      outcome: { unknown: 1 },
      run: () => {
        early.take({ p1: '10.0.0.1' }, 'n1', 0);
        early.tick(10_000);
        see(pod('p1'));
      },
    },
  };
  for (const [what, { reason, outcome, run }] of Object.entries(unused)) {
    it(`does not dial an address ${what}: ${reason}`, async () => {
      run();
      assert.deepEqual(dialling(), []);
      assert.deepEqual(await counted(), outcome);
    });
  }

  it('gives an address that is reported for two pods to the newer', () => {
    see(pod('p1'));
    see(pod('p2'));
    early.take({ p1: '10.0.0.1' }, 'n1', 0);
    early.take({ p2: '10.0.0.1' }, 'n1', 0);
    assert.deepEqual(dialling(), ['10.0.0.1']);
    assert.equal(instances.podAt('10.0.0.1')?.uid, 'p2');
  });

  it('holds no more than a thousand', () => {
    const many = Array.from({ length: 1200 }, (_, i) => [`u${i}`, '10.9.9.9']);
    early.take(Object.fromEntries(many), 'n1', 0);
    see(pod('u0'));
    assert.deepEqual(dialling(), [], 'the oldest are dropped');
    see(pod('u1199'));
    assert.deepEqual(dialling(), ['10.9.9.9']);
  });

  it('never dials two pods at one address, nor one of another node, whatever is reported in whatever order', () => {
    const uid = fc.constantFrom('p1', 'p2', 'p3');
    const ip = fc.constantFrom('', '10.0.0.1', '10.0.0.2');
    const node = fc.constantFrom('n1', 'n2');
    const step = fc.oneof(
      fc.record({ reported: fc.dictionary(uid, ip), node }),
      fc.record({ seen: uid, ip, leaving: fc.boolean() }),
      fc.record({ gone: uid }),
      fc.record({ tick: fc.integer({ min: 0, max: 20_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        begin();
        const shown = new Map<string, string>();
        for (const each of steps) {
          if ('reported' in each) early.take(each.reported, each.node, 0);
          else if ('tick' in each) early.tick(each.tick);
          else if ('gone' in each) {
            shown.delete(each.gone);
            early.setPod(`ns/${each.gone}`, undefined);
          } else {
            const isTaken = [...shown].some(([other, had]) => other !== each.seen && had === each.ip);
            const address = isTaken ? '' : each.ip;
            shown.delete(each.seen);
            if (!each.leaving && address) shown.set(each.seen, address);
            see(pod(each.seen, { ip: address || undefined, leaving: each.leaving }));
          }
          const active = dialling();
          assert.equal(new Set(active).size, active.length, 'one address, one pod');
          for (const [owner, had] of shown) assert.equal(instances.podOf(owner)?.ip, had, 'the API wins');
        }
        for (const each of ['p1', 'p2', 'p3']) early.setPod(`ns/${each}`, undefined);
        early.tick(100_000);
        assert.deepEqual(dialling(), [], 'nothing is left');
      }),
      { numRuns: 500 },
    );
  });
});
