/**
 * What the autoscaler orders every gateway to do with an instance that is being scaled in:
 * - `drain`: send it no new request, unless no other instance can take it.
 * - `release`: as `drain`, and promise to send it nothing at all until the next round. Only an empty instance is
 *   released.
 * - `remove`: it is being removed: send it nothing.
 */
export type DrainStep = 'drain' | 'release' | 'remove';

/** The last report that the autoscaler has from a gateway: of the process started at `start`, taken at `at` (StatsReport). */
export interface KnownReport {
  readonly start: number;
  readonly at: number;
}

/** The body of `POST /stats`: every instance that is being scaled in, by UID of its pod. All others are not. */
export interface DrainOrders {
  /** When the sending controller became leader (Unix time in ms), and the number of its round since then. */
  readonly term: number;
  readonly round: number;
  readonly instances: Readonly<Record<string, DrainStep>>;
  /** Revisions that have not changed since then may be left out of the report. */
  readonly known?: KnownReport;
}

/**
 * What a gateway reports for an instance:
 * - `draining`: it has requests in flight, or a data thread may still send one.
 * - `drained`: neither.
 * - `released`: neither, and the gateway sends none until the next round.
 * - `refused`: no other instance could take a request, so this one takes requests again.
 */
export type DrainState = 'draining' | 'drained' | 'released' | 'refused';

const STEPS: ReadonlySet<unknown> = new Set<DrainStep>(['drain', 'release', 'remove']);

export class DrainOrdersError extends Error {
  readonly code = 'DRAIN_ORDERS_INVALID';
}

/**
 * Checks a body of `POST /stats`.
 * @throws {DrainOrdersError} naming the field that is invalid.
 */
export function checkOrders(body: unknown): DrainOrders {
  const { term, round, instances, known } = (body ?? {}) as Partial<DrainOrders>;
  if (!Number.isFinite(term)) throw new DrainOrdersError('term is not a number');
  if (!Number.isFinite(round)) throw new DrainOrdersError('round is not a number');
  if (typeof instances !== 'object' || instances === null) {
    throw new DrainOrdersError('instances is not an object');
  }
  if (known !== undefined && !(Number.isFinite(known?.start) && Number.isFinite(known?.at))) {
    throw new DrainOrdersError('known is not the time of an answer');
  }
  for (const [uid, step] of Object.entries(instances)) {
    if (!STEPS.has(step))
      throw new DrainOrdersError(`instances.${uid} is ${JSON.stringify(step)}, not a step`);
  }
  return body as DrainOrders;
}
