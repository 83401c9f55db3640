import { MAX_INSTANCES } from '../shared/limits.ts';
import type { CompiledPod, CompiledRevision } from './compile.ts';
import type { Drainable } from './drains.ts';
import { IndexAllocator } from './indexAllocator.ts';
import { InstanceProbes, type InstanceProbesOptions } from './instanceProbes.ts';
import type { RouteTable } from './routeTable.ts';
import { queueLimitMs, StartTimes } from './startTimes.ts';
import { Tracked } from './tracked.ts';
import { TrackedByRevision } from './trackedByRevision.ts';

/** What the data threads count in shared memory. */
export interface ThreadCounts {
  /** The version of the table that all of them use. */
  applied(): number;
  /** Requests in flight in an instance. */
  inFlight(slot: number): number;
  /** Requests that wait for a revision. */
  waiting(revision: string): number;
}

export interface InstancesOptions extends InstanceProbesOptions {
  table: RouteTable;
  counts: ThreadCounts;
  /** Called when an instance is ready for the first time, with the time since it was first seen. */
  started?: (pod: CompiledPod, elapsedMs: number) => void;
  /** Called when an instance that has not started gets its address, and when its container runs. */
  placed?: (pod: CompiledPod) => void;
  /** Called before an instance gets its first request. */
  admitting?: (pod: CompiledPod, slot: number) => void;
  /** Called when an instance's pod has changed; `before` is undefined for a new one. */
  seen?: (tracked: Tracked, before: CompiledPod | undefined) => void;
  /** Called when an instance terminates. */
  left?: (tracked: Tracked) => void;
  now?: () => number;
  /** How many can be tracked at once. */
  max?: number;
}

/**
 * Tracks every instance from its pod's first event to its end: probes it once it has an address, adds it to the table of
 * the data threads when it has started, removes it when it terminates, restarts, is unreachable or not ready. Instances are
 * tracked independently: one that hangs delays no other. A terminating one is kept until its last request has ended.
 */
export class Instances implements Drainable {
  readonly ids: IndexAllocator;
  readonly #options: InstancesOptions;
  readonly #probes: InstanceProbes;
  readonly #now: () => number;
  readonly #revisions = new Map<string, CompiledRevision>();
  readonly #pods = new Map<string, Tracked>();
  readonly #bySlot = new Map<number, Tracked>();
  readonly #byUid = new Map<string, Tracked>();
  readonly #leaving = new TrackedByRevision();
  /** UIDs of pods that get no new request; they may not have been seen yet. */
  readonly #drained = new Set<string>();
  readonly #byRevision = new TrackedByRevision();
  readonly #startTimes = new Map<string, StartTimes>();
  readonly #wanted = new Set<string>();
  /** Pods without a free row, by key: they are tracked once there is one. */
  readonly #unserved = new Map<string, CompiledPod>();

  constructor(options: InstancesOptions) {
    this.#options = options;
    this.ids = new IndexAllocator(options.max ?? MAX_INSTANCES);
    this.#probes = new InstanceProbes(options);
    this.#now = options.now ?? (() => performance.now());
  }

