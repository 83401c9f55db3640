import type { DrainOrders, DrainState } from '../gateway/shared/drainProtocol.ts';
import type { StatsReport } from '../gateway/shared/statsReport.ts';
import { addLoad, type Loads, type RequestLoad } from './load.ts';

/** One gateway in one round. */
export type Member =
  /** It answered; `deaf` is one that gave its counts and did not take what it was told. */
  | { readonly state: 'answered' | 'deaf'; readonly stats: StatsReport; readonly loads: Loads }
  /** It missed this round; its last answer stands in for its counts. */
  | { readonly state: 'late'; readonly loads: Loads }
  /** It does not answer any more. */
  | {
      readonly state: 'lost';
      readonly stats: StatsReport;
      readonly loads: Loads;
      readonly answeredAt: number;
    }
  /** It has never answered, and may serve. */
  | { readonly state: 'unknown' }
  /** It serves nothing: not yet, or not any more. */
  | { readonly state: 'absent' };

/** An instance in a question to the gateways. */
export interface Asked {
  readonly uid: string;
  readonly name: string;
}

/** After so long the kubelet has taken a gateway that hangs out of the endpoints: three probes of two seconds fail. */
const UNREADY_MS = 10_000;

const ORDER: readonly DrainState[] = ['refused', 'draining', 'drained', 'released'];

/**
 * What all gateways together said in one round.
 *
 * A gateway that does not answer may still serve. What it last told of a revision is taken for true for as long as those
 * requests can last, which is the revision's timeoutSeconds, and for ten seconds at least: meanwhile the revision keeps
 * its instances. After that it is taken to hold nothing, so revisions that it had no request of go on being scaled
 * down, and it stops nobody else's. It cannot say that it keeps away from an instance: a request that it should still
 * send to one that is removed then has the time in which a pod ends. That risk is bounded by the kubelet, which restarts
 * a gateway that hangs after a minute; while one has never answered, nothing is scaled down at all.
 */
export class GatewayView {
  readonly #members: readonly Member[];
  readonly #orders: DrainOrders;
  readonly #now: number;

  constructor(members: readonly Member[], orders: DrainOrders, now: number) {
    this.#members = members;
    this.#orders = orders;
    this.#now = now;
  }

  /** The revisions that any gateway told of. */
  *revisions(): Iterable<string> {
    for (const member of this.#members) if ('loads' in member) yield* member.loads.keys();
  }

  /** A revision's requests over all gateways; undefined when there are none. `timeoutMs` is its timeoutSeconds. */
  loadOf(revision: string, timeoutMs: number): RequestLoad | undefined {
    let sum: RequestLoad | undefined;
    for (const member of this.#members) {
      if (member.state === 'absent' || member.state === 'unknown') continue;
      if (member.state === 'lost' && this.#isOver(member, revision, timeoutMs)) continue;
      sum = addLoad(sum, member.loads.get(revision));
    }
    return sum;
  }

  /** Whether every request of a revision is known. */
  isComplete(revision: string, timeoutMs: number): boolean {
    if (!this.#members.some(({ state }) => state !== 'absent')) return this.#members.length > 0;
    return this.#members.every(
      (member) =>
        member.state !== 'unknown' && (member.state !== 'lost' || this.#isOver(member, revision, timeoutMs)),
    );
  }

  /** How far an instance that was named is, the least of all gateways; undefined while an answer is missing. */
  drainOf(revision: string, instance: Asked, timeoutMs: number): DrainState | undefined {
    if (this.#orders.instances[instance.uid] === undefined) return undefined;
    let least = ORDER.length - 1;
    for (const member of this.#members) {
      if (member.state === 'absent') continue;
      if (member.state === 'lost' && this.#isOver(member, revision, timeoutMs)) continue;
      const state = member.state === 'answered' ? this.#stateIn(member.stats, revision, instance) : undefined;
      if (state === undefined) return undefined;
      least = Math.min(least, ORDER.indexOf(state));
    }
    return ORDER[least];
  }

  /**
   * A gateway from before there was a drain goes on sending; that no request is inside is all that can be known of it,
   * and as much as was known before.
   */
  #stateIn({ drains, revisions }: StatsReport, revision: string, instance: Asked): DrainState | undefined {
    if (drains) return drains[instance.uid];
    if (revisions[revision]?.instances[instance.name]) return 'draining';
    return this.#orders.instances[instance.uid] === 'drain' ? 'drained' : 'released';
  }

  /** Whether what a gateway last told of a revision must have ended. */
  #isOver(member: Member & { state: 'lost' }, revision: string, timeoutMs: number): boolean {
    const row = member.stats.revisions[revision];
    const held = row !== undefined && row.inFlight + row.queued > 0;
    return this.#now - member.answeredAt >= Math.max(UNREADY_MS, held ? timeoutMs : 0);
  }
}
