import type { KubeClient } from '../../kube/client.ts';
import { PODS, type Pod } from '../../kube/core.ts';
import type { Informer } from '../../kube/informer.ts';
import type { Logger } from '../../telemetry/log.ts';
import { gatewayFences } from '../../telemetry/metrics.ts';
import { clock } from '../shared/clock.ts';
import { UNLIMITED } from '../shared/limits.ts';
import type { Placement } from '../shared/messages.ts';
import { checkDeclaration, type Declaration, type Held } from './declaration.ts';
import { DeclarationSender } from './declarationSender.ts';
import type { Dispatching } from './dispatching.ts';
import {
  addressesOf,
  addressOf,
  compileGatewayPod,
  type GatewayAddress,
  lifeOf,
  takesPart,
} from './gatewayPods.ts';
import { Ownership } from './ownership.ts';
import type { RouteTable } from './routeTable.ts';

/** The pods of the operator's namespace that are gateways, as the chart labels them. */
export const GATEWAY_SELECTOR = 'app.kubernetes.io/name=homerun,app.kubernetes.io/component=gateway';

/**
 * A gateway that cannot confirm for so long that its pod is not being deleted fences itself, and one that is cut off from
 * the others is taken to have done so a little later. An outage of the API server that is shorter changes nothing.
 */
const FENCE_MS = 300_000;
const CONFIRMS = 6;
/** How often it is looked for something to do: with other gateways, and alone. */
const TICK_MS = 20;
const ALONE_TICK_MS = 1000;
/** While this gateway has not joined. */
const JOIN_TICK_MS = 100;
const TIMEOUT_MS = 1000;

export interface ReplicasOptions {
  client: KubeClient;
  namespace: string;
  podName: string;
  dispatching: Dispatching;
  log: Logger;
  fenceMs?: number;
}

/**
 * Declares to the other gateways what this one uses ({@link Ownership}), and lets the data threads follow what they
 * declare. Without a pod of its own, or another gateway, every revision's requests go to its instances.
 */
