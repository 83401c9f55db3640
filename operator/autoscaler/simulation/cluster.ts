import type { DrainState } from '../../gateway/shared/drainProtocol.ts';
import type { Random } from '../../testing/random.ts';
import { type Drains, NO_DRAINS, nextDrains } from '../drain.ts';
import type { Rules } from './rules.ts';
import type { Traffic } from './traffic.ts';

/** The simulation advances by so much; times of requests are multiples of it. */
export const STEP_MS = 100;
/** The longest duration of a request. */
const LONGEST_STEPS = 600;

interface Instance {
  readonly uid: string;
  /** The step from which it takes requests. */
  readonly readyAt: number;
  inFlight: number;
  /** It is being deleted, which its requests delay. */
  ending: boolean;
}

/** The instances of one revision, and a gateway with a queue in front of them. Times are numbers of steps. */
export class Cluster {
  readonly #traffic: Traffic;
  readonly #rules: Rules;
  readonly #random: Random;
  readonly #onWait: (steps: number) => void;
  /** When the requests that wait arrived; those before `#head` have been sent. */
  readonly #queue: number[] = [];
  #head = 0;
  /** The instances of the requests that end, by the step's remainder. */
  readonly #ends: Instance[][] = Array.from({ length: LONGEST_STEPS + 1 }, () => []);
  readonly #refused = new Set<string>();
  #drains: Drains = NO_DRAINS;
  #inFlight = 0;
  #replicas = 0;
  instances: Instance[] = [];
  /** Instances that were started. */
  starts = 0;
  /** How often the number was written. */
  changes = 0;

  /** @param onWait called for each request that gets an instance, with the steps for which it waited. */
  constructor(traffic: Traffic, rules: Rules, random: Random, onWait: (steps: number) => void) {
    this.#traffic = traffic;
    this.#rules = rules;
    this.#random = random;
    this.#onWait = onWait;
  }

  /** Requests in flight and queued. */
  get present(): number {
    return this.#inFlight + this.#queue.length - this.#head;
  }

  /** One step: requests end, others arrive, and each gets an instance or waits. */
  step(now: number, arrivals: number): void {
    const ended = this.#ends[now % this.#ends.length] ?? [];
    for (const instance of ended) instance.inFlight--;
    this.#inFlight -= ended.length;
    ended.length = 0;
    this.#delete(({ ending, inFlight }) => ending && inFlight === 0);
    for (let left = arrivals; left > 0; left--) this.#queue.push(now);
    // The gateway, or Knative's activator, raises it from zero at once.
    if (this.present > 0 && this.#replicas === 0) this.#write(now, 1);
    this.#dispatch(now);
  }

  /** A second has passed: the rules see the load, and the number is set. @param mean requests present in this second. */
  scale(now: number, unix: number, mean: number): void {
    const { present } = this;
    const wanted = this.#rules.next({
      now: unix,
      replicas: this.#replicas,
      ready: this.instances.filter(({ readyAt, ending }) => readyAt <= now && !ending).length,
      requests:
        mean > 0 || present > 0 ? { present, mean, lastRequestAt: unix, instances: new Map() } : undefined,
    });
    if (this.#rules.drains) this.#drain(now, wanted, unix);
    else if (wanted < this.#replicas) this.#remove(now, wanted);
    if (wanted > this.#replicas) this.#write(now, wanted);
  }

  #write(now: number, replicas: number): void {
    this.#replicas = replicas;
    this.changes++;
    this.#rules.wrote?.(replicas);
    const readyAt = now + Math.ceil(this.#traffic.startMs / STEP_MS);
    const missing = replicas - this.instances.filter(({ ending }) => !ending).length;
    for (let left = missing; left > 0; left--) {
      this.instances.push({ uid: String(++this.starts), readyAt, inFlight: 0, ending: false });
    }
  }

  /** As a ReplicaSet does: first those that start, then those with the fewest requests; these may end. */
  #remove(now: number, wanted: number): void {
    const isStarting = ({ readyAt }: Instance) => Number(readyAt > now);
    const there = this.instances.filter(({ ending }) => !ending);
    there.sort((a, b) => isStarting(b) - isStarting(a) || a.inFlight - b.inFlight);
    for (const instance of there.slice(0, this.#replicas - wanted)) instance.ending = true;
    this.#delete(({ ending, inFlight }) => ending && inFlight === 0);
    this.#write(now, wanted);
  }

  /** As Homerun does. */
  #drain(now: number, target: number, unix: number): void {
    if (target >= this.#replicas && this.#drains.size === 0) return;
    const byUid = new Map(this.instances.map((instance) => [instance.uid, instance]));
    const { drains, write } = nextDrains(
      this.#drains,
      {
        replicas: this.#replicas,
        target,
        instances: this.instances.map(({ uid, readyAt, inFlight }) => ({
          uid,
          ready: readyAt <= now,
          inFlight,
        })),
        ending: new Set(),
        answer: (uid) => this.#answer(byUid.get(uid)),
        observed: true,
        evicting: new Set(),
        keep: 0,
      },
      unix,
    );
    this.#drains = drains;
    this.#refused.clear();
    if (!write) return;
    this.#delete(({ uid }) => write.remove.has(uid));
    this.#write(now, write.replicas);
  }

  /** What gateways report of an instance that is being drained. */
  #answer(instance: Instance | undefined): DrainState | undefined {
    const step = this.#drains.get(instance?.uid ?? '')?.step;
    if (!instance || !step) return undefined;
    if (this.#refused.has(instance.uid)) return 'refused';
    if (instance.inFlight > 0) return 'draining';
    return step === 'drain' ? 'drained' : 'released';
  }

  #delete(isGone: (instance: Instance) => boolean): void {
    if (this.instances.some(isGone)) this.instances = this.instances.filter((instance) => !isGone(instance));
  }

  #dispatch(now: number): void {
    while (this.#head < this.#queue.length) {
      const instance = this.#free(now);
      if (!instance) return;
      this.#onWait(now - (this.#queue[this.#head++] ?? now));
      const steps = Math.ceil(this.#traffic.durationMs(this.#random) / STEP_MS);
      instance.inFlight++;
      this.#inFlight++;
      this.#ends[(now + Math.min(Math.max(1, steps), LONGEST_STEPS)) % this.#ends.length]?.push(instance);
    }
    this.#queue.length = 0;
    this.#head = 0;
  }

  /** The ready instance with the fewest requests; one that is being drained only when no other has room. */
  #free(now: number): Instance | undefined {
    const { concurrency } = this.#traffic;
    let best: Instance | undefined;
    let draining: Instance | undefined;
    for (const instance of this.instances) {
      if (instance.readyAt > now || instance.ending || instance.inFlight >= concurrency) continue;
      const step = this.#drains.size > 0 ? this.#drains.get(instance.uid)?.step : undefined;
      if (step === 'drain') draining ??= instance;
      else if (step === undefined && (!best || instance.inFlight < best.inFlight)) best = instance;
    }
    if (!best && draining) this.#refused.add(draining.uid);
    return best ?? draining;
  }
}
