import type { GatewayAddress } from './gatewayPods.ts';
import type { IndexAllocator } from './indexAllocator.ts';
import type { RouteTable } from './routeTable.ts';

/** How long after a refused connection a gateway is tried again. */
const RETRY_MS = 50;

interface Forward {
  slot: number;
  address: GatewayAddress;
}

/** The entries of the table by which the data threads forward the requests of revisions to the gateways that own them. */
export class Forwards {
  readonly #table: RouteTable;
  readonly #ids: IndexAllocator;
  readonly #byRevision = new Map<string, Forward>();
  readonly #bySlot = new Map<number, string>();

  constructor(table: RouteTable, ids: IndexAllocator) {
    this.#table = table;
    this.#ids = ids;
  }

  /** @param address undefined when the requests are not forwarded. */
  set(revision: string, address: GatewayAddress | undefined): void {
    const present = this.#byRevision.get(revision);
    if (present && address && same(present.address, address)) return;
    if (present) this.#remove(revision, present);
    const slot = address && this.#ids.take();
    if (!address || slot === undefined) return;
    this.#byRevision.set(revision, { slot, address });
    this.#bySlot.set(slot, revision);
    this.#list(revision, slot, address);
  }

  /** Removes the revisions that are not served any more. */
  retain(served: ReadonlyMap<string, unknown>): void {
    for (const [revision, forward] of this.#byRevision) {
      if (!served.has(revision)) this.#remove(revision, forward);
    }
  }

  /** A data thread could not connect: it is tried again, for as long as the gateway is the owner. @returns whether it is one. */
  unreachable(slot: number): boolean {
    const revision = this.#bySlot.get(slot);
    if (revision === undefined) return false;
    setTimeout(() => {
      const present = this.#byRevision.get(revision);
      if (present?.slot === slot) this.#list(revision, slot, present.address);
    }, RETRY_MS).unref();
    return true;
  }

  #list(revision: string, slot: number, { pod, host, gatewayPort }: GatewayAddress): void {
    this.#table.setInstance(slot, { slot, revision, pod, host, port: gatewayPort, isGateway: true });
  }

  #remove(revision: string, { slot }: Forward): void {
    this.#byRevision.delete(revision);
    this.#bySlot.delete(slot);
    this.#ids.retire(slot, this.#table.nextVersion);
    this.#table.setInstance(slot, undefined);
  }
}

function same(a: GatewayAddress, b: GatewayAddress): boolean {
  return a.pod === b.pod && a.host === b.host && a.gatewayPort === b.gatewayPort;
}
