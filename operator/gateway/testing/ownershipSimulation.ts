import { Heap } from '../../kube/heap.ts';
import { Random } from '../../testing/random.ts';
import type { Declaration } from '../control/declaration.ts';
import { type GatewayPod, Ownership } from '../control/ownership.ts';

/** Instead of five minutes, so that a partition fits into a run. */
const FENCE_MS = 2000;
/** How often a gateway looks at its peers and its fence. */
const TICK_MS = 10;
const CONFIRM_MS = FENCE_MS / 4;
const REVISIONS = Array.from({ length: 6 }, (_, i) => `ns/rev-${i}`);
/** After the last disturbance, how long the gateways may take to settle. */
const SETTLE_MS = 150;
/** A request is forwarded no more than this many times. */
const MOST_HOPS = 10;
const REFORWARD_MS = 10;
/** How long a request waits for a slot. */
const QUEUE_MS = 5000;
/** How long a request may wait while a slot is free. */
export const LONGEST_WAIT_MS = 50;

export interface SimulationOptions {
  seed: number;
  steps: number;
  /** Also partitions, lost messages, killed gateways and forced deletions; without them only joins, leaves and instances. */
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

interface Instance {
  uid: string;
  revision: string;
  /** Requests in it, as the program sees them. */
  inFlight: number;
  removed: boolean;
}

interface Running {
  instance: Instance;
  gateway: Gateway;
  aborted: boolean;
}

/** A pod of the API server, with the process that runs in it if one does. */
interface Pod {
  view: GatewayPod;
  gateway: Gateway | undefined;
}

/** What the data threads of a gateway follow. */
interface Table {
  version: number;
  dispatches: ReadonlySet<string>;
  heldByOthers: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

interface Waiting {
  revision: string;
  hops: number;
  until: number;
  /** It is not forwarded before this time: two gateways that each take the other for the owner agree meanwhile. */
  forwardAt: number;
}

class Gateway {
  readonly pod: Pod;
  readonly ownership: Ownership;
  /** Its clock: another origin, and up to 1 % faster or slower. */
  readonly rate: number;
  readonly offset: number;
  table: Table = { version: -1, dispatches: new Set(), heldByOthers: new Map() };
  readonly running = new Set<Running>();
  readonly waiting: Waiting[] = [];
  applying = false;
  confirmedAt = Number.NEGATIVE_INFINITY;
  alive = true;
  /** Cut off from the API server. */
  cutOff = false;
  /** The pods that it has been told of, and when the last of that comes. */
  seen: GatewayPod[] = [];
  watchedAt = 0;

  constructor(pod: Pod, life: number, random: Random) {
    this.pod = pod;
    this.rate = 0.99 + random.next() * 0.02;
    this.offset = random.below(1e6);
    this.ownership = new Ownership(pod.view.id, life, FENCE_MS);
  }

  get id(): string {
    return this.ownership.id;
  }
}

/**
 * Gateways with their data threads, an API server with slow watches, a network that loses, delays and reorders, and
 * instances that count. Every event is one step; the same seed gives the same run.
 */
export class OwnershipSimulation {
  readonly #random: Random;
  readonly #options: SimulationOptions;
  readonly #events = new Heap<{ at: number; run: () => void }>(({ at }) => at);
  #now = 0;
  #number = 0;
  readonly #pods = new Map<string, Pod>();
  readonly #gateways = new Set<Gateway>();
  readonly #instances = new Set<Instance>();
  readonly #limits = new Map(REVISIONS.map((revision, i) => [revision, [1, 1, 2, 3, 8, 80][i] as number]));
  /** Pairs of gateways that do not reach each other. */
  readonly #cuts = new Set<string>();
  #disturbedUntil = 0;
  #ending = false;
  readonly #freeSince = new Map<string, number>();
  readonly #result: SimulationResult = {
    steps: 0,
    dispatched: 0,
    forwarded: 0,
    rejected: 0,
    fences: 0,
    takeovers: 0,
    longestWait: 0,
    violations: [],
  };

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  run(): SimulationResult {
    for (const revision of REVISIONS) for (let i = 0; i < 2; i++) this.#addInstance(revision);
    for (let i = 0; i < 3; i++) this.#addPod();
    this.#every(3, 9, () => this.#request());
    this.#every(50, 400, () => this.#changeInstances());
    this.#every(200, 1500, () => this.#changeGateways());
    this.#every(5, 5, () => this.#watchWaiting());
    while (this.#result.steps < this.#options.steps && this.#result.violations.length === 0) this.#step();
    this.#end();
    return this.#result;
  }

  #step(): boolean {
    const event = this.#events.pop();
    if (!event) return false;
    this.#now = event.at;
    this.#result.steps++;
    event.run();
    return true;
  }

