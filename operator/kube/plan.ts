import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { Outcome } from './controller.ts';
import { isKubeError, isRejection, NotOwnedError, StaleError } from './errors.ts';
import type { EventRecorder, PlannedEvent } from './events.ts';
import { contentHash, deepEqual, isSubset, project, withoutEmptied } from './json.ts';
import { isControlledBy, isOfEarlier } from './owner.ts';
import { OwnWrites } from './ownWrites.ts';
import { APPLIED_HASH, type KubeObject, keyOf, type ObjectRef, type ResourceType } from './types.ts';

export type { PlannedEvent } from './events.ts';

export interface Removal {
  type: ResourceType;
  ref: ObjectRef;
  /** Only the object with this UID. */
  uid?: string;
}

/** The removal of this very object, and of no later one of its name. */
export function removalOf(type: ResourceType, { metadata }: Pick<KubeObject, 'metadata'>): Removal {
  return { type, ref: metadata, uid: metadata.uid };
}

/** A change of a few fields of an object that exists. */
export interface Change {
  type: ResourceType;
  /** The object as it was read: nothing is changed of another one that has its name by now. */
  object: KubeObject;
  /** JSON merge patch. */
  patch: Record<string, unknown>;
}

/** What a reconcile decided, as data: made by a pure function, carried out by {@link PlanExecutor}. */
export interface Plan<S extends KubeObject = KubeObject> {
  /**
   * Objects as they should be, owner references included; only the fields that are ours. One with a resourceVersion is
   * applied only to that version.
   */
  apply: KubeObject[];
  /** Objects to make unless something of their name exists; never changed afterwards. */
  create?: KubeObject[];
  change?: Change[];
  remove: Removal[];
  /** Labels that the subject itself should carry, besides whatever others it has. */
  labels?: Record<string, string>;
  /** The subject with the status that it should have; only `status` is looked at. */
  status?: S;
  /** How long the status may wait to be written, so that several changes become one write; 0 when left out. */
  statusWaitMs?: number;
  /** Recorded when something was written, not when everything was as it should be. */
  events: PlannedEvent[];
  requeueAfterMs?: number;
}

/** The plan that changes nothing; others add to it. */
export const NO_CHANGES: Readonly<Plan<never>> = { apply: [], remove: [], events: [] };

export interface PlanExecutorOptions {
  client: Pick<KubeClient, 'apply' | 'create' | 'delete' | 'get' | 'mergePatch'>;
  fieldManager: string;
  recorder: Pick<EventRecorder, 'event'>;
  /** @throws for a kind that the controller does not write. */
  typeOf: (object: KubeObject) => ResourceType;
  /** The live object as last seen. */
  cached: (object: KubeObject) => KubeObject | undefined;
  /**
   * The subject with the status that says that the cluster rejects an object of the plan; undefined when that is
   * nothing to report. `planned` is the subject as it would be if all had been written.
   */
  rejected?: (subject: KubeObject, planned: KubeObject, rejection: Rejection) => KubeObject | undefined;
  clock?: Clock;
}

/** Why an object of a plan is not there, as a condition and an Event say it. */
export interface Rejection {
  reason: string;
  message: string;
}

/** Reason of a {@link Rejection} by the API server itself. */
export const REFUSED = 'Refused';

/** Whether `live` is what came of applying `desired`, and not of an earlier state of it. */
export function isApplied(desired: KubeObject, live: KubeObject | undefined): boolean {
  return live?.metadata.annotations?.[APPLIED_HASH] === contentHash(desired);
}

