import type { KubeClient } from '../../kube/client.ts';
import { type Clock, systemClock } from '../../kube/clock.ts';
import { EVENTS, type KubeEvent } from '../../kube/core.ts';
import { refOf } from '../../kube/types.ts';

/** What an Event says of its object. */
export type EventMessage = Pick<KubeEvent, 'reason' | 'message'>;

export interface EventLookupOptions {
  /** What the Events of a namespace say: UID of the object that they are about -> the one that counts. */
  read(namespace: string): Promise<ReadonlyMap<string, EventMessage>>;
  /** Called with the key of the one who asked when there is something to tell, or no longer so. */
  onRead(key: string): void;
  /** For how long one who asks is not answered: most troubles pass before. */
  patienceMs: number;
  clock?: Clock;
}

/** Time between two questions about one namespace; the API server keeps Events out of its cache, so each costs it. */
const LEAST_PAUSE_MS = 5000;
/** A question that took long is asked the less often: all of them together keep one connection busy for a twentieth. */
const PAUSE_FACTOR = 20;

/** Those of a namespace who wait for an answer. */
interface Room {
  /** Key -> the object that is asked about, and since when. */
  readonly waiting: Map<string, { uid: string; since: number }>;
  known: ReadonlyMap<string, EventMessage>;
  asking: boolean;
  askAfter: number;
}

/**
 * The side queue that finds out what Kubernetes tells by Events alone. All of a namespace share one question, and one
 * namespace is asked about at a time: a thousand executions that wait for a quota are no load on the API server.
 */
export class EventLookup {
  readonly #options: EventLookupOptions;
  readonly #clock: Clock;
  readonly #rooms = new Map<string, Room>();
  #tail: Promise<void> = Promise.resolve();

  constructor(options: EventLookupOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * What is known of the object with this UID; begins to ask when it is time.
   * @param key who asks: a key of the object's namespace. It asks about one object at a time.
   */
  of(key: string, uid: string): EventMessage | undefined {
    const { namespace = '' } = refOf(key);
    const room = this.#roomOf(namespace);
    const now = this.#clock.now();
    const before = room.waiting.get(key);
    const { since } = before?.uid === uid ? before : { since: now };
    room.waiting.set(key, { uid, since });
    const isDue = now - since >= this.#options.patienceMs && now >= room.askAfter;
    if (isDue && !room.asking) this.#ask(namespace, room);
    return room.known.get(uid);
  }

  /** Nobody needs to know any more. */
  forget(key: string): void {
    const { namespace = '' } = refOf(key);
    const room = this.#rooms.get(namespace);
    if (room?.waiting.delete(key) && room.waiting.size === 0) this.#rooms.delete(namespace);
  }

  #roomOf(namespace: string): Room {
    let room = this.#rooms.get(namespace);
    if (!room) {
      room = { waiting: new Map(), known: new Map(), asking: false, askAfter: 0 };
      this.#rooms.set(namespace, room);
    }
    return room;
  }

  #ask(namespace: string, room: Room): void {
    room.asking = true;
    this.#tail = this.#tail.then(async () => {
      const startedAt = this.#clock.now();
      try {
        this.#learn(room, await this.#options.read(namespace));
      } catch {
        // Asked again when somebody looks again.
      }
      const now = this.#clock.now();
      room.askAfter = now + Math.max(LEAST_PAUSE_MS, (now - startedAt) * PAUSE_FACTOR);
      room.asking = false;
    });
  }

  #learn(room: Room, known: ReadonlyMap<string, EventMessage>): void {
    const before = room.known;
    room.known = known;
    for (const [key, { uid }] of room.waiting) {
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
