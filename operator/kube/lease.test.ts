import assert from 'node:assert/strict';
import { FakeClock } from '../testing/clock.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { silent, until } from '../testing/until.ts';
import type { KubeClient } from './client.ts';
import { LEASES, type Lease } from './core.ts';
import { KubeError } from './errors.ts';
import { LeaderElection, LeaseLostError } from './lease.ts';

const lease = { namespace: 'ns', name: 'controller' };
const TODAY = Date.parse('2026-01-02T03:04:05.678Z');

describe('LeaderElection', () => {
  let server: FakeApiServer;
  let clock: FakeClock;
  let candidates: Candidate[];
  /** Candidates that are known to have ended, and what was asked about them. */
  let ended: Set<string>;
  let asked: { leader: string; renewedAt: number }[];

  class Candidate {
    readonly stop = new AbortController();
    readonly done = Promise.withResolvers<void>();
    readonly election: LeaderElection;
    signal: AbortSignal | undefined;
    readonly result: Promise<unknown>;

    constructor(identity: string) {
      const client = {
        get: async (...args: Parameters<KubeClient['get']>) => {
          await this.mayLook;
          return server.client.get(...args);
        },
        create: server.client.create.bind(server.client),
        replace: (...args: Parameters<KubeClient['replace']>) => {
          this.writes++;
          return server.client.replace(...args);
        },
      } as KubeClient;
      const hasEnded = async (leader: string, renewedAt: number) => {
        asked.push({ leader, renewedAt });
        return ended.has(leader);
      };
      const own = { identity, log: silent, clock, today: () => TODAY, hasEnded };
      this.election = new LeaderElection({ client, lease, ...own });
      const lead = async (signal: AbortSignal) => {
        this.terms++;
        this.signal = signal;
        const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        await Promise.race([stopped, this.done.promise]);
        if (this.holdOn) await this.done.promise;
      };
      this.result = this.election.run(this.stop.signal, lead).catch((error: unknown) => error);
      candidates.push(this);
    }

    /** How often it began to lead. */
    terms = 0;
    /** Its looks at the Lease wait for this. */
    mayLook = Promise.resolve();
    /** Updates of the Lease that it asked for. */
    writes = 0;
    /** Whether it goes on after it was asked to stop, until `done`. */
    holdOn = false;

    get leads(): boolean {
      return this.signal !== undefined && !this.signal.aborted && this.election.leading;
    }
  }

  beforeEach(async () => {
    server = await FakeApiServer.start();
    clock = new FakeClock();
    candidates = [];
    ended = new Set();
    asked = [];
  });

  afterEach(async () => {
    for (const { stop, done } of candidates) {
      stop.abort();
      done.resolve();
    }
    await Promise.all(candidates.map(({ result }) => result));
    await server.close();
  });

  /** Lets fake time pass, a quarter of a second for each look; a minute of it takes a while on a busy machine. */
  const passing = (what: string, probe: () => unknown) =>
    until(what, () => {
      if (probe()) return true;
      clock.advance(250);
      return false;
    });
  const held = () => server.get(LEASES, lease)?.spec as NonNullable<Lease['spec']>;
  const renewals = () => server.requests.filter(({ method }) => method === 'PUT').length;

  it('writes the Lease as others expect it: whole seconds, microseconds', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    assert.deepEqual(held(), {
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-02T03:04:05.678000Z',
      renewTime: '2026-01-02T03:04:05.678000Z',
      leaseTransitions: 0,
    });
  });

  it('lets one lead at a time, and the next when the first gives up', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    const two = new Candidate('two');
    await passing('five renewals', () => renewals() >= 5);
    assert.ok(!two.leads);
    one.stop.abort();
    assert.equal(await one.result, undefined);
    assert.equal(held().holderIdentity, '', 'given back');
    const before = clock.now();
    await passing('two leads', () => two.leads);
    assert.ok(clock.now() - before <= 4_000, 'without waiting for the lease to run out');
    assert.equal(held().holderIdentity, 'two');
    assert.equal(held().leaseTransitions, 2);
  });

  it('stays the leader until what it does is done', async () => {
    const one = new Candidate('one');
    one.holdOn = true;
    await passing('one leads', () => one.leads);
    one.stop.abort();
    const before = renewals();
    await passing('it still renews', () => renewals() > before + 2);
    assert.equal(held().holderIdentity, 'one');
    one.done.resolve();
    await one.result;
    assert.equal(held().holderIdentity, '');
  });

  it('gives the lease back after a renewal that was under way', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    const before = one.writes;
    server.pause();
    await passing('it renews', () => one.writes > before);
    one.done.resolve();
    server.resume();
    await one.result;
    assert.equal(held().holderIdentity, '');
  });

  it('takes over from a leader that went silent, but only after its whole lease', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    // One's process freezes: its requests never arrive.
    server.failNext(
      'reset',
      ({ method, body }) => method === 'PUT' && (body as Lease).spec?.holderIdentity === 'one',
      1_000,
    );
    const two = new Candidate('two');
    await passing(
      'two has looked',
      () => server.requests.filter(({ method }) => method === 'GET').length >= 2,
    );
    const before = clock.now();
    await passing('two leads', () => {
      assert.ok(!(one.leads && two.leads), 'two leaders');
      return two.leads;
    });
    assert.ok(clock.now() - before >= 14_000, `${clock.now() - before}`);
    assert.ok(one.signal?.aborted);
    assert.equal(held().leaseTransitions, 1);
  });

  it('asks whether a leader that went silent has ended, and takes over as soon as it has', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    server.failNext(
      'reset',
      ({ method, body }) => method === 'PUT' && (body as Lease).spec?.holderIdentity === 'one',
      1_000,
    );
    const two = new Candidate('two');
    await passing('it was asked twice', () => asked.length >= 2);
    assert.deepEqual(asked[0], { leader: 'one', renewedAt: TODAY });
    assert.equal(two.terms, 0);
    ended.add('one');
    const before = clock.now();
    await passing('two leads', () => two.leads);
    assert.ok(clock.now() - before <= 4_000, `${clock.now() - before}`);
    assert.equal(held().leaseTransitions, 1);
  });

  it('goes on after the answer to a renewal was lost', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    // The server has it, the leader does not know, and so asks with an old version next time.
    const renewed = server.get(LEASES, lease) as Lease;
    server.put({ ...renewed, spec: { ...renewed.spec, renewTime: '2026-01-02T03:04:07.000000Z' } });
    const before = renewals();
    await passing('it renews', () => renewals() > before + 2);
    assert.ok(one.leads);
  });

  it('survives an API server that is away for less than the deadline', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    server.kill();
    const since = clock.now();
    await passing('six seconds pass', () => clock.now() - since >= 6_000);
    await server.restart();
    const before = renewals();
    await passing('it renews', () => renewals() > before + 1);
    assert.ok(one.leads);
  });

  for (const away of ['pause', 'kill'] as const) {
    it(`steps down at the deadline when it cannot renew, and leads again when the server is back: ${away}`, async () => {
      const one = new Candidate('one');
      await passing('one leads', () => one.leads);
      server[away]();
      const before = clock.now();
      await passing('the loss', () => one.signal?.aborted);
      assert.ok(clock.now() - before <= 12_000);
      assert.equal(one.election.leading, false);
      assert.equal(one.terms, 1);
      if (away === 'pause') server.resume();
      else await server.restart();
      const back = clock.now();
      await passing('it leads again', () => one.leads);
      assert.equal(one.terms, 2);
      assert.ok(clock.now() - back <= 5_000, `${clock.now() - back}`);
      const renewed = renewals();
      await passing('it renews', () => renewals() > renewed + 1);
      assert.equal(held().leaseTransitions, 0);
    });
  }

  it('leaves the lease to the leader that could not renew it while the server was away', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    const two = new Candidate('two');
    const looks = () => server.requests.filter(({ method }) => method === 'GET').length;
    await passing('two has looked', () => looks() >= 2);
    server.kill();
    const since = clock.now();
    await passing('a minute passes', () => clock.now() - since >= 60_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    one.mayLook = promise;
    await server.restart();
    const before = looks();
    await passing('two has looked first', () => looks() >= before + 3);
    resolve();
    await passing('one leads again', () => one.leads);
    assert.equal(two.terms, 0);
    one.stop.abort();
    await passing('two leads', () => two.leads);
  });

  it('ends with the loss when what it does goes on', async () => {
    const one = new Candidate('one');
    one.holdOn = true;
    await passing('one leads', () => one.leads);
    server.kill();
    await passing('the loss', () => one.signal?.aborted);
    const before = clock.now();
    let error: unknown;
    void one.result.then((result) => {
      error = result;
    });
    await passing('the end', () => error);
    assert.ok(clock.now() - before <= 2_250, `${clock.now() - before}`);
    assert.ok(error instanceof LeaseLostError);
    assert.equal(error.code, 'LEASE_LOST');
    await server.restart();
  });

  it('knows that it is not the leader after the event loop was blocked, before anything else runs', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    clock.block(20_000);
    assert.equal(one.election.leading, false);
    const { signal, writes: before } = one;
    clock.advance(0);
    await until('it leads anew', () => one.terms === 2);
    assert.ok(signal?.aborted);
    assert.equal(one.writes, before + 1, 'it does not even try to renew');
  });

  it('reports the loss when someone else has the lease', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    const taken = server.get(LEASES, lease) as Lease;
    server.put({ ...taken, spec: { ...taken.spec, holderIdentity: 'thief' } });
    await passing('the loss', () => one.signal?.aborted);
    assert.match(String(one.signal?.reason), /held by thief/);
    assert.equal(held().holderIdentity, 'thief', 'nothing is given back that is not ours');
  });

  it('goes on when only the metadata of the Lease changed', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    const labelled = server.get(LEASES, lease) as Lease;
    server.put({ ...labelled, metadata: { ...labelled.metadata, labels: { team: 'x' } } });
    const before = renewals();
    await passing('it renews', () => renewals() > before + 3);
    assert.ok(one.leads);
  });

  it('gives the lease back when leading fails', async () => {
    const { client } = server;
    const election = new LeaderElection({ client, lease, identity: 'one', log: silent, clock });
    const lead = async () => {
      throw new Error('boom');
    };
    await assert.rejects(election.run(new AbortController().signal, lead), /boom/);
    assert.equal(held().holderIdentity, '');
  });

  const object = (holderIdentity: string, resourceVersion?: string) =>
    ({
      apiVersion: LEASES.apiVersion,
      kind: LEASES.kind,
      metadata: { ...lease, resourceVersion },
      spec: { holderIdentity },
    }) as Lease;
  const answers: Record<string, Record<string, () => unknown>> = {
    'renewals that succeed': {},
    'renewals that fail': {
      replace: () => {
        throw new Error('refused');
      },
    },
    'renewals that conflict': {
      replace: () => {
        throw new KubeError('stale', { code: 'KUBE_CONFLICT' });
      },
    },
    'a lease that another has': { get: () => object('another', '1') },
  };
  for (const [name, answer] of Object.entries(answers)) {
    it(`lets timers and sockets have their turn even if each answer is there at once: ${name}`, async () => {
      const stop = new AbortController();
      let calls = 0;
      const call = (verb: string) => async () => {
        // Ends what would else keep this process from everything, its own time limits included.
        if (++calls > 100) stop.abort();
        return answer[verb]?.() ?? object('one');
      };
      const client = { get: call('get'), create: call('create'), replace: call('replace') };
      const election = new LeaderElection({
        client: client as unknown as KubeClient,
        lease,
        identity: 'one',
        log: silent,
        clock,
      });
      const lead = (signal: AbortSignal) =>
        new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      const running = election.run(stop.signal, lead).catch((error: unknown) => error);
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      for (let round = 0; round < 3; round++) {
        await turn();
        const before = calls;
        await turn();
        assert.equal(calls, before, 'no time passes, so nothing is asked');
        clock.advance(2_400);
        await turn();
        assert.ok(calls > before, 'its time has come');
      }
      stop.abort();
      await running;
    });
  }

  it('does not begin to lead when it was asked to stop while it asked for the lease', async () => {
    const one = new Candidate('one');
    server.pause();
    one.stop.abort();
    server.resume();
    assert.equal(await one.result, undefined);
    assert.equal(one.terms, 0);
    assert.equal(held().holderIdentity, '', 'given back at once');
  });

  it('stops waiting when asked to', async () => {
    const one = new Candidate('one');
    await passing('one leads', () => one.leads);
    const two = new Candidate('two');
    two.stop.abort();
    assert.equal(await two.result, undefined);
    assert.equal(two.signal, undefined);
  });
});