/** The object as it is sent: with the hash of what is wanted, so that it is known again. */
export function markApplied<T extends KubeObject>(object: T, wanted = contentHash(object)): T {
  const annotations = { ...object.metadata.annotations, [APPLIED_HASH]: wanted };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** Objects whose stored form differs from the applied one; far more than there can be at a time. */
const MAX_NORMALIZED = 10_000;

/**
 * Carries out plans with server-side apply and writes only what differs. An object is left alone when it still has
 * the hash of what is wanted and every wanted field. A field may be stored in another notation than it was written
 * (`1000m` as `1`) or be overruled by a webhook: what the server made of our write is remembered and is no drift.
 */
export class PlanExecutor {
  readonly #options: PlanExecutorOptions;
  /** By the object's UID: hash of what was wanted and of what the server stored in those places. */
  readonly #normalized = new Map<string, { wanted: string; stored: string }>();
  readonly #own: OwnWrites;

  constructor(options: PlanExecutorOptions) {
    this.#options = options;
    this.#own = new OwnWrites(options.clock);
  }

  /**
   * Applies, creates, changes, removes, writes the status, records events and writes labels, in this order; the first
   * failure ends it. What the cluster rejects is reported on the subject first: a person has to do something about it.
   * @throws {StaleError} when status or labels are not written because `subject` has changed or gone since it was
   * read, or when the cache lacks a write of this executor: what was decided then is out of date.
   */
  async execute(subject: KubeObject, plan: Plan): Promise<Outcome> {
    if (this.#own.isBehind(subject)) throw staleError(subject);
    let wrote = false;
    try {
      for (const object of plan.apply) wrote = (await this.#apply(object)) || wrote;
      for (const object of plan.create ?? []) wrote = (await this.#create(object)) || wrote;
    } catch (error) {
      const rejection = rejectionOf(error);
      if (rejection) await this.#reportRejection(subject, plan, rejection);
      throw error;
    }
    for (const change of plan.change ?? []) wrote = (await this.#change(change)) || wrote;
    for (const removal of plan.remove) wrote = (await this.#remove(removal)) || wrote;
    const waitMs = this.#statusWait(subject, plan);
    const written = waitMs === undefined && plan.status && (await this.#writeStatus(subject, plan.status));
    if (written || wrote) for (const event of plan.events) this.#options.recorder.event(subject, event);
    if (plan.labels) await this.#writeLabels(written || subject, plan.labels);
    return earliest(plan.requeueAfterMs, waitMs);
  }

  /** How long the status waits from now on; undefined when it is to be written now, or is as it should be. */
  #statusWait(subject: KubeObject, { status, statusWaitMs = 0 }: Plan): number | undefined {
    if (statusWaitMs > 0 && status && !deepEqual(statusOf(status), statusOf(subject))) {
      const leftMs = this.#own.leftMs(subject, statusWaitMs);
      if (leftMs > 0) return leftMs;
    }
    this.#own.forgetWait(subject);
    return undefined;
  }

  async #reportRejection(subject: KubeObject, plan: Plan, rejection: Rejection): Promise<void> {
    const wanted = this.#options.rejected?.(subject, plan.status ?? subject, rejection);
    const written = wanted && (await this.#writeStatus(subject, wanted));
    if (written) this.#options.recorder.event(subject, { type: 'Warning', ...rejection });
  }

  async #apply(planned: KubeObject): Promise<boolean> {
    const { client, fieldManager, typeOf, cached } = this.#options;
    const { resourceVersion, ...content } = planned.metadata;
    const object = { ...planned, metadata: content };
    const wanted = contentHash(object);
    const live = cached(object);
    const unseen = this.#own.unseen(object, live);
    const isInPlace = this.#isInPlace(object, wanted, live);
    // What the cache does not have was decided without it, what is in place there has been changed since, and what is to be
    // applied has been.
    if (unseen !== undefined && (!live || isInPlace || unseen === wanted)) throw staleError(object);
    if (isInPlace) return false;
    await this.#checkOwner(object, live);
    const version = resourceVersion === undefined ? {} : { resourceVersion };
    const { metadata, ...marked } = markApplied(object, wanted);
    const sent = withoutEmptied({ ...marked, metadata: { ...metadata, ...version } }, live);
    const stored = await client.apply(typeOf(object), sent, { fieldManager });
    this.#own.applied(object, wanted, live, stored);
    this.#remember(object, wanted, stored);
    return true;
  }

  /**
   * An apply would take over what another has made; the cache may hold our own alone, so the server is asked.
   * @returns whether the object is there.
   * @throws {NotOwnedError} where the object of that name is controlled by another than the one it is made for.
   * @throws {StaleError} where that is an earlier one of its name: the object goes, and is made anew then.
   */
  async #checkOwner(object: KubeObject, live?: KubeObject): Promise<boolean> {
    const { apiVersion, kind, metadata } = object;
    const owner = metadata.ownerReferences?.find(({ controller }) => controller);
    if (!owner) return true;
    const found = live ?? (await this.#options.client.get(this.#options.typeOf(object), metadata));
    if (!found || isControlledBy(found, owner.uid)) return found !== undefined;
    if (isOfEarlier(found, owner)) throw staleError(object);
    const what = `${kind} '${metadata.name}' of ${apiVersion}`;
    throw new NotOwnedError(
      `${what} exists and does not belong to this ${owner.kind}. Delete it: its name is needed.`,
    );
  }

  #isInPlace(object: KubeObject, wanted: string, live: KubeObject | undefined): boolean {
    if (live?.metadata.annotations?.[APPLIED_HASH] !== wanted) return false;
    if (isSubset(object, live)) return true;
    const known = this.#normalized.get(live.metadata.uid ?? '');
    return known?.wanted === wanted && known.stored === contentHash(project(object, live));
  }

  #remember(object: KubeObject, wanted: string, stored: KubeObject): void {
    const uid = stored.metadata.uid;
    if (!uid) return;
    this.#normalized.delete(uid);
    if (isSubset(object, stored)) return;
    this.#normalized.set(uid, { wanted, stored: contentHash(project(object, stored)) });
    const [oldest] = this.#normalized.keys();
    if (this.#normalized.size > MAX_NORMALIZED && oldest !== undefined) this.#normalized.delete(oldest);
  }

  /** Whether it was made now; one that the cache does not know yet counts as there. */
  async #create(object: KubeObject): Promise<boolean> {
    const { client, fieldManager, typeOf } = this.#options;
    try {
      await client.create(typeOf(object), object, { fieldManager });
      return true;
    } catch (error) {
      if (!isKubeError(error, 'KUBE_ALREADY_EXISTS')) throw error;
      // What had the name may have gone since: then nothing was made.
      if (!(await this.#checkOwner(object))) throw staleError(object, error);
      return false;
    }
  }

  async #change({ type, object, patch }: Change): Promise<boolean> {
    const { client, fieldManager } = this.#options;
    const { metadata, ...rest } = patch;
    const guarded = { ...rest, metadata: { ...(metadata as object), uid: object.metadata.uid } };
    try {
      await client.mergePatch(type, object.metadata, guarded, { fieldManager });
      return true;
    } catch (error) {
      // What has gone needs no change.
      if (isKubeError(error, 'KUBE_NOT_FOUND')) return false;
      throw error;
    }
  }

  async #remove({ type, ref, uid }: Removal): Promise<boolean> {
    try {
      return await this.#options.client.delete(type, ref, { uid });
    } catch (error) {
      // Another object has that name by now, so ours is gone.
      if (uid && isKubeError(error, 'KUBE_CONFLICT')) return false;
      throw error;
    }
  }

  /** @returns the subject as it is then; undefined when nothing was written. */
  async #writeStatus(subject: KubeObject, wanted: KubeObject): Promise<KubeObject | undefined> {
    const status = statusOf(wanted);
    if (deepEqual(status, statusOf(subject))) return undefined;
    const { client, fieldManager, typeOf } = this.#options;
    const { apiVersion, kind } = subject;
    // The version guards the name as well: the API server does not look at the uid of a custom kind's status.
    const { namespace, name, resourceVersion } = subject.metadata;
    const patch = { apiVersion, kind, metadata: { namespace, name, resourceVersion }, status };
    const options = { fieldManager, subresource: 'status' } as const;
    const stored = await client
      .apply(typeOf(subject), patch, options)
      .catch((cause) => asStale(subject, cause));
    this.#own.wrote(subject, stored);
    return stored;
  }

  /** A patch and not an apply: an apply would make the object if it has gone. */
  async #writeLabels(subject: KubeObject, labels: Record<string, string>): Promise<void> {
    if (isSubset(labels, subject.metadata.labels ?? {})) return;
    const { client, fieldManager, typeOf } = this.#options;
    const { resourceVersion } = subject.metadata;
    const stored = await client
      .mergePatch(
        typeOf(subject),
        subject.metadata,
        { metadata: { resourceVersion, labels } },
        { fieldManager },
      )
      .catch((cause) => asStale(subject, cause));
    this.#own.wrote(subject, stored);
  }
}

/** What is reported of an error that a person has to do something about; undefined for all others. */
function rejectionOf(error: unknown): Rejection | undefined {
  if (error instanceof NotOwnedError) return { reason: 'NotOwned', message: error.message };
  if (!isRejection(error)) return undefined;
  return { reason: REFUSED, message: `The cluster refuses what is needed: ${error.said}` };
}

function earliest(...delays: (number | undefined)[]): Outcome {
  const known = delays.filter((delay) => delay !== undefined);
  return known.length === 0 ? undefined : { requeueAfterMs: Math.min(...known) };
}

function asStale(subject: KubeObject, cause: unknown): never {
  if (!isKubeError(cause, 'KUBE_CONFLICT', 'KUBE_NOT_FOUND')) throw cause;
  throw staleError(subject, cause);
}

function staleError({ kind, metadata }: KubeObject, cause?: unknown): StaleError {
  return new StaleError(`${kind} ${keyOf(metadata)} is not the one in the cache`, { cause });
}

function statusOf(object: KubeObject & { status?: unknown }): unknown {
  return object.status;
}
