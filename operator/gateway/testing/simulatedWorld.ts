import { Heap } from '../../kube/heap.ts';
import { Random } from '../../testing/random.ts';
import type { GatewayPod } from '../control/members.ts';
import type { SimulatedGateway } from './simulatedGateway.ts';

/** Instead of five minutes, so that a partition fits into a run. */
export const FENCE_MS = 2000;
export const REVISIONS = Array.from({ length: 6 }, (_, i) => `ns/rev-${i}`);
export const LIMITS = new Map(REVISIONS.map((revision, i) => [revision, [1, 1, 2, 3, 8, 80][i] as number]));

export interface SimulationOptions {
  seed: number;
  steps: number;
  /** Also partitions, lost messages and killed gateways; without them only joins, leaves and changes of instances. */
  stormy: boolean;
  /** Leaves a part of the protocol out, to show that the simulation finds what it prevents. */
  without?: 'fence' | 'held' | 'elders';
}

export interface SimulationResult {
  steps: number;
  dispatched: number;
  forwarded: number;
  /** Forwarded so often that the gateways seem to disagree. */
  rejected: number;
  fences: number;
  takeovers: number;
  /** Longest time in ms for which a request waited while a slot was free and nothing disturbed the gateways. */
  longestWait: number;
  /** What must never be: empty. */
  violations: string[];
}

export interface SimulatedInstance {
  uid: string;
  revision: string;
  /** Requests in it, as the program sees them. */
  inFlight: number;
  removed: boolean;
}

/** A pod of the API server, with the process that runs in it if one does. */
export interface SimulatedPod {
  view: GatewayPod;
  gateway: SimulatedGateway | undefined;
}

/** What all parts of a simulation share: time, chance, the API server's pods, the network and the instances. */
export class SimulatedWorld {
  readonly options: SimulationOptions;
  readonly random: Random;
  readonly pods = new Map<string, SimulatedPod>();
  readonly gateways = new Set<SimulatedGateway>();
  readonly instances = new Set<SimulatedInstance>();
  /** Pairs of gateways that do not reach each other. */
  readonly cuts = new Set<string>();
  /** When the last disturbance is over. */
  disturbedUntil = 0;
  /** No request comes any more, and nothing changes. */
  ending = false;
  now = 0;
  readonly result: SimulationResult = {
    steps: 0,
    dispatched: 0,
    forwarded: 0,
    rejected: 0,
    fences: 0,
    takeovers: 0,
    longestWait: 0,
    violations: [],
  };
  readonly #events = new Heap<{ at: number; run: () => void }>(({ at }) => at);

  constructor(options: SimulationOptions) {
    this.options = options;
    this.random = new Random(options.seed);
  }

  /** Runs the next event. @returns false when there is none. */
  step(): boolean {
    const event = this.#events.pop();
    if (!event) return false;
    this.now = event.at;
    this.result.steps++;
    event.run();
    return true;
  }

  after(ms: number, run: () => void): void {
    this.#events.push({ at: this.now + ms, run });
  }

  every(least: number, most: number, run: () => void): void {
    this.after(this.random.between(least, most), () => {
      if (!this.ending) run();
      this.every(least, most, run);
    });
  }

  violated(what: string): void {
    this.result.violations.push(`${Math.round(this.now)} ms: ${what}`);
  }

  disturbed(ms: number): void {
    this.disturbedUntil = Math.max(this.disturbedUntil, this.now + ms);
  }

  views(): GatewayPod[] {
    return [...this.pods.values()].map(({ view }) => view);
  }

  gatewayOf(id: string | undefined): SimulatedGateway | undefined {
    for (const gateway of this.gateways) if (gateway.id === id) return gateway;
    return undefined;
  }

  isCut(a: SimulatedGateway, b: SimulatedGateway): boolean {
    return this.cuts.has(pairOf(a, b));
  }

  cut(a: SimulatedGateway, b: SimulatedGateway): void {
    this.cuts.add(pairOf(a, b));
  }

  isBusy(): boolean {
    for (const { inFlight } of this.instances) if (inFlight > 0) return true;
    for (const { waiting } of this.gateways) if (waiting.length > 0) return true;
    return false;
  }
}

function pairOf(a: SimulatedGateway, b: SimulatedGateway): string {
  return a.id < b.id ? `${a.id} ${b.id}` : `${b.id} ${a.id}`;
}
