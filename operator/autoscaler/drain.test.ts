import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Drains as GatewayDrains } from '../gateway/control/drains.ts';
import type { DrainState, DrainStep } from '../gateway/shared/drainProtocol.ts';
import { afterFailure, type Candidate, type Drain, type Drains, NO_DRAINS, nextDrains } from './drain.ts';

const NOW = 1_700_000_000_000;
const SECOND = 1000;
const NONE: ReadonlySet<string> = new Set();

type Answers = Record<string, DrainState>;

const idle = (...uids: string[]): Candidate[] => uids.map((uid) => ({ uid, ready: true, inFlight: 0 }));
const drains = (steps: Record<string, DrainStep>, since = NOW): Drains =>
  new Map(Object.entries(steps).map(([uid, step]): [string, Drain] => [uid, { step, since }]));
const steps = (result: Drains): Record<string, DrainStep> =>
  Object.fromEntries([...result].map(([uid, { step }]) => [uid, step]));

describe('nextDrains', () => {
  interface Case {
    reason: string;
    before?: Drains;
    replicas: number;
    target: number;
    instances: Candidate[];
    answers?: Answers;
    observed?: boolean;
    evicting?: string[];
    keep?: number;
    ending?: string[];
    now?: number;
    want: Record<string, DrainStep>;
    write?: number;
    evict?: string[];
  }
  const cases: Record<string, Case> = {
    'nothing to do': { reason: 'as many as wanted', replicas: 1, target: 1, instances: idle('a'), want: {} },
    'the first step': {
      reason: 'gateways get their orders before anything is written',
      replicas: 1,
      target: 0,
      instances: idle('a'),
      want: { a: 'drain' },
    },
    'a request in flight': {
      reason: 'it stays until that has ended',
      before: drains({ a: 'drain' }),
      replicas: 1,
      target: 0,
      instances: idle('a'),
      answers: { a: 'draining' },
      want: { a: 'drain' },
    },
    'an answer is missing': {
      reason: 'that gateway may still send to it',
      before: drains({ a: 'drain' }),
      replicas: 1,
      target: 0,
      instances: idle('a'),
      want: { a: 'drain' },
    },
    'empty everywhere': {
      reason: 'each gateway is asked for its promise',
      before: drains({ a: 'drain' }),
      replicas: 1,
      target: 0,
      instances: idle('a'),
      answers: { a: 'drained' },
      want: { a: 'release' },
    },
    'not promised by all': {
      reason: 'the least of the answers counts',
      before: drains({ a: 'release' }),
      replicas: 1,
      target: 0,
      instances: idle('a'),
      answers: { a: 'draining' },
      want: { a: 'release' },
    },
    'promised by all': {
      reason: 'now the number is lowered',
      before: drains({ a: 'release' }),
      replicas: 1,
      target: 0,
      instances: idle('a'),
      answers: { a: 'released' },
      want: { a: 'remove' },
      write: 0,
    },
    'an answer to an older step': {
      reason: 'an instance that is only to drain is not removed, whatever is answered',
      before: drains({ a: 'drain' }),
      replicas: 1,
      target: 0,
      instances: idle('a'),
      answers: { a: 'released' },
      want: { a: 'drain' },
    },
    'taken back': {
      reason: 'a request had nowhere else to go',
      before: drains({ a: 'release' }),
      replicas: 1,
      target: 0,
      instances: idle('a'),
      answers: { a: 'refused' },
      want: {},
    },
    cancelled: {
      reason: 'the load came back',
      before: drains({ a: 'drain', b: 'release' }),
      replicas: 3,
      target: 3,
      instances: idle('a', 'b', 'c'),
      answers: { a: 'drained', b: 'released' },
      want: {},
    },
    'cancelled too late': {
      reason: 'what is being removed cannot be kept',
      before: drains({ a: 'remove', b: 'drain' }),
      replicas: 2,
      target: 4,
      instances: idle('a', 'b', 'c'),
      want: { a: 'remove' },
    },
    'the idle ones first': {
      reason: 'they are gone soonest',
      replicas: 3,
      target: 1,
      instances: [
        { uid: 'a', ready: true, inFlight: 2 },
        { uid: 'b', ready: true, inFlight: 1 },
        ...idle('c'),
      ],
      want: { b: 'drain', c: 'drain' },
    },
    'another one is idle by now': {
      reason: 'a long request need not keep the number up',
      before: drains({ a: 'drain' }),
      replicas: 2,
      target: 1,
      instances: [{ uid: 'a', ready: true, inFlight: 1 }, ...idle('b')],
      answers: { a: 'draining' },
      want: { b: 'drain' },
    },
    'equally idle ones': {
      reason: 'what is drained already goes on',
      before: drains({ b: 'drain' }),
      replicas: 2,
      target: 1,
      instances: idle('a', 'b'),
      answers: { b: 'drained' },
      want: { b: 'release' },
    },
    'those that Kubernetes deletes first': {
      reason: 'what is not ready goes before all others, whatever it costs',
      replicas: 2,
      target: 1,
      instances: [...idle('a'), { uid: 'b', ready: false, inFlight: 3 }],
      want: { b: 'drain' },
    },
    'one of two is ready to go': {
      reason: 'the other follows when its request has ended',
      before: drains({ a: 'drain', b: 'release' }),
      replicas: 3,
      target: 1,
      instances: [
        { uid: 'a', ready: true, inFlight: 1 },
        ...idle('b'),
        { uid: 'c', ready: true, inFlight: 5 },
      ],
      answers: { a: 'draining', b: 'released' },
      want: { a: 'drain', b: 'remove' },
      write: 2,
    },
    'an unready one has a request': {
      reason: 'Kubernetes would delete it instead of the chosen one',
      before: drains({ a: 'drain', b: 'release' }),
      replicas: 3,
      target: 1,
      instances: [{ uid: 'a', ready: false, inFlight: 1 }, ...idle('b', 'c')],
      answers: { a: 'draining', b: 'released' },
      want: { a: 'drain', b: 'release' },
    },
    'instances that do not exist': {
      reason: 'no gateway sends to them',
      replicas: 5,
      target: 2,
      instances: idle('a'),
      want: {},
      write: 2,
    },
    'instances that may exist': {
      reason: 'one that is about to be seen may have requests',
      replicas: 5,
      target: 2,
      instances: idle('a'),
      observed: false,
      want: {},
    },
    'one of two that are counted is seen': {
      reason: 'the other may be about to come, and to take requests',
      before: drains({ a: 'release' }),
      replicas: 2,
      target: 0,
      instances: idle('a'),
      answers: { a: 'released' },
      want: { a: 'remove' },
      write: 1,
    },
    'a removal that goes on': {
      reason: 'Kubernetes has not deleted it yet',
      before: drains({ a: 'remove' }),
      replicas: 0,
      target: 0,
      instances: idle('a'),
      now: NOW + 60 * SECOND,
      want: { a: 'remove' },
    },
    'a removal that Kubernetes has begun': {
      reason: 'a gateway may not have seen it',
      before: drains({ a: 'remove' }),
      replicas: 0,
      target: 0,
      instances: [],
      ending: ['a'],
      now: NOW + 60 * SECOND,
      want: { a: 'remove' },
    },
    'a removal that is done': {
      reason: 'it is gone',
      before: drains({ a: 'remove' }),
      replicas: 0,
      target: 0,
      instances: [],
      want: {},
    },
    'a removal that Kubernetes did not carry out': {
      reason: 'a gateway raised the number before a pod was chosen',
      before: drains({ a: 'remove' }),
      replicas: 1,
      target: 1,
      instances: idle('a'),
      now: NOW + SECOND,
      want: {},
    },
    'one whose node is being emptied': {
      reason: 'it is drained although the number stays',
      replicas: 2,
      target: 2,
      instances: idle('a', 'b'),
      evicting: ['a'],
      want: { a: 'drain' },
    },
    'one whose node is being emptied, and that is empty': {
      reason: 'it is deleted, and Kubernetes makes another',
      before: drains({ a: 'release' }),
      replicas: 2,
      target: 2,
      instances: idle('a', 'b'),
      evicting: ['a'],
      answers: { a: 'released' },
      want: { a: 'remove' },
      evict: ['a'],
    },
    'one whose node is being emptied, and that requests need': {
      reason: 'there is no other instance',
      before: drains({ a: 'drain' }),
      replicas: 1,
      target: 1,
      instances: idle('a'),
      evicting: ['a'],
      answers: { a: 'refused' },
      want: {},
    },
    'all instances, their node being emptied, of two that must be there': {
      reason: 'the other one answers until another has started',
      replicas: 2,
      target: 2,
      instances: idle('a', 'b'),
      evicting: ['a', 'b'],
      keep: 1,
      want: { a: 'drain' },
    },
    'the second one, their node being emptied, while the first is replaced': {
      reason: 'its replacement is not ready',
      replicas: 2,
      target: 2,
      instances: [...idle('b'), { uid: 'new', ready: false, inFlight: 0 }],
      evicting: ['b'],
      keep: 1,
      want: {},
    },
    'the second one, their node being emptied, when the first is replaced': {
      reason: 'another can answer',
      replicas: 2,
      target: 2,
      instances: idle('b', 'new'),
      evicting: ['b'],
      keep: 1,
      want: { b: 'drain' },
    },
    'one that starts on a node that is being emptied': {
      reason: 'it is not needed',
      before: drains({ a: 'release' }),
      replicas: 2,
      target: 2,
      instances: [{ uid: 'a', ready: false, inFlight: 0 }, ...idle('b')],
      evicting: ['a'],
      keep: 1,
      answers: { a: 'released' },
      want: { a: 'remove' },
      evict: ['a'],
    },
    'one whose node is being emptied, and one too many': {
      reason: 'it goes with the number, and needs no replacement',
      before: drains({ a: 'release' }),
      replicas: 2,
      target: 1,
      instances: [{ uid: 'a', ready: true, inFlight: 0 }, ...idle('b')],
      evicting: ['a'],
      answers: { a: 'released' },
      want: { a: 'remove' },
      write: 1,
    },
    'a removal that Kubernetes may not carry out': {
      reason: 'its controller has not seen the number yet',
      before: drains({ a: 'remove' }),
      replicas: 1,
      target: 1,
      instances: idle('a'),
      observed: false,
      now: NOW + SECOND,
      want: { a: 'remove' },
    },
  };
  for (const [name, each] of Object.entries(cases)) {
    it(`${name}: ${each.reason}`, () => {
      const {
        before = NO_DRAINS,
        replicas,
        target,
        instances,
        answers = {},
        observed = true,
        now = NOW,
      } = each;
      const evicting = new Set(each.evicting);
      const input = {
        replicas,
        target,
        instances,
        answer: (uid: string) => answers[uid],
        observed,
        evicting,
        keep: each.keep ?? 0,
        ending: new Set(each.ending),
      };
      const result = nextDrains(before, input, now);
      assert.deepEqual(steps(result.drains), each.want);
      assert.equal(result.write?.replicas, each.write);
      assert.deepEqual(result.evict, each.evict ?? []);
    });
  }

  it('sends no requests to an instance for a while when it is unknown whether the number was lowered', () => {
    const removing = drains({ a: 'remove' });
    const input = {
      replicas: 1,
      target: 1,
      instances: idle('a'),
      answer: () => undefined,
      observed: true,
      evicting: NONE,
      keep: 0,
      ending: NONE,
    };
    const later = (failed: Drains, ms: number) => steps(nextDrains(failed, input, NOW + ms).drains);
    const refused = afterFailure(removing, new Set(['a']), false, NOW);
    const unknown = afterFailure(removing, new Set(['a']), true, NOW);
    assert.deepEqual(steps(refused), {});
    assert.deepEqual(later(unknown, 2 * SECOND), { a: 'remove' });
    assert.deepEqual(later(unknown, 3 * SECOND), {});
  });
});

