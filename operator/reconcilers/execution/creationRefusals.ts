import { type Clock, systemClock } from '../../kube/clock.ts';
import type { BatchJob, KubeEvent } from '../../kube/core.ts';
import { refOf } from '../../kube/types.ts';

/** The cluster's own words. */
export type Told = Pick<KubeEvent, 'reason' | 'message'>;

export interface CreationRefusalsOptions {
  /** What the Events of a namespace say of batch/v1 Jobs without pods: UID of the Job -> why. */
  read(namespace: string): Promise<ReadonlyMap<string, Told>>;
  /** Called with the execution's key when why is known, or no longer so. */
  onRead(execution: string): void;
  clock?: Clock;
}

/** A Job usually has pods long before; until then nobody is asked. */
const PATIENCE_MS = 2000;
/** Time between two questions about one namespace; the API server keeps Events out of its cache, so each costs it. */
const LEAST_PAUSE_MS = 5000;
/** A question that took long is asked the less often: all of them together keep one connection busy for a twentieth. */
const PAUSE_FACTOR = 20;

/** The executions of a namespace that wait for pods. */
interface Room {
  /** Execution -> its Job, and when it was seen without pods first. */
  readonly waiting: Map<string, { uid: string; since: number }>;
  /** UID of a Job -> why it has no pods. */
  known: ReadonlyMap<string, Told>;
  asking: boolean;
  askAfter: number;
}

/**
 * The side queue that finds out why Kubernetes makes no pods for an execution, which it tells by Events alone. The
 * executions of a namespace share one question, and one namespace is asked about at a time: a thousand of them that
 * wait for a quota are no load on the API server.
 */
export class CreationRefusals {
  readonly #options: CreationRefusalsOptions;
  readonly #clock: Clock;
  readonly #rooms = new Map<string, Room>();
  #tail: Promise<void> = Promise.resolve();

  constructor(options: CreationRefusalsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** What is known of an execution whose Job has no pods; begins to ask when it has had none for a while. */
  of(execution: string, { metadata: { uid = '' } }: BatchJob): Told | undefined {
    const { namespace = '' } = refOf(execution);
    const now = this.#clock.now();
    const room = this.#rooms.get(namespace) ?? {
      waiting: new Map(),
      known: new Map(),
      asking: false,
      askAfter: 0,
    };
    this.#rooms.set(namespace, room);
    const before = room.waiting.get(execution);
    const { since } = before?.uid === uid ? before : { since: now };
    room.waiting.set(execution, { uid, since });
    const isDue = now - since >= PATIENCE_MS && now >= room.askAfter;
    if (isDue && !room.asking) this.#ask(namespace, room);
    return room.known.get(uid);
  }

  /** It has pods, has ended or is gone. */
  forget(execution: string): void {
    const { namespace = '' } = refOf(execution);
    const room = this.#rooms.get(namespace);
    const waiting = room?.waiting.get(execution);
    if (!room || !waiting) return;
    room.waiting.delete(execution);
    if (room.waiting.size === 0) this.#rooms.delete(namespace);
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

  #learn(room: Room, known: ReadonlyMap<string, Told>): void {
    const before = room.known;
    room.known = known;
    for (const [execution, { uid }] of room.waiting) {
      if (known.get(uid)?.message !== before.get(uid)?.message) this.#options.onRead(execution);
    }
  }
}