  /** Instances of a revision that run or start, without those that terminate. */
  count(revision: string): number {
    let count = 0;
    for (const tracked of this.#byRevision.of(revision)) if (this.#isOwn(tracked)) count++;
    return count;
  }

  /** Those of {@link count} that may get new requests. */
  usable(revision: string): number {
    let usable = 0;
    for (const tracked of this.#byRevision.of(revision))
      if (!tracked.drained && this.#isOwn(tracked)) usable++;
    return usable;
  }

  /** Slot and pod name of each instance of a revision that may have requests, including those that terminate. */
  *of(revision: string): Iterable<{ slot: number; pod: string; uid: string }> {
    for (const { slot, pod } of this.#byRevision.of(revision)) yield { slot, pod: pod.name, uid: pod.uid };
    for (const { slot, pod } of this.#leaving.of(revision)) yield { slot, pod: pod.name, uid: pod.uid };
  }

  setDrained(uid: string, drained: boolean): void {
    if (drained) this.#drained.add(uid);
    else this.#drained.delete(uid);
    this.#byUid.get(uid)?.setDrained(drained);
  }

  isEmpty(uid: string): boolean {
    const tracked = this.#byUid.get(uid);
    return !tracked || this.#isEmpty(tracked);
  }

  isNeeded(uid: string): boolean {
    const tracked = this.#byUid.get(uid);
    if (!tracked || this.#bySlot.get(tracked.slot) !== tracked) return false;
    const { revision } = tracked.pod;
    return this.usable(revision) === 0 && this.#options.counts.waiting(revision) > 0;
  }

  *drainedOf(revision: string): Iterable<string> {
    for (const { drained, pod } of this.#byRevision.of(revision)) if (drained) yield pod.uid;
  }

  /** The pod with this UID, unless it terminates. */
  podOf(uid: string): CompiledPod | undefined {
    const tracked = this.#byUid.get(uid);
    return tracked && this.#pods.get(tracked.pod.key) === tracked ? tracked.pod : undefined;
  }

  /** The pod that has this address, unless it terminates. */
  podAt(ip: string): CompiledPod | undefined {
    for (const { pod } of this.#pods.values()) if (pod.ip === ip) return pod;
    return undefined;
  }

  /** Releases the terminated instances that have no request any more. */
  sweep(): void {
    for (const tracked of this.#leaving.all()) {
      if (!this.#isEmpty(tracked)) continue;
      const { pod, slot } = tracked;
      this.#leaving.remove(tracked);
      if (this.#byUid.get(pod.uid) === tracked) this.#byUid.delete(pod.uid);
      this.#options.table.use(pod.revision, -1);
      this.ids.retire(slot, this.#options.table.nextVersion);
    }
  }

  setRevision(key: string, compiled: CompiledRevision | undefined): void {
    if (compiled) {
      this.#revisions.set(key, compiled);
      this.#updateQueueLimit(key);
      for (const tracked of this.#byRevision.of(key)) {
        if (!this.#isOwn(tracked)) tracked.setAside();
        this.#probeIfDue(tracked);
      }
      return;
    }
    this.#revisions.delete(key);
    this.#startTimes.delete(key);
    this.#options.table.setRevision(key, undefined, 0);
  }

  /** How many instances have no row. */
  get unserved(): number {
    return this.#unserved.size;
  }

  /** Gives freed rows to instances without one. */
  retryUnserved(): void {
    for (const [key, pod] of [...this.#unserved]) this.setPod(key, pod);
  }

  /** @param found the pod existed before the watch began. */
  setPod(key: string, pod: CompiledPod | undefined, found = false): void {
    let tracked = this.#pods.get(key);
    if (tracked && (!pod || pod.leaving || pod.uid !== tracked.pod.uid)) {
      this.#leave(tracked);
      tracked = undefined;
    }
    if (!pod || pod.leaving) {
      this.#unserved.delete(key);
      return;
    }
    const before = tracked?.pod;
    if (!tracked || !before) {
      tracked = this.#track(pod, found);
      if (!tracked) return;
    } else {
      tracked.pod = pod;
      // The first container ID belongs to the same start; another one is another start.
      const restarted = before.container !== undefined && before.container !== pod.container;
      // An address is dialled anew when the API shows it: the first packets to it may be lost, and sent again after a second.
      const confirmed = before.early && !pod.early && !tracked.ready;
      if (restarted || confirmed || pod.held || before.ip !== pod.ip) tracked.setAside();
    }
    this.#options.seen?.(tracked, before);
    const isAhead = (pod.ip && !before?.ip) || (pod.container && !before?.container);
    if (isAhead && !tracked.ready) this.#options.placed?.(pod);
    this.#probeIfDue(tracked);
  }

  /** A data thread could not connect. */
  unreachable(slot: number, reason: string): void {
    const tracked = this.#bySlot.get(slot);
    if (!tracked?.ready) return;
    this.#options.log.warn(
      { pod: tracked.pod.key, reason },
      'instance refused a connection; probing it again',
    );
    tracked.setAside();
    this.#probeIfDue(tracked);
  }

  /** Whether a request waits for the revision's first instance. */
  setWanted(revision: string, wanted: boolean): void {
    if (wanted === this.#wanted.has(revision)) return;
    if (wanted) this.#wanted.add(revision);
    else this.#wanted.delete(revision);
    this.#updateQueueLimit(revision);
  }

  /** Stops all probes. */
  close(): void {
    for (const { probing } of this.#pods.values()) probing?.abort();
  }

  #track(pod: CompiledPod, found: boolean): Tracked | undefined {
    const slot = this.ids.take();
    if (slot === undefined) {
      if (!this.#unserved.has(pod.key)) {
        this.#options.log.error(
          { pod: pod.key, max: MAX_INSTANCES },
          'no request goes to this instance: the gateway holds as many as it can; lower the number of instances',
        );
      }
      this.#unserved.set(pod.key, pod);
      return undefined;
    }
    this.#unserved.delete(pod.key);
    const tracked = new Tracked(this.#options.table, pod, slot, this.#now(), found);
    tracked.setDrained(this.#drained.has(pod.uid));
    this.#pods.set(pod.key, tracked);
    this.#byUid.set(pod.uid, tracked);
    this.#bySlot.set(slot, tracked);
    this.#byRevision.add(tracked);
    this.#options.table.use(pod.revision, 1);
    this.setWanted(pod.revision, false);
    this.#updateQueueLimit(pod.revision);
    return tracked;
  }

  #leave(tracked: Tracked): void {
    const { pod, slot } = tracked;
    tracked.setAside();
    this.#pods.delete(pod.key);
    this.#bySlot.delete(slot);
    this.#byRevision.remove(tracked);
    // Its requests are counted until they end, so the revision keeps its row.
    this.#leaving.add(tracked);
    this.#options.left?.(tracked);
    this.#updateQueueLimit(pod.revision);
  }

  #isEmpty(tracked: Tracked): boolean {
    const { applied, inFlight } = this.#options.counts;
    return tracked.isGone(applied()) && inFlight(tracked.slot) === 0;
  }

  /** Whether a pod belongs to the present revision, and not to an earlier one of the same name or to none. */
  #isOwn({ pod }: Tracked): boolean {
    const uid = this.#revisions.get(pod.revision)?.uid;
    return uid === undefined || pod.revisionUid === uid;
  }

  #probeIfDue(tracked: Tracked): void {
    const { pod } = tracked;
    const revision = this.#revisions.get(pod.revision);
    if (tracked.ready || tracked.probing || pod.held || !pod.ip || !revision) return;
    if (!this.#isOwn(tracked)) return;
    if (pod.container?.endsWith(' ended')) return;
    this.#probes.begin(tracked, revision, () => this.#admit(tracked, revision));
  }

  #admit(tracked: Tracked, revision: CompiledRevision): void {
    const { pod, slot, seenAt, found } = tracked;
    this.#options.admitting?.(pod, slot);
    tracked.start({
      slot,
      revision: pod.revision,
      pod: pod.name,
      host: pod.ip as string,
      port: revision.port,
    });
    if (!found) this.#timeStart(pod, this.#now() - seenAt);
    // Only the first start is timed; a later one may be a restart.
    tracked.found = true;
    this.#updateQueueLimit(pod.revision);
  }

  #timeStart(pod: CompiledPod, elapsedMs: number): void {
    const { revision } = pod;
    const times = this.#startTimes.get(revision) ?? new StartTimes();
    times.add(elapsedMs);
    this.#startTimes.set(revision, times);
    this.#options.started?.(pod, elapsedMs);
  }

  #updateQueueLimit(revision: string): void {
    const compiled = this.#revisions.get(revision);
    if (!compiled) return;
    const starting =
      compiled.failing === undefined &&
      (this.#wanted.has(revision) || [...this.#byRevision.of(revision)].some(({ ready }) => !ready));
    const average = this.#startTimes.get(revision)?.averageMs;
    const limit = queueLimitMs(average, starting, this.#options.startLimitMs);
    this.#options.table.setRevision(revision, compiled, limit);
  }
}
