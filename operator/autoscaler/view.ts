import type { DrainOrders, DrainState } from '../gateway/shared/drainProtocol.ts';
import type { StatsReport } from '../gateway/shared/statsReport.ts';
import { addLoad, type Loads, type RequestLoad } from './load.ts';

/** One gateway in one round. */
export type Member =
  /** It answered; a `forbidden` one reported its counts and rejected the orders. */
  | { readonly state: 'answered' | 'forbidden'; readonly stats: StatsReport; readonly loads: Loads }
  /** It missed this round; its last report stands in. */
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
  /** It serves nothing: not yet, or no longer. */
  | { readonly state: 'absent' };

/** An instance that the orders name. */
export interface NamedInstance {
  readonly uid: string;
  readonly name: string;
}

/** After so long a gateway that hangs is unready and out of the endpoints: three probes of two seconds fail. */
const UNREADY_MS = 10_000;

const ORDER: readonly DrainState[] = ['refused', 'draining', 'drained', 'released'];

/**
 * The reports of all gateways in one round.
 *
 * A gateway that does not answer may still serve. Its last report of a revision holds for as long as those requests can
 * last, which is the revision's timeoutSeconds, and for ten seconds at least: meanwhile the revision keeps its instances.
 * After that it is assumed to have no request, so that it blocks neither the scale-in of revisions that it had no request
 * of nor of others. It cannot promise to send nothing to an instance: a request that it still sends to one that is
 * removed then has the pod's termination grace period. That risk is bounded by the kubelet, which restarts a gateway that
 * hangs after a minute; while one has never answered, nothing is scaled in at all.
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

  /** The revisions in any gateway's report. */
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

  /** Whether every request of a revision is counted. */
  isComplete(revision: string, timeoutMs: number): boolean {
    if (!this.#members.some(({ state }) => state !== 'absent')) return this.#members.length > 0;
    return this.#members.every(
      (member) =>
        member.state !== 'unknown' && (member.state !== 'lost' || this.#isOver(member, revision, timeoutMs)),
    );
  }

  /** The drain state of a named instance, the least advanced of all gateways; undefined while a report is missing. */
  drainOf(revision: string, instance: NamedInstance, timeoutMs: number): DrainState | undefined {
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
   * A gateway of a release without drains keeps sending requests; whether one is in flight is all that it can report.
   */
  #stateIn(
    { drains, revisions }: StatsReport,
    revision: string,
    instance: NamedInstance,
  ): DrainState | undefined {
    if (drains) return drains[instance.uid];
    if (revisions[revision]?.instances[instance.name]) return 'draining';
    return this.#orders.instances[instance.uid] === 'drain' ? 'drained' : 'released';
  }

  /** Whether the requests in a gateway's last report of a revision must have ended. */
  #isOver(member: Member & { state: 'lost' }, revision: string, timeoutMs: number): boolean {
    const row = member.stats.revisions[revision];
    const held = row !== undefined && row.inFlight + row.queued > 0;
    return this.#now - member.answeredAt >= Math.max(UNREADY_MS, held ? timeoutMs : 0);
  }
}