  /** No slot leaks: everything heals, no request comes, and at last nothing is held and everything is owned. */
  #end(): void {
    if (this.#result.violations.length > 0) return;
    this.#ending = true;
    this.#heal();
    for (const gateway of this.#gateways) if (gateway.pod.view.leaving) this.#kill(gateway);
    const settled = this.#now + 5 * FENCE_MS;
    const end = this.#now + 100 * FENCE_MS;
    while ((this.#now < settled || this.#isBusy()) && this.#now < end && this.#step());
    const left = [...this.#gateways];
    if (left.length === 0) return;
    for (const { inFlight, uid } of this.#instances) if (inFlight > 0) this.#violated(`${uid} is not empty`);
    for (const { id, waiting } of left)
      if (waiting.length > 0) this.#violated(`${id} has requests that wait`);
    for (const revision of REVISIONS) {
      const owners = left.filter(({ table }) => table.dispatches.has(revision));
      if (owners.length !== 1) this.#violated(`${owners.length} gateways dispatch ${revision}`);
      const held = owners[0]?.table.heldByOthers.get(revision);
      if (held?.size) this.#violated(`slots of ${revision} are held by nobody`);
    }
  }

  #isBusy(): boolean {
    for (const { inFlight } of this.#instances) if (inFlight > 0) return true;
    for (const { waiting } of this.#gateways) if (waiting.length > 0) return true;
    return false;
  }

  #after(ms: number, run: () => void): void {
    this.#events.push({ at: this.#now + ms, run });
  }

  #every(least: number, most: number, run: () => void): void {
    this.#after(this.#random.between(least, most), () => {
      if (!this.#ending) run();
      this.#every(least, most, run);
    });
  }

  #violated(what: string): void {
    this.#result.violations.push(`${Math.round(this.#now)} ms: ${what}`);
  }

  #disturbed(ms: number): void {
    this.#disturbedUntil = Math.max(this.#disturbedUntil, this.#now + ms);
  }

  /** A gateway's clock. */
  #clock(gateway: Gateway): number {
    return gateway.offset + this.#now * gateway.rate;
  }

  // ---- the cluster

  #addInstance(revision: string): void {
    const uid = `pod-${this.#number++}`;
    this.#instances.add({ uid, revision, inFlight: 0, removed: false });
    for (const gateway of this.#gateways) {
      this.#after(this.#random.between(1, 20), () => gateway.alive && this.#serveWaiting(gateway));
    }
  }

  #changeInstances(): void {
    const revision = this.#random.pick(REVISIONS);
    const own = [...this.#instances].filter((i) => i.revision === revision && !i.removed);
    if (own.length < 3 && this.#random.chance(0.6)) this.#addInstance(revision);
    else if (own.length > 1) (this.#random.pick(own) as Instance).removed = true;
    for (const instance of this.#instances) {
      if (instance.removed && instance.inFlight === 0) this.#instances.delete(instance);
    }
    this.#freeSince.delete(revision);
  }

  #addPod(): void {
    const id = `gw-${this.#number++}`;
    const view = { id, started: false, ready: false, leaving: false, endedAt: 0, ended: false };
    const pod: Pod = { view, gateway: undefined };
    this.#pods.set(id, pod);
    this.#changed();
    this.#after(this.#random.between(1, 300), () => this.#startProcess(pod));
  }

  #startProcess(pod: Pod): void {
    if (!this.#pods.has(pod.view.id) || pod.view.leaving) return;
    // Processes of a pod start a second or more after each other, as the kubelet's back-off has it.
    const gateway = new Gateway(pod, 1 + this.#now, this.#random);
    pod.gateway = gateway;
    this.#gateways.add(gateway);
    // The first list of the informer is complete before anything else.
    gateway.seen = this.#views();
    this.#observe(gateway);
    this.#tick(gateway);
    this.#after(this.#random.between(1, 50), () => this.#update(pod, { started: true }));
    this.#after(this.#random.between(50, 300), () => {
      if (gateway.alive) this.#update(pod, { ready: true });
    });
  }

  #update(pod: Pod, change: Partial<GatewayPod>): void {
    if (!this.#pods.has(pod.view.id)) return;
    pod.view = { ...pod.view, ...change };
    this.#changed();
  }

