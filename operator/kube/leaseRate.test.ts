import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FakeClock } from '../testing/clock.ts';
import { silent } from '../testing/until.ts';
import type { CallOptions } from './client.ts';
import { type Clock, nextTurn } from './clock.ts';
import { LEASES, type Lease } from './core.ts';
import { KubeError, type KubeErrorCode } from './errors.ts';
import { ElectionOptionsError, type Lead, LeaderElection, type LeaderElectionOptions } from './lease.ts';

const lease = { namespace: 'ns', name: 'controller' };

/** Losing the lease, taking it again and giving it back: no more calls follow each other without a pause. */
const BURST = 5;
/** More calls and timers than that within one turn of the event loop would go on for ever. */
const SPIN = 100;
/** Sums of quarters of a pause are not exact. */
const ROUNDING = 1e-9;

const holders: Record<string, string | undefined> = {
  ours: 'one',
  theirs: 'two',
  free: '',
  absent: undefined,
};
const failures: Record<string, KubeErrorCode> = {
  conflict: 'KUBE_CONFLICT',
  exists: 'KUBE_ALREADY_EXISTS',
  missing: 'KUBE_NOT_FOUND',
  refused: 'KUBE_FORBIDDEN',
  unreachable: 'KUBE_UNREACHABLE',
};

interface Answer {
  what: string;
  /** Infinity for none at all. */
  afterMs: number;
}

type Step = { pass: number } | { block: number } | { jump: number };

interface Case {
  timing: { retryMs: number; renewDeadlineMs: number; leaseMs: number };
  /** Given one after another, and then again from the first. */
  answers: Answer[];
  steps: Step[];
  /** How long what leads goes on after it was asked to stop; it ends by itself at once with -1, and fails with -2. */
  lingerMs: number;
}

interface Call {
  at: number;
  /** How many of the election's timers had fired, and how often its clock had jumped. */
  fired: number;
  jumps: number;
}

/** An election that runs against given answers, and what it asks for and when. */
class Trial implements Clock {
  readonly calls: Call[] = [];
  readonly #time = new FakeClock();
  readonly #case: Case;
  readonly #stop = new AbortController();
  readonly #result: Promise<unknown>;
  #ended = false;
  #fired = 0;
  #jumps = 0;
  #shift = 0;
  #inTurn = 0;
  #version = 0;

  constructor(given: Case) {
    this.#case = given;
    const client = {
      get: (_: unknown, __: unknown, options: CallOptions) => this.#answer(options),
      create: (_: unknown, object: Lease, options: CallOptions) => this.#answer(options, object),
      replace: (_: unknown, object: Lease, options: CallOptions) => this.#answer(options, object),
    } as unknown as LeaderElectionOptions['client'];
    const options = { client, lease, identity: 'one', log: silent, clock: this, ...given.timing };
    this.#result = new LeaderElection(options).run(this.#stop.signal, this.#lead).catch(() => {});
    void this.#result.then(() => {
      this.#ended = true;
    });
  }

  /** The election's own clock, which may jump. */
  now(): number {
    return this.#time.now() + this.#shift;
  }

  after(ms: number, callback: () => void): () => void {
    assert.ok(++this.#inTurn <= SPIN, 'timers without end');
    return this.#time.after(ms, () => {
      this.#fired++;
      callback();
    });
  }

  async step(step: Step): Promise<void> {
    if ('jump' in step) {
      this.#shift += step.jump;
      this.#jumps++;
    } else if ('block' in step) {
      this.#time.block(step.block);
    }
    const sliceMs = this.#case.timing.retryMs / 4;
    const slices = 'pass' in step ? Math.ceil(step.pass / sliceMs) : 1;
    for (let slice = 0; slice < slices; slice++) {
      this.#time.advance('pass' in step ? sliceMs : 0);
      await this.#turn();
    }
  }

  async end(): Promise<void> {
    this.#stop.abort();
    const { timing, lingerMs } = this.#case;
    const limitMs = 3 * timing.leaseMs + lingerMs;
    for (let passed = 0; passed < limitMs && !this.#ended; passed += timing.retryMs)
      await this.step({ pass: timing.retryMs });
    assert.ok(this.#ended, 'it ends when asked to');
  }

  async #turn(): Promise<void> {
    await nextTurn();
    assert.ok(this.#inTurn <= SPIN, 'calls without end');
    this.#inTurn = 0;
  }

  #lead: Lead = async (signal) => {
    const { lingerMs } = this.#case;
    if (lingerMs === -1) return;
    if (lingerMs === -2) throw new Error('it fails');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    if (lingerMs > 0) await new Promise<void>((resolve) => this.#time.after(lingerMs, resolve));
  };

  async #answer({ timeoutMs, signal }: CallOptions, written?: Lease): Promise<Lease | undefined> {
    const { answers } = this.#case;
    const { what, afterMs } = answers[this.calls.length % answers.length] as Answer;
    this.calls.push({ at: this.#time.now(), fired: this.#fired, jumps: this.#jumps });
    // Without an answer, what would go on for ever stands still, and the test can fail.
    if (++this.#inTurn > SPIN) return new Promise(() => {});
    const silence = afterMs === Number.POSITIVE_INFINITY;
    if (afterMs > 0) await this.#wait(silence ? (timeoutMs as number) : afterMs, signal);
    const code = silence ? 'KUBE_UNREACHABLE' : failures[what];
    if (code) throw new KubeError(what, { code });
    const holderIdentity = written?.spec?.holderIdentity ?? holders[what];
    if (holderIdentity === undefined) return undefined;
    const metadata = { ...lease, resourceVersion: what === 'theirs' ? '0' : `${++this.#version}` };
    return { apiVersion: LEASES.apiVersion, kind: LEASES.kind, metadata, spec: { holderIdentity } };
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#time.after(ms, resolve);
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
  }
}

const timings = fc
  .record({ retryMs: fc.integer({ min: 100, max: 3_000 }), more: fc.nat(10_000), most: fc.nat(10_000) })
  .map(({ retryMs, more, most }) => ({
    retryMs,
    renewDeadlineMs: retryMs + more + 1,
    leaseMs: retryMs + more + most + 2,
  }));

const cases: fc.Arbitrary<Case> = timings.chain((timing) => {
  const { retryMs, leaseMs } = timing;
  const answer = fc.record({
    what: fc.constantFrom(...Object.keys(holders), ...Object.keys(failures)),
    afterMs: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: leaseMs }) },
      { weight: 1, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
    ),
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ pass: fc.nat(10 * retryMs) }) },
    { weight: 1, arbitrary: fc.record({ block: fc.nat(2 * leaseMs) }) },
    { weight: 1, arbitrary: fc.record({ jump: fc.integer({ min: -2 * leaseMs, max: 2 * leaseMs }) }) },
  );
  return fc.record({
    timing: fc.constant(timing),
    answers: fc.array(answer, { minLength: 1, maxLength: 12 }),
    steps: fc.array(step, { minLength: 1, maxLength: 20, size: 'max' }),
    lingerMs: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -2, max: 3_000 }) },
    ),
  });
});

