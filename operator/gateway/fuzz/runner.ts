import { Random } from '../../testing/random.ts';
import { Finding } from './oracle.ts';
import { HANG_MS, type Place, pause, turn, usedMemory, World } from './world.ts';

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
}

export interface Run {
  seed: number;
  first: number;
  /** The first one that is not run any more. */
  end: number;
  lanes: number;
  started(number: number, index: number, lane: Lane): void;
  failed(failure: Failure): void;
}

/** Memory that a run may keep between its first fifth and its end. */
const GROWTH_BYTES = 24 * 1024 * 1024;
/** A shorter run says nothing about memory. */
const MEMORABLE_CASES = 5000;

/** Runs cases of one fuzzer in this process and reports what the gateway did wrong. */
export async function runCases(fuzzer: Fuzzer, run: Run): Promise<void> {
  const world = await new World().open();
  const total = run.end - run.first;
  let next = run.first;
  let memory: Promise<number> | undefined;
  const work = async (number: number): Promise<void> => {
    let lane = await fuzzer.open(world);
    for (let index = next++; index < run.end; index = next++) {
      if (memory === undefined && total >= MEMORABLE_CASES && index - run.first > total / 5)
        memory = usedMemory();
      lane.prepare(new Random(run.seed, index), index);
      run.started(number, index, lane);
      if (await runCase(world, lane, index, run)) continue;
      for (const place of lane.places) world.remove(place);
      lane.close();
      lane = await fuzzer.open(world);
    }
    lane.close();
    for (const place of lane.places) world.remove(place);
  };
  await Promise.all(Array.from({ length: run.lanes }, (_, number) => work(number)));
  await finish(world, await memory, run);
}

/** @returns whether its lane can go on. */
async function runCase(world: World, lane: Lane, index: number, run: Run): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Finding('a request hangs')), HANG_MS);
  });
  try {
    await Promise.race([lane.run(), tooLong]);
    await settle(world, lane);
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const kind = error instanceof Finding ? error.message : `the fuzzer itself failed: ${error.stack}`;
    const detail = error instanceof Finding ? error.detail : '';
    run.failed({ kind, index, detail, transcript: lane.transcript() });
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until nothing is in flight any more. */
async function settle(world: World, lane: Lane): Promise<void> {
  for (let i = 0; i < 20; i++) {
    if (lane.places.every((place) => world.idle(place))) return;
    await turn();
  }
  const deadline = performance.now() + HANG_MS;
  while (performance.now() < deadline) {
    if (lane.places.every((place) => world.idle(place))) return;
    await pause(1);
  }
  throw new Finding('a slot is not given back');
}

async function finish(world: World, memory: number | undefined, run: Run): Promise<void> {
  const fail = (kind: string, detail = ''): void => run.failed({ kind, index: -1, detail, transcript: '' });
  await world.steady.stop();
  for (const [why, times] of world.steady.failures)
    fail(`another tenant's request failed: ${why}`, `${times} times`);
  const plane = world.harness.planes[0];
  const deadline = performance.now() + HANG_MS;
  while (plane?.open !== 0 && performance.now() < deadline) await pause(10);
  if (plane?.open !== 0) fail('requests are still open at the end', String(plane?.open));
  if (memory !== undefined) {
    const growth = (await usedMemory()) - memory;
    if (growth > GROWTH_BYTES) fail('memory grew', `${Math.round(growth / 1e6)} MB`);
  }
  await world.harness.close();
  await turn();
  // Node's HTTP/2 sessions check what they hold when they are collected.
  await usedMemory();
}
