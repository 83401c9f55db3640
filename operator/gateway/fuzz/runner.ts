import { Random } from '../../testing/random.ts';
import { OpenRequests } from './openRequests.ts';
import { Finding } from './oracle.ts';
import { Stopwatch } from './stopwatch.ts';
import { HANG_MS, type Place, pause, TIMEOUT_MS, turn, usedMemory, World } from './world.ts';

/** Cases one after the other, with connections and an instance of their own. */
export interface Lane {
  readonly places: readonly Place[];
  /** Makes the case that {@link run} runs. */
  prepare(random: Random, index: number): void;
  /** @throws Finding */
  run(): Promise<void>;
  /** What the case sends, for a report. */
  transcript(): string;
  close(): void;
}

export interface Fuzzer {
  readonly name: string;
  open(world: World): Promise<Lane>;
}

export interface Failure {
  kind: string;
  /** -1: no case's in particular. */
  index: number;
  detail: string;
  transcript: string;
  /** The cases before it on the same lane, whose connections it may have used. */
  before: readonly number[];
}

/** What a run measured. */
export interface Summary {
  /** Requests of the other tenant, and the slowest of them in fair milliseconds. */
  steady: number;
  slowestMs: number;
  /** Memory kept between the first fifth and the end; undefined in a short run. */
  grownBytes: number | undefined;
  /** Share of the time in which other processes had the processor. */
  denied: number;
  /** Cases that say nothing: the gateway's time limit was over because other processes had the processor. */
  starved: number;
}

export interface Run {
  seed: number;
  cases: readonly number[];
  lanes: number;
  started(number: number, index: number, lane: Lane): void;
  failed(failure: Failure): void;
  over(summary: Summary): void;
}

/** Memory that a run may keep between its first fifth and its end. */
const GROWTH_BYTES = 24 * 1024 * 1024;
/** A shorter run says nothing about memory. */
const MEMORABLE_CASES = 5000;
/** What the time limit of the revision makes of a request: a refusal, or the end of a response of unknown length. */
const TIMED_OUT = /\b504\b|^a broken answer looks whole/;
/** How many cases before a failure are reported. */
const MOST_BEFORE = 60;

/** Runs cases of one fuzzer in this process and reports what the gateway did wrong. */
export async function runCases(fuzzer: Fuzzer, run: Run): Promise<void> {
  const whole = new Stopwatch();
  const open = new OpenRequests();
  const world = await new World().open();
  const { cases } = run;
  let next = 0;
  let starved = 0;
  let memory: Promise<number> | undefined;
  const work = async (number: number): Promise<void> => {
    let lane = await fuzzer.open(world);
    let before: number[] = [];
    for (let index = cases[next++]; index !== undefined; index = cases[next++]) {
      if (memory === undefined && cases.length >= MEMORABLE_CASES && next > cases.length / 5)
        memory = usedMemory();
      lane.prepare(new Random(run.seed, index), index);
      run.started(number, index, lane);
      const failure = await runCase(world, lane, index);
      before.push(index);
      if (before.length > MOST_BEFORE) before.shift();
      if (!failure) continue;
      if (failure.starved) starved++;
      else run.failed({ ...failure, before: before.slice(0, -1) });
      for (const place of lane.places) world.remove(place);
      lane.close();
      lane = await fuzzer.open(world);
      before = [];
    }
    lane.close();
    for (const place of lane.places) world.remove(place);
  };
  await Promise.all(Array.from({ length: run.lanes }, (_, number) => work(number)));
  const grownBytes = await finish(world, open, await memory, run);
  const { asked, slowestMs } = world.steady;
  run.over({ steady: asked, slowestMs, grownBytes, denied: whole.denied, starved });
}

/** @returns what went wrong; its lane cannot go on then. */
async function runCase(
  world: World,
  lane: Lane,
  index: number,
): Promise<(Omit<Failure, 'before'> & { starved: boolean }) | undefined> {
  const watch = new Stopwatch();
  const { expired, cancel } = watch.expiry(HANG_MS, () => new Finding('a request hangs'));
  try {
    await Promise.race([lane.run(), expired]);
    await becomeIdle(world, lane);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const kind = error instanceof Finding ? error.message : `the fuzzer itself failed: ${error.stack}`;
    const detail = error instanceof Finding ? error.detail : '';
    const context = `${detail} (${watch.describe()})`;
    // The gateway's clock does not know of other processes.
    const starved = TIMED_OUT.test(kind) && watch.ms >= TIMEOUT_MS && watch.fairMs < TIMEOUT_MS / 2;
    return { kind, index, detail: context, transcript: lane.transcript(), starved };
  } finally {
    cancel();
  }
}

/** Waits until nothing is in flight any more. */
async function becomeIdle(world: World, lane: Lane): Promise<void> {
  for (let i = 0; i < 20; i++) {
    if (lane.places.every((place) => world.idle(place))) return;
    await turn();
  }
  const watch = new Stopwatch();
  while (watch.fairMs < HANG_MS) {
    if (lane.places.every((place) => world.idle(place))) return;
    await pause(1);
  }
  throw new Finding('a slot is not given back');
}

/** @returns by how much memory grew. */
async function finish(
  world: World,
  open: OpenRequests,
  memory: number | undefined,
  run: Run,
): Promise<number | undefined> {
  const fail = (kind: string, detail = ''): void =>
    run.failed({ kind, index: -1, detail, transcript: '', before: [] });
  await world.steady.stop();
  for (const [why, times] of world.steady.failures)
    fail(`another tenant's request failed: ${why}`, `${times} times`);
  const plane = world.harness.planes[0];
  const watch = new Stopwatch();
  while (plane?.open !== 0 && watch.fairMs < HANG_MS) await pause(10);
  if (plane?.open !== 0)
    fail('requests are still open at the end', `${plane?.open}: ${open.describe().join('; ')}`);
  for (const { error } of world.harness.sent('error')) fail("an error of the gateway's own", error);
  const grown = memory === undefined ? undefined : (await usedMemory()) - memory;
  if (grown !== undefined && grown > GROWTH_BYTES) fail('memory grew', `${Math.round(grown / 1e6)} MB`);
  await world.harness.close();
  await turn();
  // Node's HTTP/2 sessions check what they hold when they are collected.
  await usedMemory();
  return grown;
}
