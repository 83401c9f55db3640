import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../operator/kube/client.ts';
import { Random } from '../../operator/testing/random.ts';
import { leaderless } from '../lib/roles.ts';
import { chosen, FAULTS } from './faults.ts';
import { violations } from './judge.ts';
import type { RoundRecord } from './record.ts';
import { roundLine } from './report.ts';
import type { Injected } from './scene.ts';
import { Workload } from './workload.ts';

/** Longer than anything takes to come back, the kubelet's pauses between starts included. */
const BACK_MS = 120_000;
/** Longer than is allowed, to see whether it ever is. */
const SETTLED_MS = 60_000;
/** What the workload does undisturbed between two faults. */
const QUIET_MS = 2_000;

export interface Totals {
  requests: number;
  refused: number;
  executions: number;
  minutes: number;
}

/** Faults, one after another, in a cluster that works all the while; each round is one fault and what came of it. */
export class Run {
  readonly records: RoundRecord[] = [];
  readonly #client: KubeClient;
  readonly #seed: number;
  readonly #begun = performance.now();
  readonly #workload: Workload;

  constructor(client: KubeClient, seed: number) {
    this.#client = client;
    this.#seed = seed;
    this.#workload = new Workload(client, this.#clock);
  }

  get totals(): Totals {
    const { requests, refused, executions } = this.#workload;
    return { requests, refused, executions, minutes: this.#clock() / 60_000 };
  }

  start(): Promise<void> {
    return this.#workload.start();
  }

  stop(): Promise<void> {
    return this.#workload.stop();
  }

  /** @returns a line about it for the terminal. */
  async round(number: number): Promise<string> {
    const random = new Random(this.#seed, number);
    const fault = chosen(random, number);
    const { observer, load, counting } = this.#workload;
    const before = observer.snapshot();
    const scene = { client: this.#client, random, clock: this.#clock };
    const injected = (await FAULTS[fault]?.inject(scene)) as Injected;
    const [backAt, leaderlessMs] = await Promise.all([
      this.#when(injected.isBack, BACK_MS),
      injected.leaderKilledAt && leaderless(this.#client, injected.leaderKilledAt),
    ]);
    let unsettled: string[] = [];
    const isSettled = async () => {
      const found = await this.#workload.unsettled();
      if (found.length > 0) unsettled = found;
      return found.length === 0;
    };
    const { target, at, overAt, killsGateway = false, mayRestart = [] } = injected;
    const settledAt = await this.#when(isSettled, SETTLED_MS, (why) => {
      unsettled = [String(why)];
    });
    await sleep(QUIET_MS);
    const record: RoundRecord = {
      number,
      fault,
      target,
      at,
      overAt,
      backAt,
      settledAt,
      unsettled,
      killsGateway,
      mayRestart: [...mayRestart],
      leaderlessMs,
      lost: load.takeLost(),
      restarts: observer.restartsSince(before),
      tasks: counting.takeFindings(),
      poolShortMs: observer.takePoolShortMs(),
    };
    this.records.push(record);
    return roundLine(record, violations(record));
  }

  readonly #clock = () => performance.now() - this.#begun;

  /** When something was first so; undefined if it was not within the time. */
  async #when(
    probe: () => Promise<boolean>,
    withinMs: number,
    failed?: (why: unknown) => void,
  ): Promise<number | undefined> {
    const end = this.#clock() + withinMs;
    while (this.#clock() < end) {
      try {
        if (await probe()) return this.#clock();
      } catch (error) {
        failed?.(error);
      }
      await sleep(200);
    }
    return undefined;
  }
}