  #views(): GatewayPod[] {
    return [...this.#pods.values()].map(({ view }) => view);
  }

  /** Watches tell of a change after a while, in order; a gateway that is cut off hears of it later. */
  #changed(): void {
    for (const gateway of this.#gateways) this.#watch(gateway);
  }

  #watch(gateway: Gateway): void {
    const pods = this.#views();
    gateway.watchedAt = Math.max(gateway.watchedAt, this.#now + this.#random.between(1, 20)) + 0.001;
    this.#after(gateway.watchedAt - this.#now, () => {
      if (!gateway.alive || gateway.cutOff) return;
      gateway.seen = pods;
      this.#observe(gateway);
    });
  }

  #observe(gateway: Gateway): void {
    gateway.ownership.setPods(gateway.seen, this.#clock(gateway));
    this.#follow(gateway);
  }

  #changeGateways(): void {
    const alive = [...this.#gateways].filter(({ pod }) => !pod.view.leaving);
    const chance = this.#random.next();
    if (alive.length < 2 || (alive.length < 5 && chance < 0.35)) {
      this.#addPod();
      return;
    }
    const gateway = this.#random.pick(alive);
    if (chance < 0.6 || !this.#options.stormy) this.#drain(gateway);
    else if (chance < 0.75) this.#crash(gateway);
    else if (chance < 0.85) this.#lose(gateway);
    else if (chance < 0.92) this.#partition(gateway);
    else this.#flap(gateway.pod);
  }

  /** Its readiness changes a few times, faster than watches and messages are. */
  #flap(pod: Pod): void {
    for (let i = 0, at = 0; i < 6; i++) {
      const ready = i % 2 === 1;
      this.#after(at, () => this.#update(pod, { ready }));
      at += this.#random.between(1, 30);
    }
    this.#disturbed(300);
  }

  /** The pod is deleted and its process ends once its requests have. */
  #drain(gateway: Gateway): void {
    this.#update(gateway.pod, { leaving: true, ready: false });
    const end = (): void => {
      const busy = gateway.running.size > 0 || gateway.waiting.length > 0;
      if (busy && gateway.alive && !this.#ending) this.#after(20, end);
      // It tells the others that nothing is left before it ends.
      else this.#after(3 * TICK_MS, () => this.#finish(gateway));
    };
    this.#after(300, end);
  }

  #finish(gateway: Gateway): void {
    this.#kill(gateway);
    // The kubelet says that the containers have ended, then the object goes.
    this.#after(this.#random.between(1, 100), () => this.#update(gateway.pod, { ended: true }));
    this.#after(this.#random.between(200, 300), () => {
      this.#pods.delete(gateway.id);
      this.#changed();
    });
  }

  /** The process is killed, and the kubelet starts another one in the same pod. */
  #crash(gateway: Gateway): void {
    const { pod } = gateway;
    this.#kill(gateway);
    this.#disturbed(4000);
    const endedAt = this.#now + 1001;
    this.#after(this.#random.between(1, 1500), () => {
      if (pod.gateway === gateway || pod.gateway === undefined) this.#update(pod, { ready: false, endedAt });
    });
    this.#after(this.#random.between(1100, 2500), () => this.#startProcess(pod));
  }

  /** A node is cut off for good: its pod is deleted, by force perhaps, while its process may live on. */
  #lose(gateway: Gateway): void {
    const { pod } = gateway;
    this.#isolate(gateway);
    if (this.#random.chance(0.3)) this.#after(this.#random.between(1, 3000), () => this.#kill(gateway));
    this.#disturbed(4 * FENCE_MS);
    this.#after(this.#random.between(1, FENCE_MS), () => {
      this.#result.takeovers++;
      this.#update(pod, { leaving: true, ready: false });
    });
    this.#after(4 * FENCE_MS, () => {
      this.#kill(gateway);
      this.#pods.delete(pod.view.id);
      this.#changed();
    });
  }

  #isolate(gateway: Gateway): void {
    gateway.cutOff = true;
    for (const other of this.#gateways) this.#cuts.add(pairOf(gateway, other));
  }

  /** For a while, from the API server, from some of the others, or both. */
  #partition(gateway: Gateway): void {
    const ms = this.#random.between(20, 2 * FENCE_MS);
    gateway.cutOff = this.#random.chance(0.5);
    for (const other of this.#gateways) if (this.#random.chance(0.5)) this.#cuts.add(pairOf(gateway, other));
    this.#disturbed(ms + 2 * FENCE_MS);
    this.#after(ms, () => this.#heal());
  }

  #heal(): void {
    this.#cuts.clear();
    for (const gateway of this.#gateways) {
      if (!gateway.cutOff) continue;
      gateway.cutOff = false;
      this.#watch(gateway);
    }
  }

  /** The kernel closes its connections. */
  #kill(gateway: Gateway): void {
    gateway.alive = false;
    this.#gateways.delete(gateway);
    if (gateway.pod.gateway === gateway) gateway.pod.gateway = undefined;
    this.#abort(gateway);
  }

  #abort(gateway: Gateway): void {
    for (const running of gateway.running) {
      running.aborted = true;
      running.instance.inFlight--;
    }
    gateway.running.clear();
  }

  // ---- a gateway

  #tick(gateway: Gateway): void {
    if (!gateway.alive) return;
    const now = this.#clock(gateway);
    const { ownership } = gateway;
    if (now - gateway.confirmedAt > CONFIRM_MS || !ownership.joined) this.#confirm(gateway, now);
    if (ownership.joined && now > ownership.validUntil && this.#options.without !== 'fence') {
      this.#result.fences++;
      this.#abort(gateway);
      ownership.fence();
      gateway.table = { version: -1, dispatches: new Set(), heldByOthers: new Map() };
    }
    this.#observe(gateway);
    this.#declare(gateway);
    this.#after(TICK_MS * (0.5 + this.#random.next()), () => this.#tick(gateway));
  }

  #confirm(gateway: Gateway, sentAt: number): void {
    if (gateway.cutOff) return;
    gateway.confirmedAt = sentAt;
    this.#after(this.#random.between(1, 5), () => {
      const pods = this.#views();
      this.#after(this.#random.between(1, 5), () => {
        if (!gateway.alive || gateway.cutOff) return;
        gateway.watchedAt = Math.max(gateway.watchedAt, this.#now);
        const known = this.#options.without === 'elders' ? pods.filter(({ id }) => id === gateway.id) : pods;
        gateway.ownership.confirm(known, sentAt, this.#clock(gateway));
        this.#follow(gateway);
      });
    });
  }

  /** The data threads follow the present answers a moment later. */
  #follow(gateway: Gateway): void {
    const { ownership } = gateway;
    if (gateway.applying || gateway.table.version === ownership.version) return;
    gateway.applying = true;
    const table = tableOf(ownership);
    const life = ownership.validUntil === Number.NEGATIVE_INFINITY;
    this.#after(this.#random.next() * (this.#options.stormy && this.#random.chance(0.05) ? 30 : 3), () => {
      gateway.applying = false;
      if (!gateway.alive) return;
      // A table from before a fence is not applied.
      if (life === (ownership.validUntil === Number.NEGATIVE_INFINITY)) gateway.table = table;
      this.#serveWaiting(gateway);
      this.#declare(gateway);
      this.#follow(gateway);
    });
  }

  #declare(gateway: Gateway): void {
    const { ownership, table } = gateway;
    const now = this.#clock(gateway);
    if (table.version === ownership.version) {
      ownership.declare(this.#options.without === 'held' ? {} : inFlightOf(gateway));
      this.#follow(gateway);
    }
    for (const id of ownership.untold(now)) {
      this.#send(gateway, id, ownership.declarationTo(id, now));
    }
  }

  #send(from: Gateway, id: string, declaration: Declaration): void {
    const loss = this.#options.stormy ? 0.1 : 0;
    const copies = this.#random.chance(loss) ? 0 : this.#random.chance(loss / 2) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const delay = this.#options.stormy && this.#random.chance(0.02) ? 500 : 3;
      this.#after(this.#random.next() * delay, () => {
        const to = this.#pods.get(id)?.gateway ?? [...this.#gateways].find((gateway) => gateway.id === id);
        if (!to?.alive || this.#cuts.has(pairOf(from, to))) return;
        if (!to.ownership.receive(declaration, this.#clock(to))) return;
        this.#follow(to);
        this.#declare(to);
      });
    }
  }

  // ---- requests

  #request(): void {
    const gateways = [...this.#gateways].filter(({ pod }) => pod.view.ready);
    if (gateways.length === 0) return;
    this.#arrive(this.#random.pick(gateways), {
      revision: this.#random.pick(REVISIONS),
      hops: 0,
      until: this.#now + QUEUE_MS,
      forwardAt: 0,
    });
  }

  #arrive(gateway: Gateway, waiting: Waiting): void {
    gateway.waiting.push(waiting);
    this.#serveWaiting(gateway);
  }

  #serveWaiting(gateway: Gateway): void {
    for (const waiting of gateway.waiting.splice(0)) {
      if (waiting.until < this.#now && !this.#ending) continue;
      if (!this.#dispatch(gateway, waiting) && !this.#forward(gateway, waiting))
        gateway.waiting.push(waiting);
    }
  }

  #forward(gateway: Gateway, { revision, hops, until, forwardAt }: Waiting): boolean {
    if (this.#now < forwardAt || !gateway.ownership.targetOf(revision)) return false;
    const target = gateway.ownership.targetOf(revision);
    const to = [...this.#gateways].find(({ id }) => id === target);
    if (hops >= MOST_HOPS) {
      this.#result.rejected++;
      return true;
    }
    if (!to || this.#cuts.has(pairOf(gateway, to))) return false;
    this.#result.forwarded++;
    this.#after(this.#random.next() * 2, () => {
      if (!to.alive) return;
      const wait = REFORWARD_MS * 2 ** Math.min(hops, 4);
      this.#arrive(to, { revision, hops: hops + 1, until, forwardAt: this.#now + wait });
      this.#after(wait, () => to.alive && this.#serveWaiting(to));
    });
    return true;
  }

  #dispatch(gateway: Gateway, { revision }: Waiting): boolean {
    const { table, ownership } = gateway;
    if (!table.dispatches.has(revision)) return false;
    if (this.#clock(gateway) > ownership.validUntil && this.#options.without !== 'fence') return false;
    const limit = this.#limits.get(revision) as number;
    const held = table.heldByOthers.get(revision);
    for (const instance of this.#instances) {
      if (instance.revision !== revision || instance.removed) continue;
      const own = countIn(gateway, instance);
      if (own + (held?.get(instance.uid) ?? 0) >= limit) continue;
      this.#start(gateway, instance, limit);
      return true;
    }
    return false;
  }

  #start(gateway: Gateway, instance: Instance, limit: number): void {
    this.#result.dispatched++;
    const running: Running = { instance, gateway, aborted: false };
    gateway.running.add(running);
    instance.inFlight++;
    if (instance.inFlight > limit) {
      this.#violated(
        `${instance.inFlight} requests in ${instance.uid} of ${instance.revision}, limit ${limit}`,
      );
    }
    const long = this.#random.chance(0.02);
    this.#after(this.#random.next() * (long ? 3 * FENCE_MS : 60), () => {
      if (running.aborted) return;
      instance.inFlight--;
      gateway.running.delete(running);
      this.#serveWaiting(gateway);
    });
  }

  /** How long a request has waited somewhere while the revision has a free slot. */
  #watchWaiting(): void {
    const calm = this.#now > this.#disturbedUntil + SETTLE_MS && this.#cuts.size === 0;
    for (const revision of REVISIONS) {
      const limit = this.#limits.get(revision) as number;
      const waits = [...this.#gateways].some((g) =>
        g.waiting.some((waiting) => waiting.revision === revision),
      );
      const free = [...this.#instances].some(
        (i) => i.revision === revision && !i.removed && i.inFlight < limit,
      );
      if (!calm || !waits || !free) {
        this.#freeSince.delete(revision);
        continue;
      }
      const since = this.#freeSince.get(revision) ?? this.#now;
      this.#freeSince.set(revision, since);
      this.#result.longestWait = Math.max(this.#result.longestWait, this.#now - since);
    }
  }
}

function tableOf(ownership: Ownership): Table {
  return {
    version: ownership.version,
    dispatches: new Set(REVISIONS.filter((revision) => ownership.dispatches(revision))),
    heldByOthers: new Map(REVISIONS.map((revision) => [revision, ownership.heldByOthers(revision)])),
  };
}

function countIn(gateway: Gateway, instance: Instance): number {
  let count = 0;
  for (const running of gateway.running) if (running.instance === instance) count++;
  return count;
}

function inFlightOf(gateway: Gateway): Record<string, Record<string, number>> {
  const counts: Record<string, Record<string, number>> = {};
  for (const { instance } of gateway.running) {
    counts[instance.revision] ??= {};
    const of = counts[instance.revision] as Record<string, number>;
    of[instance.uid] = (of[instance.uid] ?? 0) + 1;
  }
  return counts;
}

function pairOf(a: Gateway, b: Gateway): string {
  return a.id < b.id ? `${a.id} ${b.id}` : `${b.id} ${a.id}`;
}
