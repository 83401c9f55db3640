import type { Slots } from '../shared/slots.ts';
import type { Forwards } from './forwards.ts';
import type { GatewayAddress } from './gatewayPods.ts';
import type { Instances } from './instances.ts';
import type { RouteTable } from './routeTable.ts';

/** What {@link Replicas} needs of revisions, instances and data threads. */
export interface Dispatching {
  /** Revisions that are served, with the limits of their instances, wherever their requests go. */
  revisions(): Iterable<{ key: string; limit: number }>;
  /** The instances of a revision, with this gateway's own requests in flight. */
  instancesOf(revision: string): Iterable<{ uid: string; slot: number; inFlight: number }>;
  /** Other gateways hold so many slots of an instance. */
  reserve(revision: string, slot: number, count: number): void;
  /** The placements and owners of revisions have changed. */
  placementsChanged(): void;
  /** The version of the table that contains all changes so far, and the one that all data threads use. */
  pendingVersion(): number;
  applied(): number;
  /** Aborts the requests in instances of revisions with a limit, with the next version of the table. */
  fence(): void;
}

interface Parts {
  slots: Slots;
  table: RouteTable;
  instances: Instances;
  forwards: Forwards;
  /** The gateway that takes the requests of a revision; undefined when that is not another one. */
  ownerOf(revision: string): GatewayAddress | undefined;
  applied(): number;
  /** A slot of the revision's instances is free. */
  wake(revision: string): void;
}

export function dispatchingOf(parts: Parts): Dispatching {
  const { slots, table, instances, forwards, ownerOf, applied, wake } = parts;
  return {
    revisions: () => table.limits(),
    *instancesOf(revision) {
      for (const { uid, slot } of instances.of(revision)) {
        yield { uid, slot, inFlight: slots.ownInFlight(slot) };
      }
    },
    reserve: (revision, slot, count) => {
      if (slots.reserve(slot, count)) wake(revision);
    },
    placementsChanged: () => {
      for (const revision of table.entries.keys()) forwards.set(revision, ownerOf(revision));
      forwards.retain(table.entries);
      table.placementsChanged();
    },
    pendingVersion: () => table.pendingVersion,
    applied,
    fence: () => table.fence(),
  };
}
