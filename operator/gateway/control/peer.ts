import type { Declaration, Followed } from './declaration.ts';
import { ownerAmong } from './rendezvous.ts';

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
