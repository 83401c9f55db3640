import type { KubeClient } from '../../kube/client.ts';
import { type Clock, systemClock } from '../../kube/clock.ts';
import { EVENTS, type KubeEvent } from '../../kube/core.ts';
import { refOf } from '../../kube/types.ts';

/** What an Event reports of its object. */
export type EventMessage = Pick<KubeEvent, 'reason' | 'message'>;

export interface EventLookupOptions {
  /** The Events of a namespace: UID of the object that they are about -> the Event that counts. */
  read(namespace: string): Promise<ReadonlyMap<string, EventMessage>>;
  /** Called with the key of an object whose Event has changed, or is gone. */
  onRead(key: string): void;
  /** How long an object must have been asked about before its Events are read: most problems pass before. */
  patienceMs: number;
  clock?: Clock;
}

/** Time between two requests for one namespace; the API server keeps Events out of its cache, so each is expensive. */
const LEAST_PAUSE_MS = 5000;
/** A request that took long is repeated less often: all of them together keep one connection busy for a twentieth. */
const PAUSE_FACTOR = 20;

/** The objects of a namespace that wait for an answer. */
interface NamespaceLookup {
  /** Key -> the object that is asked about, and since when. */
  readonly waiting: Map<string, { uid: string; since: number }>;
  known: ReadonlyMap<string, EventMessage>;
  asking: boolean;
  askAfter: number;
  /** When the request began that was answered last. */
  readAt: number;
}

/**
 * The side queue that finds out what Kubernetes reports by Events alone. All objects of a namespace share one request, and
 * one namespace is read at a time: a thousand executions that wait for a quota are no load on the API server.
 */
export class EventLookup {
  readonly #options: EventLookupOptions;
  readonly #clock: Clock;
  readonly #namespaces = new Map<string, NamespaceLookup>();
  #tail: Promise<void> = Promise.resolve();

  constructor(options: EventLookupOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * What is known of the object with this UID; begins to read Events when it is time.
   * @param key of what depends on the object, in the same namespace. It asks about one object at a time.
   */
  of(key: string, uid: string): EventMessage | undefined {
    const { namespace = '' } = refOf(key);
    const lookup = this.#lookupOf(namespace);
    const now = this.#clock.now();
    const before = lookup.waiting.get(key);
    const { since } = before?.uid === uid ? before : { since: now };
    lookup.waiting.set(key, { uid, since });
    const isDue = now - since >= this.#options.patienceMs && now >= lookup.askAfter;
    if (isDue && !lookup.asking) this.#read(namespace, lookup);
    return lookup.known.get(uid);
  }

  /** Whether Events have been read since the key began to ask about its object ({@link of}). */
  isRead(key: string): boolean {
    const lookup = this.#namespaces.get(refOf(key).namespace ?? '');
    const since = lookup?.waiting.get(key)?.since;
    return lookup !== undefined && since !== undefined && lookup.readAt >= since;
  }

  /** Stops to look up what the key has asked about. */
  forget(key: string): void {
    const { namespace = '' } = refOf(key);
    const lookup = this.#namespaces.get(namespace);
    if (lookup?.waiting.delete(key) && lookup.waiting.size === 0) this.#namespaces.delete(namespace);
  }

  #lookupOf(namespace: string): NamespaceLookup {
    let lookup = this.#namespaces.get(namespace);
    if (!lookup) {
      lookup = { waiting: new Map(), known: new Map(), asking: false, askAfter: 0, readAt: -1 };
      this.#namespaces.set(namespace, lookup);
    }
    return lookup;
  }

  #read(namespace: string, lookup: NamespaceLookup): void {
    lookup.asking = true;
    this.#tail = this.#tail.then(async () => {
      const startedAt = this.#clock.now();
      try {
        this.#update(lookup, await this.#options.read(namespace));
        lookup.readAt = startedAt;
      } catch {
        // Read again with the next reconcile.
      }
      const now = this.#clock.now();
      lookup.askAfter = now + Math.max(LEAST_PAUSE_MS, (now - startedAt) * PAUSE_FACTOR);
      lookup.asking = false;
    });
  }

  #update(lookup: NamespaceLookup, known: ReadonlyMap<string, EventMessage>): void {
    const before = lookup.known;
    lookup.known = known;
    for (const [key, { uid }] of lookup.waiting) {
      if (known.get(uid)?.message !== before.get(uid)?.message) this.#options.onRead(key);
    }
  }
}

/**
 * Reads the Events of a namespace that a selector takes, page by page: of each object the first or the last one.
 * @param counts the first does not change with each attempt; the last is true now.
 */
export async function readEvents(
  client: Pick<KubeClient, 'list'>,
  namespace: string,
  { fieldSelector, counts }: { fieldSelector: string; counts: 'first' | 'last' },
): Promise<Map<string, EventMessage>> {
  const found = new Map<string, EventMessage & { at: string }>();
  let next: string | undefined;
  do {
    const page = await client.list(EVENTS, { namespace, fieldSelector, limit: 500, continue: next });
    for (const { involvedObject, reason, message, lastTimestamp, metadata } of page.items) {
      const { uid = '' } = involvedObject;
      const at = lastTimestamp ?? metadata.creationTimestamp ?? '';
      const other = found.get(uid);
      if (!other || (counts === 'last' && at >= other.at)) found.set(uid, { reason, message, at });
    }
    next = page.continue;
  } while (next);
  return found;
}
