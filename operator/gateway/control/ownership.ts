import { type Declaration, type Followed, type Held, heldElsewhere, sameHeld } from './declaration.ts';
import { DeclaredMembers, type GatewayPod, membersOf, sameMembers } from './members.ts';
import {
  begin,
  claims,
  followedOf,
  hasEnded,
  heardBy,
  heldBy,
  isOwed,
  newPeer,
  type Peer,
  resetFollowing,
} from './peer.ts';
import { ownerAmong } from './rendezvous.ts';

/**
 * Decides which gateway sends requests to the instances of a revision with a limit, so that over all gateways no instance
 * ever has more than `containerConcurrency` (container contract, Concurrency). It does no IO and has no clock.
 *
 * Each gateway declares an upper bound of what it uses ({@link Declaration}) and relies on the bounds of the others. It may
 * lower its own bound at any time; it may use more than others know only when all of them follow the declaration that says
 * so. A revision's owner follows from the members that a gateway declares, so two gateways that see different members may
 * both claim a revision, and then neither dispatches.
 *
 * docs/adr/0012 says how a gateway joins that does not know yet what others rely on, when the bound of one that is silent ends
 * (`fenceMs`), and when a gateway fences itself. One that knows of no other does not.
 */
export class Ownership {
  readonly id: string;
  /** Rises when an answer of this object may have changed. */
  version = 0;
  #life: number;
  #sequence = 0;
  #held: Held = {};
  #declared = new DeclaredMembers();
  /** The members by the pods that are known now; they are declared as soon as the data threads follow. */
  #members: readonly string[] = [];
  #pods: readonly GatewayPod[] = [];
  #joined = false;
  #leaving = false;
  #declaredLeaving = false;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  readonly #fenceMs: number;
  readonly #peers = new Map<string, Peer>();

  /** @param life Unix time in ms at which the process started. @param fenceMs see the class. */
  constructor(id: string, life: number, fenceMs: number) {
    this.id = id;
    this.#life = life;
    this.#fenceMs = fenceMs;
  }

  get joined(): boolean {
    return this.#joined;
  }

