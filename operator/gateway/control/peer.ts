import type { Declaration, Followed } from './declaration.ts';
import type { GatewayPod } from './members.ts';
import { ownerAmong } from './rendezvous.ts';

/** Longer than `fenceMs` by the rates of two clocks (1 % each) and by the time that a fenced gateway takes to stop. */
const FENCED_AFTER = 1.1;
/** The times of ended processes are whole seconds. */
const SECOND = 1000;
/** So many times in `fenceMs` a peer is declared to when there is nothing new, so that it knows that it is heard. */
const REPEATS = 100;

/** Another gateway, as far as this one knows. */
export interface Peer {
  readonly id: string;
  readonly knownAt: number;
  /** Its pod has been in what the watch shows. */
  watched: boolean;
  /** It may have dispatched before this gateway joined, without knowing of it: nothing is claimed until it follows. */
  elder: boolean;
  /** The last declaration; undefined while there is none of its present life. */
  said: Declaration | undefined;
  /** The highest sequence of this gateway that it follows, and when that was sent; -1 when none. */
  follows: number;
  followedAt: number;
  /** The sequence with which it was first told that its declarations are followed; it dispatches nothing before. */
  firstTold: number | undefined;
  toldAt: number;
  /** What the data threads follow of `said`, and which of it the peer has been told. */
  followed: Followed | undefined;
  toldFollowed: number;
  heardAt: number;
  leavingSince: number | undefined;
  /** Its process is known to have ended, or to have fenced itself: nothing of it counts. Lives up to `goneLife`. */
  gone: boolean;
  goneLife: number;
}

/** A peer of which nothing is known yet. @param elder see {@link Peer.elder}. */
export function newPeer(id: string, elder: boolean, knownAt: number): Peer {
  return {
    id,
    knownAt,
    watched: false,
    elder,
    said: undefined,
    follows: -1,
    followedAt: Number.NEGATIVE_INFINITY,
    firstTold: undefined,
    toldAt: Number.NEGATIVE_INFINITY,
    followed: undefined,
    toldFollowed: -1,
    heardAt: Number.NEGATIVE_INFINITY,
    leavingSince: undefined,
    gone: false,
    goneLife: 0,
  };
}

/** Another process, or another life, of the peer: what is known of the one before does not count. */
export function begin(peer: Peer, elder: boolean): void {
  const { id, knownAt, watched, leavingSince, said } = peer;
  const goneLife = Math.max(peer.goneLife, said?.life ?? 0);
  Object.assign(peer, newPeer(id, elder, knownAt), { watched, leavingSince, goneLife });
}

/**
 * Whether nothing of the process that the peer is known by is left: the API server shows that it has ended, or its pod is
 * being deleted and it has been silent for so long that it must have fenced itself.
 */
export function hasEnded(peer: Peer, pod: GatewayPod, now: number, fenceMs: number): boolean {
  const { said, leavingSince = Number.POSITIVE_INFINITY, heardAt } = peer;
  if (pod.ended || (said !== undefined && pod.endedAt > said.life + SECOND)) return true;
  return now - Math.max(leavingSince, heardAt) > fenceMs * FENCED_AFTER;
}

/** Whether a peer has to be told something: something new, or that nothing is. */
export function isOwed(peer: Peer, sequence: number, now: number, fenceMs: number): boolean {
  const { followed, toldFollowed, follows, toldAt } = peer;
  const unconfirmed = followed !== undefined && toldFollowed < followed.sequence;
  return unconfirmed || follows < sequence || now - toldAt >= fenceMs / REPEATS;
}

/** When every gateway in the list had last said that it hears this one. */
export function heardBy(peers: ReadonlyMap<string, Peer>, pods: readonly GatewayPod[]): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { id, started, ended } of pods) {
    const peer = peers.get(id);
    if (!started || ended || peer?.gone) continue;
    earliest = Math.min(earliest, peer?.followedAt ?? Number.NEGATIVE_INFINITY);
  }
  return earliest;
}

/** What to name when a declaration is followed. */
export function followedOf({ life, sequence, at }: Declaration): Followed {
  return { life, sequence, at };
}

/** Whether a peer declares that it fills the slots of a revision. */
export function claims({ id, said }: Peer, revision: string): boolean {
  return said !== undefined && !said.leaving && ownerAmong(said.members, revision) === id;
}

/** This gateway begins another life, of which the peer knows nothing: nothing is claimed until it follows. */
export function resetFollowing(peer: Peer): void {
  peer.elder = true;
  peer.follows = -1;
  peer.followedAt = Number.NEGATIVE_INFINITY;
  peer.firstTold = undefined;
}

/** Requests of these peers in the instances of a revision, by UID of the instance's pod. */
export function heldBy(peers: Iterable<Peer>, revision: string): Map<string, number> {
  const sum = new Map<string, number>();
  for (const { said } of peers) {
    const instances = said && Object.hasOwn(said.held, revision) ? said.held[revision] : undefined;
    for (const [instance, count] of Object.entries(instances ?? {})) {
      sum.set(instance, (sum.get(instance) ?? 0) + count);
    }
  }
  return sum;
}
