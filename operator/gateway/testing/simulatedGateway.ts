import type { Declaration } from '../control/declaration.ts';
import type { GatewayPod } from '../control/members.ts';
import { Ownership } from '../control/ownership.ts';
import {
  FENCE_MS,
  LIMITS,
  REVISIONS,
  type SimulatedInstance,
  type SimulatedPod,
  type SimulatedWorld,
} from './simulatedWorld.ts';

/** How often a gateway looks at its peers and its fence. */
export const TICK_MS = 10;
const CONFIRM_MS = FENCE_MS / 4;
/** When a declaration without an answer is sent again. */
const RESEND_MS = 20;
/** A request is forwarded no more than this many times. */
const MOST_HOPS = 10;
const REFORWARD_MS = 10;

interface Running {
  instance: SimulatedInstance;
  aborted: boolean;
}

/** What the data threads of a gateway follow. */
interface Table {
  version: number;
  dispatches: ReadonlySet<string>;
  heldByOthers: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const NOTHING: Table = { version: -1, dispatches: new Set(), heldByOthers: new Map() };

export interface Waiting {
  revision: string;
  hops: number;
  until: number;
  /** It is not forwarded before this time: two gateways that each take the other for the owner agree meanwhile. */
  forwardAt: number;
}

/** A gateway process: its ownership, data threads that follow a moment later, and its requests. */
export class SimulatedGateway {
  readonly pod: SimulatedPod;
  readonly ownership: Ownership;
  readonly running = new Set<Running>();
  readonly waiting: Waiting[] = [];
  table = NOTHING;
  alive = true;
  /** It does not reach the API server. */
  cutOff = false;
  /** The pods that it has been told of, and when the last of that comes. */
  seen: GatewayPod[] = [];
  watchedAt = 0;
  readonly #world: SimulatedWorld;
  /** Its clock: another origin, and up to 1 % faster or slower. */
  readonly #rate: number;
  readonly #offset: number;
  #applying = false;
  /** When each other gateway is sent another declaration, unless it answers before. */
  readonly #resendAt = new Map<string, number>();
  /** Those that are answered as soon as the data threads follow. */
  readonly #unanswered = new Set<string>();
  #confirmedAt = Number.NEGATIVE_INFINITY;

  constructor(world: SimulatedWorld, pod: SimulatedPod, life: number) {
    this.#world = world;
    this.pod = pod;
    this.#rate = 0.99 + world.random.next() * 0.02;
    this.#offset = world.random.below(1e6);
    this.ownership = new Ownership(pod.view.id, life, FENCE_MS);
  }

  get id(): string {
    return this.ownership.id;
  }

  get #clock(): number {
    return this.#offset + this.#world.now * this.#rate;
  }

  /** The watch tells it of the pods. */
  observe(): void {
    this.ownership.setPods(this.seen, this.#clock);
    this.#follow();
  }

  tick(): void {
    if (!this.alive) return;
    const { ownership } = this;
    const { random, options, result } = this.#world;
    if (this.#clock - this.#confirmedAt > CONFIRM_MS || !ownership.joined) this.#confirm();
    if (ownership.joined && this.#clock > ownership.validUntil && options.without !== 'fence') {
      result.fences++;
      this.abort();
      ownership.fence();
      this.table = NOTHING;
    }
    this.observe();
    this.#declare();
    // A gateway that could not be reached is tried again.
    this.serveWaiting();
    this.#world.after(TICK_MS * (0.5 + random.next()), () => this.tick());
  }

  receive(declaration: Declaration, isAnswer: boolean): void {
    const { from } = declaration;
    if (isAnswer) this.#resendAt.delete(from);
    if (this.ownership.receive(declaration, this.#clock) && !isAnswer) this.#unanswered.add(from);
    this.#follow();
    this.#declare();
  }

  arrive(waiting: Waiting): void {
    this.waiting.push(waiting);
    this.serveWaiting();
  }

  serveWaiting(): void {
    const { now, ending } = this.#world;
    for (const waiting of this.waiting.splice(0)) {
      if (waiting.until < now && !ending) continue;
      if (!this.#dispatch(waiting) && !this.#forward(waiting)) this.waiting.push(waiting);
    }
  }

  /** The kernel closes its connections to instances. */
  abort(): void {
    for (const running of this.running) {
      running.aborted = true;
      running.instance.inFlight--;
    }
    this.running.clear();
  }

  #confirm(): void {
    if (this.cutOff) return;
    const { random, options } = this.#world;
    const sentAt = this.#clock;
    this.#confirmedAt = sentAt;
    this.#world.after(random.between(1, 5), () => {
      const pods = this.#world.views();
      this.#world.after(random.between(1, 5), () => {
        if (!this.alive || this.cutOff) return;
        this.watchedAt = Math.max(this.watchedAt, this.#world.now);
        const known = options.without === 'elders' ? pods.filter(({ id }) => id === this.id) : pods;
        this.ownership.confirm(known, sentAt, this.#clock);
        this.#follow();
      });
    });
  }

  /** The data threads follow the present answers a moment later. */
  #follow(): void {
    const { ownership } = this;
    if (this.#applying || this.table.version === ownership.version) return;
    this.#applying = true;
    const table = tableOf(ownership);
    const { joined } = ownership;
    const { random, options } = this.#world;
    const mostMs = options.stormy && random.chance(0.05) ? 30 : 3;
    this.#world.after(random.next() * mostMs, () => {
      this.#applying = false;
      if (!this.alive) return;
      // A table from before a fence is not applied.
      if (joined === ownership.joined) this.table = table;
      this.serveWaiting();
      this.#declare();
      this.#follow();
    });
  }

