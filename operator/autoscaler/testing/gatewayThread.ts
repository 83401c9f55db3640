import { parentPort, workerData } from 'node:worker_threads';
import type { Pod } from '../../kube/core.ts';
import { FakeGateway } from './gateway.ts';

/** What the thread is given. */
export interface Fleet {
  /** Addresses of the gateways. */
  addresses: string[];
  /** Revisions that each of them has had requests of. */
  revisions: string[];
  /** So many of these, the first ones, have a request in flight at each of them. */
  active: number;
}

/** What it answers once they listen. */
export interface Listening {
  port: number;
  pods: Pod[];
}

// Gateways on a thread of their own: what answers cost is none of the autoscaler's time.
const { addresses, revisions, active } = workerData as Fleet;
const gateways: FakeGateway[] = [];
for (const address of addresses) {
  const gateway = await FakeGateway.listen(address, gateways[0]?.port);
  revisions.forEach((revision, index) => {
    const inFlight = index < active ? 1 : 0;
    gateway.tell(revision, { requests: 9, concurrencyMs: 900, lastRequestAt: 1, inFlight });
  });
  gateways.push(gateway);
}
const pods = gateways.map((gateway) => gateway.pod(`gateway-${gateway.address}`));
parentPort?.postMessage({ port: gateways[0]?.port ?? 0, pods } satisfies Listening);
