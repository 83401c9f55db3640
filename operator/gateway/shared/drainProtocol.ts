/**
 * What the autoscaler asks of every gateway for an instance that is to go:
 * - `drain`: send it nothing more, unless a request has nowhere else to go.
 * - `release`: as `drain`, and promise until the next word to send it nothing, whatever comes. Only an instance that is
 *   empty is released.
 * - `remove`: its removal is under way: send it nothing.
 */
export type DrainStep = 'drain' | 'release' | 'remove';

/** What the autoscaler has of a gateway: the answer that its process `start` gave at `at` (StatsReport). */
export interface KnownReport {
  readonly start: number;
  readonly at: number;
}

/** The body of `POST /stats`: every instance that is to go, by UID of its pod. One that is not named is not to go. */
export interface DrainOrders {
  /** When the controller that speaks began to lead (Unix time in ms), and its how manieth word this is. */
  readonly term: number;
  readonly round: number;
  readonly instances: Readonly<Record<string, DrainStep>>;
  /** Revisions that have not changed since need not be told again. */
  readonly known?: KnownReport;
}

/**
 * What a gateway answers for an instance:
 * - `draining`: a request is inside, or a data thread may still send one.
 * - `drained`: neither.
 * - `released`: neither, and none will be until the next word.
 * - `refused`: a request had nowhere else to go, so the instance takes requests again.
 */
export type DrainState = 'draining' | 'drained' | 'released' | 'refused';

const STEPS: ReadonlySet<unknown> = new Set<DrainStep>(['drain', 'release', 'remove']);

export class DrainOrdersError extends Error {
  readonly code = 'DRAIN_ORDERS_INVALID';
}

/**
 * Checks a body of `POST /stats`.
 * @throws {DrainOrdersError} naming what is not as it must be.
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