/** That a timer fires between any few calls, and that there are only a few in each `retryMs` and for each jump. */
function assertPauses(calls: readonly Call[], retryMs: number): void {
  for (const [to, last] of calls.entries()) {
    for (const [from, first] of calls.slice(0, Math.max(0, to + 1 - BURST)).entries()) {
      const span = `calls ${from} to ${to}, within ${last.at - first.at} ms`;
      assert.ok(last.fired > first.fired, `no timer between ${span}`);
      const pauses = Math.floor((last.at - first.at) / retryMs + ROUNDING);
      assert.ok(to - from < BURST * (1 + pauses + last.jumps - first.jumps), `too many ${span}`);
    }
  }
}

describe('LeaderElection, whatever the API server answers and the clock does', () => {
  it('pauses before it asks again, for at least `retryMs` but when its clock jumps', async () => {
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const trial = new Trial(given);
        for (const step of given.steps) await trial.step(step);
        await trial.end();
        asked += trial.calls.length;
        assertPauses(trial.calls, given.timing.retryMs);
      }),
      { numRuns: 200 },
    );
    assert.ok(asked > 2_000, `${asked} calls are enough for this to mean something`);
  });

  const refused: Record<string, { reason: string; timing: Partial<Case['timing']>; message: RegExp }> = {
    'no pause between attempts': {
      reason: 'it would ask without end',
      timing: { retryMs: 0 },
      message: /^retryMs is 0; it must be a finite number above 0$/,
    },
    'a pause below zero': {
      reason: 'the same',
      timing: { retryMs: -1 },
      message: /^retryMs is -1; it must be a finite number above 0$/,
    },
    'a pause that is no number': {
      reason: 'its timer would fire at once',
      timing: { retryMs: Number.NaN },
      message: /^retryMs is NaN; /,
    },
    'a deadline of zero': {
      reason: 'it would take the lease and never lead',
      timing: { renewDeadlineMs: 0 },
      message: /^renewDeadlineMs is 0; it must be a finite number above retryMs, 2000$/,
    },
    'a deadline that passes before the first renewal': {
      reason: 'it would lose each lease that it gets',
      timing: { renewDeadlineMs: 2_000 },
      message: /^renewDeadlineMs is 2000; it must be a finite number above retryMs, 2000$/,
    },
    'a lease that is over before its leader gives up': {
      reason: 'two would lead',
      timing: { leaseMs: 10_000 },
      message: /^leaseMs is 10000; it must be a finite number above renewDeadlineMs, 10000$/,
    },
    'a lease below zero': {
      reason: 'each would take it from the other without end',
      timing: { leaseMs: -15_000 },
      message: /^leaseMs is -15000; /,
    },
    'a lease for ever': {
      reason: 'no other process would take over, and JSON has no such number',
      timing: { leaseMs: Number.POSITIVE_INFINITY },
      message: /^leaseMs is Infinity; /,
    },
  };
  for (const [name, { reason, timing, message }] of Object.entries(refused)) {
    it(`refuses ${name}: ${reason}`, () => {
      const client = {} as LeaderElectionOptions['client'];
      const create = () => new LeaderElection({ client, lease, identity: 'one', log: silent, ...timing });
      assert.throws(create, (error) => {
        assert.ok(error instanceof ElectionOptionsError);
        assert.equal(error.code, 'ELECTION_OPTIONS');
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
