import type { GatewayPod } from '../control/members.ts';
import { SimulatedGateway, TICK_MS } from './simulatedGateway.ts';
import {
  FENCE_MS,
  LIMITS,
  REVISIONS,
  type SimulatedInstance,
  type SimulatedPod,
  SimulatedWorld,
  type SimulationOptions,
  type SimulationResult,
} from './simulatedWorld.ts';

export type { SimulationOptions } from './simulatedWorld.ts';

/** How long a request may wait while a slot is free. */
export const LONGEST_WAIT_MS = 50;
/** After the last disturbance, how long the gateways may take to settle. */
const SETTLE_MS = 150;
/** How long a request waits for a slot. */
const QUEUE_MS = 5000;

/**
 * Gateways with their data threads, an API server with slow watches, a network that loses, delays and reorders, and
 * instances that count. Every event is one step; the same seed gives the same run.
 */
export class OwnershipSimulation {
  readonly #world: SimulatedWorld;
  readonly #freeSince = new Map<string, number>();
  #number = 0;

  constructor(options: SimulationOptions) {
    this.#world = new SimulatedWorld(options);
  }

  run(): SimulationResult {
    const world = this.#world;
    const { options, result } = world;
    for (const revision of REVISIONS) for (let i = 0; i < 2; i++) this.#addInstance(revision);
    for (let i = 0; i < 3; i++) this.#addPod();
    world.every(3, 9, () => this.#request());
    world.every(50, 400, () => this.#changeInstances());
    world.every(200, 1500, () => this.#changeGateways());
    world.every(5, 5, () => this.#watchWaiting());
    while (result.steps < options.steps && result.violations.length === 0) world.step();
    if (result.violations.length === 0) this.#end();
    return result;
  }

  /** No slot leaks: everything heals, no request comes, and at last nothing is held and everything is owned. */
  #end(): void {
    const world = this.#world;
    world.ending = true;
    this.#heal();
    for (const gateway of world.gateways) if (gateway.pod.view.leaving) this.#kill(gateway);
    const settled = world.now + 5 * FENCE_MS;
    const end = world.now + 100 * FENCE_MS;
    while ((world.now < settled || world.isBusy()) && world.now < end && world.step());
    const left = [...world.gateways];
    if (left.length === 0) return;
    for (const { inFlight, uid } of world.instances) if (inFlight > 0) world.violated(`${uid} is not empty`);
    for (const { id, waiting } of left)
      if (waiting.length > 0) world.violated(`${id} has requests that wait`);
    for (const revision of REVISIONS) {
      const owners = left.filter(({ table }) => table.dispatches.has(revision));
      if (owners.length !== 1) world.violated(`${owners.length} gateways dispatch ${revision}`);
      const held = owners[0]?.table.heldByOthers.get(revision);
      if (held?.size) world.violated(`slots of ${revision} are held by none`);
    }
  }

  #request(): void {
    const { gateways, random, now } = this.#world;
    const ready = [...gateways].filter(({ pod }) => pod.view.ready);
    if (ready.length === 0) return;
    const revision = random.pick(REVISIONS);
    random.pick(ready).arrive({ revision, hops: 0, until: now + QUEUE_MS, forwardAt: 0 });
  }

  #addInstance(revision: string): void {
    const { instances, gateways, random } = this.#world;
    instances.add({ uid: `pod-${this.#number++}`, revision, inFlight: 0, removed: false });
    for (const gateway of gateways) {
      this.#world.after(random.between(1, 20), () => gateway.alive && gateway.serveWaiting());
    }
  }

  #changeInstances(): void {
    const { instances, random } = this.#world;
    const revision = random.pick(REVISIONS);
    const own = [...instances].filter((instance) => instance.revision === revision && !instance.removed);
    if (own.length < 3 && random.chance(0.6)) this.#addInstance(revision);
    else if (own.length > 1) (random.pick(own) as SimulatedInstance).removed = true;
    for (const instance of instances) {
      if (instance.removed && instance.inFlight === 0) instances.delete(instance);
    }
    this.#freeSince.delete(revision);
  }