export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #sender: DeclarationSender;
  readonly #addresses = new Map<string, GatewayAddress>();
  #ownership: Ownership | undefined;
  #placements = new Map<string, { placement: Placement; owner: string | undefined }>();
  /** Revisions that this gateway may have requests of in instances although it does not send any there. */
  readonly #leftover = new Set<string>();
  #published = -1;
  #needed = 0;
  #fencing = false;
  #confirming = false;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #resolveJoined: () => void;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#sender = new DeclarationSender(options.log);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.joined = promise;
    this.#resolveJoined = resolve;
  }

  /** Resolves when requests of all revisions can be served, or forwarded. */
  readonly joined: Promise<void>;

  get #fenceMs(): number {
    return this.#options.fenceMs ?? FENCE_MS;
  }

  /** The gateway pods, after the first list is complete. */
  setPods(all: readonly Pod[]): void {
    const { podName, log } = this.#options;
    const pods = all.filter(takesPart);
    if (!this.#ownership) {
      const own = pods.find(({ metadata }) => metadata.name === podName);
      if (!own?.metadata.uid) {
        log.warn({ pod: podName }, 'this gateway has no pod: it takes no account of others');
        this.#resolveJoined();
        return;
      }
      const life = lifeOf(own, Math.round(Date.now() - process.uptime() * 1000));
      this.#ownership = new Ownership(own.metadata.uid, life, this.#fenceMs);
      this.#tick();
    }
    this.#addresses.clear();
    for (const pod of pods) {
      const address = addressOf(pod);
      if (address) this.#addresses.set(pod.metadata.uid ?? '', address);
    }
    this.#sender.retain(this.#addresses);
    this.#ownership.setPods(pods.map(compileGatewayPod), clock());
    this.pump();
  }

  placementOf(revision: string, limit: number): Placement {
    if (!this.#ownership || limit === UNLIMITED) return 'instances';
    const known = this.#placements.get(revision);
    if (known) return known.placement;
    // A new revision: it is placed at once, but not within the change that it came with.
    this.#published = -1;
    queueMicrotask(() => this.pump());
    return 'nowhere';
  }

  /** The gateway that takes the requests of a revision which this one does not. */
  ownerOf(revision: string): GatewayAddress | undefined {
    const { placement, owner = '' } = this.#placements.get(revision) ?? {};
    return placement === 'gateway' ? this.#addresses.get(owner) : undefined;
  }

  /** Slots of an instance that has just started, which other gateways hold. */
  heldByOthers(revision: string, uid: string): number {
    // Elsewhere nothing has to be kept free, and nothing would set it free again.
    if (this.#placements.get(revision)?.placement !== 'instances') return 0;
    return this.#ownership?.heldByOthers(revision).get(uid) ?? 0;
  }

  /** Answers a declaration of another gateway. */
  async answer(body: unknown): Promise<Declaration> {
    const declaration = checkDeclaration(body);
    const ownership = this.#ownership;
    if (!ownership?.receive(declaration, clock()))
      throw new Error(`the gateway ${declaration.from} is unknown`);
    this.pump();
    const until = clock() + TIMEOUT_MS / 2;
    while (!this.#settled && clock() < until) await new Promise((resolve) => setTimeout(resolve, 1));
    this.pump();
    return ownership.declarationTo(declaration.from, clock());
  }

  /** Something may have changed: the data threads follow, and the other gateways are told. */
  pump(): void {
    const ownership = this.#ownership;
    if (!ownership || this.#closed) return;
    for (let i = 0; i < 3; i++) {
      if (ownership.version !== this.#published) this.#publish(ownership);
      if (!this.#settled) return;
      this.#declare(ownership);
      if (ownership.version === this.#published) break;
    }
    for (const id of ownership.untold(clock())) this.#tell(ownership, id);
  }

  /** Tells the others that nothing is left; resolves when they know, after a second at the latest. */
  async close(): Promise<void> {
    this.pump();
    const until = clock() + TIMEOUT_MS;
    while (this.#sender.isBusy && clock() < until) await new Promise((resolve) => setTimeout(resolve, 10));
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#sender.close();
  }

  get #settled(): boolean {
    const { dispatching } = this.#options;
    return (
      !this.#fencing && this.#ownership?.version === this.#published && dispatching.applied() >= this.#needed
    );
  }

  #tick(): void {
    const ownership = this.#ownership;
    if (!ownership || this.#closed) return;
    const now = clock();
    if (now - this.#confirmedAt > (ownership.joined ? this.#fenceMs / CONFIRMS : JOIN_TICK_MS))
      void this.#confirm();
    if (ownership.joined && now > ownership.validUntil) this.#fence(ownership);
    ownership.tick(now);
    this.pump();
    const ms = !ownership.joined ? JOIN_TICK_MS : ownership.hasPeers ? TICK_MS : ALONE_TICK_MS;
    this.#timer = setTimeout(() => this.#tick(), ms).unref();
  }

  /** Lets the data threads follow what is decided now. */
  #publish(ownership: Ownership): void {
    const { dispatching } = this.#options;
    this.#published = ownership.version;
    const before = this.#placements;
    this.#placements = new Map();
    for (const { key, limit } of dispatching.revisions()) {
      if (limit === UNLIMITED) continue;
      const dispatches = !this.#fencing && ownership.dispatches(key);
      const owner = dispatches ? undefined : ownership.targetOf(key);
      const placement = dispatches ? 'instances' : owner === undefined ? 'nowhere' : 'gateway';
      this.#placements.set(key, { placement, owner });
      // Before the data threads may use them.
      if (dispatches) this.#reserve(ownership, key);
      else if (before.get(key)?.placement === 'instances') this.#leftover.add(key);
    }
    dispatching.placementsChanged();
    this.#needed = dispatching.pendingVersion();
  }

  #reserve(ownership: Ownership, revision: string): void {
    const { dispatching } = this.#options;
    const held = ownership.heldByOthers(revision);
    for (const { uid, slot } of dispatching.instancesOf(revision)) {
      dispatching.reserve(revision, slot, held.get(uid) ?? 0);
    }
  }

  #declare(ownership: Ownership): void {
    const { dispatching } = this.#options;
    const held: Record<string, Held[string]> = {};
    for (const revision of this.#leftover) {
      const counts: Record<string, number> = {};
      for (const { uid, slot, inFlight } of dispatching.instancesOf(revision)) {
        if (inFlight > 0) counts[uid] = inFlight;
        // Nothing is sent there, so nothing has to be kept free.
        if (this.#placements.get(revision)?.placement !== 'instances') dispatching.reserve(revision, slot, 0);
      }
      if (Object.keys(counts).length > 0) held[revision] = counts;
      else this.#leftover.delete(revision);
    }
    ownership.declare(held);
  }

  #tell(ownership: Ownership, id: string): void {
    const address = this.#addresses.get(id);
    if (!address || !this.#sender.isFree(id)) return;
    void this.#sender.send(id, address, ownership.declarationTo(id, clock())).then((answer) => {
      if (answer) ownership.receive(answer, clock());
      this.pump();
    });
  }

  /** Reads the gateway pods from the API server itself. */
  async #confirm(): Promise<void> {
    if (this.#confirming) return;
    this.#confirming = true;
    const { client, namespace, log } = this.#options;
    const sentAt = clock();
    this.#confirmedAt = sentAt;
    try {
      const signal = AbortSignal.timeout(10 * TIMEOUT_MS);
      const { items } = await client.list(PODS, { namespace, labelSelector: GATEWAY_SELECTOR, signal });
      this.#ownership?.confirm(items.filter(takesPart).map(compileGatewayPod), sentAt, clock());
      if (this.#ownership?.joined) this.#resolveJoined();
      this.pump();
    } catch (error) {
      log.debug({ err: error }, 'cannot read the gateway pods');
    } finally {
      this.#confirming = false;
    }
  }

  /** Stops sending requests to instances of revisions with a limit, and begins another life when that is done. */
  #fence(ownership: Ownership): void {
    const { dispatching, log } = this.#options;
    if (!this.#fencing) {
      this.#fencing = true;
      gatewayFences.inc();
      log.error(
        { fenceMs: this.#fenceMs },
        'the API server cannot be reached: requests of revisions with a containerConcurrency wait',
      );
      dispatching.fence();
      this.#publish(ownership);
    }
    if (dispatching.applied() < this.#needed) return;
    ownership.fence();
    this.#leftover.clear();
    this.#fencing = false;
  }
}

/** Takes account of the other gateways, once the first list of their pods is complete. */
export function watchGateways(
  gateways: Informer<Pod>,
  { table, replicas }: { table: RouteTable; replicas: Replicas },
): void {
  let scheduled = false;
  const update = (): void => {
    scheduled = false;
    const pods = gateways.store.list();
    table.setGateways(addressesOf(pods));
    replicas.setPods(pods);
  };
  update();
  gateways.onChange(() => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(update);
  });
}