/**
 * A gateway whose data threads get changes late: it may send to an instance until `applied` has caught up. Requests
 * that find no instance wait.
 */
class Gateway {
  readonly drained = new Set<string>();
  /** What the data threads send to. */
  readonly listed = new Set<string>();
  readonly inFlight = new Map<string, number>();
  waiting = 0;
  readonly drains = new GatewayDrains(
    {
      setDrained: (uid, drained) => {
        if (drained) this.drained.add(uid);
        else this.drained.delete(uid);
      },
      isEmpty: (uid) => !this.listed.has(uid) && !this.inFlight.get(uid),
      isNeeded: (uid) => this.there().includes(uid) && this.usable().length === 0 && this.waiting > 0,
      drainedOf: () => this.there().filter((uid) => this.drained.has(uid)),
    },
    1e9,
  );
  readonly there: () => string[];

  constructor(there: () => string[]) {
    this.there = there;
    this.apply();
  }

  usable = (): string[] => this.there().filter((uid) => !this.drained.has(uid));

  /** The data threads take over the present table, and let in who waits. */
  apply(): void {
    this.listed.clear();
    for (const uid of this.usable()) this.listed.add(uid);
    while (this.waiting > 0 && this.listed.size > 0) {
      this.waiting--;
      this.send([...this.listed][0] as string);
    }
  }

