import { gatewayAddresses } from '../../telemetry/metrics.ts';
import type { PodAddresses } from '../shared/addressProtocol.ts';
import { keepNewest } from '../shared/keepNewest.ts';
import type { CompiledPod } from './compile.ts';

/** How long an address waits for the pod watch to show its pod; most are of pods that are no instances. */
const UNKNOWN_MS = 10_000;
/** So many addresses are held; of more, the oldest are dropped. */
const MAX_HELD = 1000;

/** The pods as {@link Instances} tracks them. */
export interface AddressedPods {
  setPod(key: string, pod: CompiledPod | undefined, found?: boolean): void;
  podOf(uid: string): CompiledPod | undefined;
  podAt(ip: string): CompiledPod | undefined;
}

interface Held {
  readonly ip: string;
  /** Name of the node that has reported it. */
  readonly node: string;
  readonly at: number;
  /** A pod that the API shows has it for now. */
  used: boolean;
}

/**
 * The addresses that nodes have reported and the API does not show yet. One counts only for a pod that the API has assigned
 * to the node that reports it, and only until the API shows an address; one that the API shows for another pod is never
 * used.
 */
export class EarlyAddresses {
  readonly #pods: AddressedPods;
  /** By UID, the oldest first. */
  readonly #held = new Map<string, Held>();

  constructor(pods: AddressedPods) {
    this.#pods = pods;
  }

  /** Takes what a node reports of its pods. */
  take(addresses: PodAddresses, node: string, now: number): void {
    for (const [uid, ip] of Object.entries(addresses)) {
      if (ip === '') this.#takeBack(uid, node);
      else this.#take(uid, { ip, node, at: now, used: false });
    }
  }

  /** As {@link Instances.setPod}, with the pod's early address where the API shows none. */
  setPod(key: string, pod: CompiledPod | undefined, found = false): void {
    // One that ends may have lost the address that the API shows.
    const lives = pod !== undefined && !pod.leaving;
    if (lives && pod.ip) this.#confirm(pod.uid, pod.ip);
    this.#pods.setPod(key, lives && !pod.ip ? this.#completed(pod) : pod, found);
  }

  /** Forgets addresses whose pods are gone, or still unknown. */
  tick(now: number): void {
    for (const [uid, { at, used }] of this.#held) {
      if (used ? this.#pods.podOf(uid)?.early : now - at < UNKNOWN_MS) continue;
      this.#held.delete(uid);
      if (!used) gatewayAddresses.inc({ outcome: 'unknown' });
    }
  }

  #take(uid: string, held: Held): void {
    const pod = this.#pods.podOf(uid);
    const owner = this.#pods.podAt(held.ip);
    const isTaken = owner !== undefined && owner.uid !== uid && !owner.early;
    // A pod that is not scheduled yet may still get to that node.
    if (isTaken || (pod?.node !== undefined && pod.node !== held.node)) {
      gatewayAddresses.inc({ outcome: 'rejected' });
      return;
    }
    if (pod?.ip && !pod.early) {
      gatewayAddresses.inc({ outcome: 'late' });
      return;
    }
    // Of two pods that nodes name, the newer has it.
    this.#dropOthers(uid, held.ip);
    keepNewest(this.#held, uid, held, MAX_HELD);
    if (pod) this.#pods.setPod(pod.key, this.#completed(pod));
  }

  #takeBack(uid: string, node: string): void {
    if (this.#held.get(uid)?.node === node) this.#drop(uid);
  }

  /** The pod loses its address, unless the API has shown one. */
  #drop(uid: string): void {
    this.#held.delete(uid);
    const pod = this.#pods.podOf(uid);
    if (pod?.early) this.#pods.setPod(pod.key, { ...pod, ip: undefined, early: false });
  }

  /** The API shows an address: it counts, and no other pod has it. */
  #confirm(uid: string, ip: string): void {
    const held = this.#held.get(uid);
    if (held) {
      this.#held.delete(uid);
      if (!held.used) gatewayAddresses.inc({ outcome: 'late' });
      else if (held.ip !== ip) gatewayAddresses.inc({ outcome: 'wrong' });
    }
    this.#dropOthers(uid, ip);
  }

  /** Other pods that nodes have named at the address, known or not, lose it. */
  #dropOthers(uid: string, ip: string): void {
    if (this.#held.size === 0) return;
    for (const [other, { ip: claimed }] of this.#held) if (other !== uid && claimed === ip) this.#drop(other);
  }

  #completed(pod: CompiledPod): CompiledPod {
    const held = this.#held.get(pod.uid);
    if (!held || pod.node === undefined) return pod;
    if (held.node !== pod.node) {
      this.#held.delete(pod.uid);
      gatewayAddresses.inc({ outcome: 'rejected' });
      return pod;
    }
    if (!held.used) gatewayAddresses.inc({ outcome: 'used' });
    held.used = true;
    return { ...pod, ip: held.ip, early: true };
  }
}