  /** After this time, by the clock of the caller, it may dispatch nothing and must have aborted what it has in flight. */
  get validUntil(): number {
    if (!this.#joined) return Number.NEGATIVE_INFINITY;
    return !this.hasPeers ? Number.POSITIVE_INFINITY : this.#confirmedAt + this.#fenceMs;
  }

  /** The gateway pods as the watch shows them. */
  setPods(pods: readonly GatewayPod[], now: number): void {
    const wasAlone = !this.hasPeers;
    this.#pods = pods;
    const present = new Map(pods.map((pod) => [pod.id, pod]));
    for (const { id, started } of pods) {
      if (id === this.id) continue;
      this.#peerOf(id, !this.#joined && started, now).watched = true;
    }
    for (const peer of this.#peers.values()) {
      const pod = present.get(peer.id);
      if (pod) this.#observe(peer, pod, now);
      else if (peer.watched) this.#forget(peer);
    }
    // While it was alone it did not fence itself, so its time begins now.
    if (wasAlone && this.#joined) this.#confirmedAt = Math.max(this.#confirmedAt, now);
    this.#setMembers();
  }

  /**
   * All gateway pods in a list that the API server gave after `sentAt` and that is not from a cache. The first one with
   * this gateway's own running container makes it join.
   */
  confirm(pods: readonly GatewayPod[], sentAt: number, now: number): void {
    const own = pods.find(({ id }) => id === this.id);
    if (!this.#joined) {
      if (!own?.started || own.leaving) return;
      // A process that begins after this list sees this gateway when it joins.
      for (const { id, started } of pods) {
        if (id !== this.id) this.#peerOf(id, false, now).elder = started;
      }
      this.#joined = true;
      this.version++;
    }
    const others = pods.filter(({ id }) => id !== this.id);
    const heard = own && !own.leaving ? sentAt : heardBy(this.#peers, others);
    this.#confirmedAt = Math.max(this.#confirmedAt, Math.min(sentAt, heard));
    const listed = new Set(pods.map(({ id }) => id));
    for (const peer of this.#peers.values()) {
      if (!listed.has(peer.id) && peer.knownAt < sentAt) this.#forget(peer);
    }
    this.#setMembers();
  }

  /** @returns false for a sender that is unknown, or that has ended: it must not be answered. */
  receive(said: Declaration, now: number): boolean {
    const peer = this.#peers.get(said.from);
    if (!peer || said.life <= peer.goneLife) return false;
    const life = peer.said?.life ?? 0;
    if (said.life < life) return false;
    if (peer.gone || (life > 0 && said.life > life)) {
      // The other process is not awaited if it awaits this one: it uses nothing before this one follows.
      begin(peer, !said.awaits);
      this.version++;
    }
    peer.heardAt = now;
    if (!peer.said || said.at > peer.said.at) {
      if (peer.said?.sequence !== said.sequence) this.version++;
      peer.said = said;
      this.#setMembers();
    }
    this.#heard(peer, said.follows);
    return true;
  }

  /**
   * Declares the members of now, and that the last declarations of the peers are followed. The caller has made sure that
   * the data threads follow the answers of now, and has counted their requests in instances after that.
   */
  declare(inFlight: Held): void {
    for (const peer of this.#peers.values()) if (peer.said) peer.followed = followedOf(peer.said);
    const held = heldElsewhere(inFlight, (revision) => ownerAmong(this.#members, revision) === this.id);
    const changed = !sameMembers(this.#members, this.#declared.latest);
    if (!changed && this.#leaving === this.#declaredLeaving && sameHeld(held, this.#held)) return;
    this.#sequence++;
    this.#held = held;
    this.#declaredLeaving = this.#leaving;
    if (!changed) return;
    this.#declared.add(this.#sequence, this.#members);
    this.#prune();
    this.version++;
  }

  /** Whether there are other gateways whose requests may be in instances. */
  get hasPeers(): boolean {
    return !this.#others().next().done;
  }

  /** What to send to a peer, after {@link declare}. */
  declarationTo(id: string, now: number): Declaration {
    const peer = this.#peers.get(id);
    const follows = peer?.followed;
    if (peer) peer.toldAt = now;
    if (peer && follows) {
      peer.firstTold ??= this.#sequence;
      peer.toldFollowed = follows.sequence;
    }
    return {
      from: this.id,
      life: this.#life,
      sequence: this.#sequence,
      awaits: !this.#joined || peer === undefined || peer.elder || peer.follows >= 0,
      members: this.#declared.latest,
      held: this.#held,
      leaving: this.#declaredLeaving,
      at: now,
      follows,
    };
  }

  /** Time has passed: a peer that is leaving may have been silent for long enough. */
  tick(now: number): void {
    for (const pod of this.#pods) {
      const peer = this.#peers.get(pod.id);
      if (peer) this.#observe(peer, pod, now);
    }
  }

  /** The peers that have to be told something: something new, or that nothing is. */
  *untold(now: number): Iterable<string> {
    for (const peer of this.#others()) {
      if (isOwed(peer, this.#sequence, now, this.#fenceMs)) yield peer.id;
    }
  }

  /** Whether the data threads may send requests to the revision's instances. */
  dispatches(revision: string): boolean {
    if (!this.#joined || this.#leaving) return false;
    if (ownerAmong(this.#members, revision) !== this.id) return false;
    const oldest = this.#oldestRelied();
    if (oldest === undefined || !this.#declared.owns(this.id, revision, oldest)) return false;
    for (const peer of this.#others()) if (claims(peer, revision)) return false;
    return true;
  }

  /** The gateway that takes the revision's requests; undefined while that is this one, or is not settled. */
  targetOf(revision: string): string | undefined {
    const preferred = ownerAmong(this.#members, revision);
    if (preferred === this.id) return undefined;
    let found: string | undefined;
    for (const peer of this.#others()) {
      if (!claims(peer, revision)) continue;
      if (peer.id === preferred) return peer.id;
      found ??= peer.id;
    }
    return found;
  }

  /** Requests of other gateways in the instances of a revision, by UID of the pod. */
  heldByOthers(revision: string): Map<string, number> {
    return heldBy(this.#others(), revision);
  }

  /** Begins another life: the data threads dispatch nothing and have aborted what they had in flight. */
  fence(): void {
    this.#life++;
    this.#sequence = 0;
    this.#held = {};
    this.#declared = new DeclaredMembers();
    this.#joined = false;
    for (const peer of this.#peers.values()) resetFollowing(peer);
    this.#setMembers();
    this.version++;
  }

  /** The peers whose requests may still be in instances. */
  *#others(): Generator<Peer> {
    for (const peer of this.#peers.values()) if (!peer.gone) yield peer;
  }

  /** The oldest sequence that a peer may rely on; undefined when one may rely on this gateway using nothing. */
  #oldestRelied(): number | undefined {
    let oldest = this.#declared.beganAt(this.#sequence);
    for (const peer of this.#others()) {
      if (peer.said?.leaving) continue;
      if (peer.follows >= 0) oldest = Math.min(oldest, this.#declared.beganAt(peer.follows));
      else if (peer.elder) return undefined;
      else if (peer.firstTold !== undefined)
        oldest = Math.min(oldest, this.#declared.beganAt(peer.firstTold));
    }
    return oldest;
  }

  #prune(): void {
    const oldest = this.#oldestRelied();
    if (oldest !== undefined) this.#declared.forgetBefore(oldest);
  }

  /** What of this gateway's declarations a peer follows. */
  #heard(peer: Peer, follows: Followed | undefined): void {
    if (follows?.life !== this.#life) return;
    peer.followedAt = Math.max(peer.followedAt, follows.at);
    if (follows.sequence <= peer.follows) return;
    peer.follows = follows.sequence;
    this.version++;
    this.#prune();
  }

  #peerOf(id: string, elder: boolean, now: number): Peer {
    const peer = this.#peers.get(id) ?? newPeer(id, elder, now);
    this.#peers.set(id, peer);
    return peer;
  }

  /** What the API server says of a peer. */
  #observe(peer: Peer, pod: GatewayPod, now: number): void {
    if (pod.leaving) peer.leavingSince ??= now;
    if (peer.gone || !hasEnded(peer, pod, now, this.#fenceMs)) return;
    peer.gone = true;
    peer.goneLife = Math.max(peer.goneLife, peer.said?.life ?? 0);
    this.#dropped();
  }

  /** Its pod is gone, and so its processes are. */
  #forget(peer: Peer): void {
    this.#peers.delete(peer.id);
    this.#dropped();
  }

  #dropped(): void {
    this.version++;
    this.#prune();
  }

  #setMembers(): void {
    const own = this.#pods.find(({ id }) => id === this.id);
    const staying = this.#pods.filter(({ id }) => !this.#peers.get(id)?.said?.leaving);
    const all = membersOf(staying);
    // One that has not joined never does.
    if ((!own || own.leaving) && !(this.#joined && all.includes(this.id))) this.#leaving = true;
    const members = all.filter((id) => id !== this.id || (this.#joined && !this.#leaving));
    if (sameMembers(members, this.#members)) return;
    this.#members = members;
    this.version++;
  }
}