  arrive(pick: number): void {
    const listed = [...this.listed];
    if (listed.length > 0) {
      this.send(listed[pick % listed.length] as string);
      return;
    }
    this.waiting++;
    if (this.usable().length === 0) this.drains.takeBack('rev');
  }

  send(uid: string): void {
    this.inFlight.set(uid, (this.inFlight.get(uid) ?? 0) + 1);
  }

  end(): void {
    this.inFlight.clear();
  }
}

describe('a scale-in', () => {
  const often = ['end', 'apply', 'tick', 'tick'] as const;
  const kinds = [
    ...often,
    ...often,
    ...often,
    'arrive',
    'miss',
    'conflict',
    'delete',
    'raise',
    'evict',
  ] as const;
  const step = fc.record({ kind: fc.constantFrom(...kinds), gateway: fc.nat(1), pick: fc.nat(9) });

  it('never removes an instance that has a request, whatever happens in between, and strands no request', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 150, size: 'max' }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(2),
        fc.nat(1),
        (events, count, kept, keep) => {
          let pods = ['a', 'b', 'c'].slice(0, count);
          let replicas = count;
          let made = 0;
          /** Chosen by the last write, deleted when Kubernetes comes to it. */
          let chosen: string[] = [];
          let state: Drains = NO_DRAINS;
          let round = 0;
          let now = NOW;
          const evicting = new Set<string>();
          const gateways = [new Gateway(() => pods), new Gateway(() => pods)];
          const end = (gone: readonly string[]) => {
            for (const uid of gone) {
              for (const gateway of gateways) assert.ok(!gateway.inFlight.get(uid), `${uid} has a request`);
              assert.ok(
                gateways.every(({ listed }) => !listed.has(uid)),
                `a request may come to ${uid}`,
              );
            }
            pods = pods.filter((uid) => !gone.includes(uid));
          };
          const remove = () => {
            const gone = replicas < pods.length ? chosen.slice(0, pods.length - replicas) : [];
            chosen = [];
            end(gone);
          };
          const raise = (least: number) => {
            replicas = Math.max(replicas, least);
            while (pods.length < replicas) pods.push(`new-${made++}`);
          };
          const tick = (missing: number, conflict: boolean) => {
            now += SECOND;
            const orders = { term: 1, round: ++round, instances: steps(state) };
            const answers = gateways.map(({ drains }, i) =>
              i === missing ? undefined : drains.take(orders, now),
            );
            const order: DrainState[] = ['refused', 'draining', 'drained', 'released'];
            const answer = (uid: string): DrainState | undefined => {
              const all = answers.map((each) => each?.[uid]);
              return all.includes(undefined) ? undefined : order.find((least) => all.includes(least));
            };
            const loaded = gateways.some(({ waiting }) => waiting > 0);
            const instances = pods.map((uid) => {
              const inFlight = gateways.reduce((sum, { inFlight }) => sum + (inFlight.get(uid) ?? 0), 0);
              return { uid, ready: true, inFlight };
            });
            const target = loaded ? replicas : Math.min(kept, replicas);
            const result = nextDrains(
              state,
              {
                replicas,
                target,
                instances,
                answer,
                observed: chosen.length === 0,
                evicting,
                keep,
                ending: NONE,
              },
              now,
            );
            state = result.drains;
            if (result.evict.length > 0) assert.ok(pods.length - result.evict.length >= keep, 'too few stay');
            end(result.evict);
            raise(replicas);
            if (!result.write) return;
            if (conflict) {
              state = afterFailure(state, result.write.remove, false, now);
              return;
            }
            replicas = result.write.replicas;
            chosen.push(...result.write.remove);
          };
          for (const { kind, gateway, pick } of events) {
            const one = gateways[gateway] as Gateway;
            if (kind === 'arrive') one.arrive(pick);
            else if (kind === 'end') one.end();
            else if (kind === 'apply') one.apply();
            else if (kind === 'delete') remove();
            else if (kind === 'raise') raise(one.waiting > 0 ? 1 : 0);
            else if (kind === 'evict') evicting.add(pods[pick % pods.length] ?? '');
            else if (kind === 'miss') tick(gateway, false);
            else tick(-1, kind === 'conflict');
          }
          // In the end all requests are admitted, within two rounds.
          for (let i = 0; i < 2; i++) {
            remove();
            if (gateways.some(({ waiting }) => waiting > 0)) raise(1);
            tick(-1, false);
            for (const each of gateways) each.apply();
          }
          assert.deepEqual(
            gateways.map(({ waiting }) => waiting),
            [0, 0],
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('comes to its end when no request comes any more', () => {
    let pods = ['a', 'b', 'c'];
    let state: Drains = NO_DRAINS;
    const gateway = new Gateway(() => pods);
    gateway.send('b');
    let replicas = 3;
    for (let round = 1; round < 10; round++) {
      const answers = gateway.drains.take({ term: 1, round, instances: steps(state) }, NOW);
      const instances = pods.map((uid) => ({ uid, ready: true, inFlight: gateway.inFlight.get(uid) ?? 0 }));
      const input = {
        replicas,
        target: 0,
        instances,
        answer: (uid: string) => answers[uid],
        observed: true,
        evicting: NONE,
        keep: 0,
        ending: NONE,
      };
      const result = nextDrains(state, input, NOW);
      state = result.drains;
      replicas = result.write?.replicas ?? replicas;
      pods = pods.filter((uid) => !result.write?.remove.has(uid));
      gateway.apply();
      if (round === 6) {
        assert.deepEqual(pods, ['b'], 'its request keeps it');
        gateway.end();
      }
    }
    assert.deepEqual([pods, replicas], [[], 0]);
  });
});