  #addPod(): void {
    const { pods, random } = this.#world;
    const id = `gw-${this.#number++}`;
    const view = { id, started: false, ready: false, leaving: false, endedAt: 0, ended: false };
    const pod: SimulatedPod = { view, gateway: undefined };
    pods.set(id, pod);
    this.#changed();
    this.#world.after(random.between(1, 300), () => this.#startProcess(pod));
  }

  #startProcess(pod: SimulatedPod): void {
    const { pods, gateways, random, now } = this.#world;
    if (!pods.has(pod.view.id) || pod.view.leaving) return;
    const gateway = new SimulatedGateway(this.#world, pod, 1 + now);
    pod.gateway = gateway;
    gateways.add(gateway);
    // The first list of the informer is complete before anything else.
    gateway.seen = this.#world.views();
    gateway.observe();
    gateway.tick();
    // The kubelet says so a moment later, or much later.
    const startedMs = random.chance(0.2) ? random.between(50, 2500) : random.between(1, 50);
    this.#world.after(startedMs, () => this.#update(pod, { started: true }));
    const readyMs = startedMs + random.between(50, 300);
    this.#world.after(readyMs, () => gateway.alive && this.#update(pod, { ready: true }));
  }

  #update(pod: SimulatedPod, change: Partial<GatewayPod>): void {
    if (!this.#world.pods.has(pod.view.id)) return;
    pod.view = { ...pod.view, ...change };
    this.#changed();
  }

  #delete(pod: SimulatedPod): void {
    this.#world.pods.delete(pod.view.id);
    this.#changed();
  }

  /** Watches tell of a change after a while, in order; a gateway that is cut off hears of it later. */
  #changed(): void {
    for (const gateway of this.#world.gateways) this.#watch(gateway);
  }

  #watch(gateway: SimulatedGateway): void {
    const { now, random } = this.#world;
    const pods = this.#world.views();
    gateway.watchedAt = Math.max(gateway.watchedAt, now + random.between(1, 20)) + 0.001;
    this.#world.after(gateway.watchedAt - now, () => {
      if (!gateway.alive || gateway.cutOff) return;
      gateway.seen = pods;
      gateway.observe();
    });
  }

  #changeGateways(): void {
    const { gateways, random, options } = this.#world;
    const alive = [...gateways].filter(({ pod }) => !pod.view.leaving);
    const chance = random.next();
    if (alive.length < 2 || (alive.length < 5 && chance < 0.35)) {
      this.#addPod();
      return;
    }
    const gateway = random.pick(alive);
    if (chance < 0.6 || !options.stormy) this.#drain(gateway);
    else if (chance < 0.75) this.#crash(gateway);
    else if (chance < 0.85) this.#lose(gateway);
    else if (chance < 0.92) this.#partition(gateway);
    else this.#flap(gateway.pod);
  }

  /** Its readiness changes a few times, faster than watches and messages are. */
  #flap(pod: SimulatedPod): void {
    for (let i = 0, at = 0; i < 6; i++) {
      const ready = i % 2 === 1;
      this.#world.after(at, () => this.#update(pod, { ready }));
      at += this.#world.random.between(1, 30);
    }
    this.#world.disturbed(300);
  }

  /** The pod is deleted and its process ends once its requests have. */
  #drain(gateway: SimulatedGateway): void {
    this.#update(gateway.pod, { leaving: true, ready: false });
    const end = (): void => {
      const busy = gateway.running.size > 0 || gateway.waiting.length > 0;
      if (busy && gateway.alive && !this.#world.ending) this.#world.after(20, end);
      // It tells the others that nothing is left before it ends.
      else this.#world.after(3 * TICK_MS, () => this.#finish(gateway));
    };
    this.#world.after(300, end);
  }

  #finish(gateway: SimulatedGateway): void {
    const { random } = this.#world;
    this.#kill(gateway);
    // The kubelet says that the containers have ended, then the object goes.
    this.#world.after(random.between(1, 100), () => this.#update(gateway.pod, { ended: true }));
    this.#world.after(random.between(200, 300), () => this.#delete(gateway.pod));
  }

  /** The process is killed, and the kubelet starts another one in the same pod, a second later at least. */
  #crash(gateway: SimulatedGateway): void {
    const { random, now } = this.#world;
    const { pod } = gateway;
    this.#kill(gateway);
    this.#world.disturbed(4000);
    const endedAt = now + 1001;
    this.#world.after(random.between(1, 1500), () => {
      if (pod.gateway === gateway || pod.gateway === undefined) this.#update(pod, { ready: false, endedAt });
    });
    this.#world.after(random.between(1100, 2500), () => this.#startProcess(pod));
  }

  /** A node is cut off for good: its pod is deleted while its process may live on. */
  #lose(gateway: SimulatedGateway): void {
    const { gateways, random, result } = this.#world;
    const { pod } = gateway;
    gateway.cutOff = true;
    for (const other of gateways) this.#world.cut(gateway, other);
    if (random.chance(0.3)) this.#world.after(random.between(1, 3000), () => this.#kill(gateway));
    this.#world.disturbed(4 * FENCE_MS);
    this.#world.after(random.between(1, FENCE_MS), () => {
      result.takeovers++;
      this.#update(pod, { leaving: true, ready: false });
    });
    this.#world.after(4 * FENCE_MS, () => {
      this.#kill(gateway);
      this.#delete(pod);
    });
  }

  /** For a while, from the API server, from some of the others, or both. */
  #partition(gateway: SimulatedGateway): void {
    const { gateways, random } = this.#world;
    const ms = random.between(20, 2 * FENCE_MS);
    gateway.cutOff = random.chance(0.5);
    for (const other of gateways) if (random.chance(0.5)) this.#world.cut(gateway, other);
    this.#world.disturbed(ms + 2 * FENCE_MS);
    this.#world.after(ms, () => this.#heal());
  }

  #heal(): void {
    this.#world.cuts.clear();
    for (const gateway of this.#world.gateways) {
      if (!gateway.cutOff) continue;
      gateway.cutOff = false;
      this.#watch(gateway);
    }
  }

  #kill(gateway: SimulatedGateway): void {
    gateway.alive = false;
    this.#world.gateways.delete(gateway);
    if (gateway.pod.gateway === gateway) gateway.pod.gateway = undefined;
    gateway.abort();
  }

  /** How long a request has waited somewhere while the revision has a free slot. */
  #watchWaiting(): void {
    const { now, disturbedUntil, cuts, gateways, instances, result } = this.#world;
    const calm = now > disturbedUntil + SETTLE_MS && cuts.size === 0;
    for (const revision of REVISIONS) {
      const limit = LIMITS.get(revision) as number;
      const waits = [...gateways].some((gateway) =>
        gateway.waiting.some((waiting) => waiting.revision === revision),
      );
      const free = [...instances].some(
        (instance) => instance.revision === revision && !instance.removed && instance.inFlight < limit,
      );
      if (!calm || !waits || !free) {
        this.#freeSince.delete(revision);
        continue;
      }
      const since = this.#freeSince.get(revision) ?? now;
      this.#freeSince.set(revision, since);
      result.longestWait = Math.max(result.longestWait, now - since);
    }
  }
}