  #declare(): void {
    const { ownership, table } = this;
    if (table.version === ownership.version) {
      ownership.declare(this.#world.options.without === 'held' ? {} : this.#inFlight());
      this.#follow();
    }
    if (table.version === ownership.version) {
      for (const id of this.#unanswered) this.#send(id, true);
      this.#unanswered.clear();
    }
    for (const id of ownership.untold(this.#clock)) {
      if ((this.#resendAt.get(id) ?? 0) > this.#world.now) continue;
      this.#resendAt.set(id, this.#world.now + RESEND_MS);
      this.#send(id, false);
    }
  }

  #send(id: string, isAnswer: boolean): void {
    const { random, options } = this.#world;
    const declaration = this.ownership.declarationTo(id, this.#clock);
    const loss = options.stormy ? 0.1 : 0;
    const copies = random.chance(loss) ? 0 : random.chance(loss / 2) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const mostMs = options.stormy && random.chance(0.02) ? 500 : 3;
      this.#world.after(random.next() * mostMs, () => {
        const to = this.#world.gatewayOf(id);
        if (to?.alive && !this.#world.isCut(this, to)) to.receive(declaration, isAnswer);
      });
    }
  }

  #forward({ revision, hops, until, forwardAt }: Waiting): boolean {
    const { now, random, result } = this.#world;
    const target = this.ownership.targetOf(revision);
    if (now < forwardAt || target === undefined) return false;
    if (hops >= MOST_HOPS) {
      result.rejected++;
      return true;
    }
    const to = this.#world.gatewayOf(target);
    if (!to || this.#world.isCut(this, to)) return false;
    result.forwarded++;
    this.#world.after(random.next() * 2, () => {
      if (!to.alive) return;
      const wait = REFORWARD_MS * 2 ** Math.min(hops, 4);
      to.arrive({ revision, hops: hops + 1, until, forwardAt: this.#world.now + wait });
      this.#world.after(wait, () => to.alive && to.serveWaiting());
    });
    return true;
  }

  #dispatch({ revision }: Waiting): boolean {
    if (!this.table.dispatches.has(revision)) return false;
    const { options, instances } = this.#world;
    if (this.#clock > this.ownership.validUntil && options.without !== 'fence') return false;
    const limit = LIMITS.get(revision) as number;
    const held = this.table.heldByOthers.get(revision);
    for (const instance of instances) {
      if (instance.revision !== revision || instance.removed) continue;
      if (this.#countIn(instance) + (held?.get(instance.uid) ?? 0) >= limit) continue;
      this.#start(instance, limit);
      return true;
    }
    return false;
  }

  #start(instance: SimulatedInstance, limit: number): void {
    const { random, result } = this.#world;
    result.dispatched++;
    const running: Running = { instance, aborted: false };
    this.running.add(running);
    instance.inFlight++;
    if (instance.inFlight > limit) {
      const { uid, revision, inFlight } = instance;
      this.#world.violated(`${inFlight} requests in ${uid} of ${revision}, limit ${limit}`);
    }
    const mostMs = random.chance(0.02) ? 3 * FENCE_MS : 60;
    this.#world.after(random.next() * mostMs, () => {
      if (running.aborted) return;
      instance.inFlight--;
      this.running.delete(running);
      this.serveWaiting();
    });
  }

  #countIn(instance: SimulatedInstance): number {
    let count = 0;
    for (const running of this.running) if (running.instance === instance) count++;
    return count;
  }

  #inFlight(): Record<string, Record<string, number>> {
    const counts: Record<string, Record<string, number>> = {};
    for (const { instance } of this.running) {
      const of = counts[instance.revision] ?? {};
      counts[instance.revision] = of;
      of[instance.uid] = (of[instance.uid] ?? 0) + 1;
    }
    return counts;
  }
}

function tableOf(ownership: Ownership): Table {
  return {
    version: ownership.version,
    dispatches: new Set(REVISIONS.filter((revision) => ownership.dispatches(revision))),
    heldByOthers: new Map(REVISIONS.map((revision) => [revision, ownership.heldByOthers(revision)])),
  };
}
