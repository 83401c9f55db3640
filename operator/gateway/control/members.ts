import { ownerAmong } from './rendezvous.ts';

/** A gateway pod as the API server shows it. */
export interface GatewayPod {
  /** UID of the pod. */
  id: string;
  /** Its container has run. One that has not cannot hold a request, and sees every earlier gateway when it joins. */
  started: boolean;
  ready: boolean;
  /** It is being deleted, which cannot be taken back. */
  leaving: boolean;
  /** Its last process that is known to have ended did so at this time (Unix ms); 0 when none has. */
  endedAt: number;
  /** None of its processes runs or is started again. */
  ended: boolean;
}

/**
 * The gateways among which revisions have owners: those that are ready; while none is, those that are being deleted and still
 * run, for one that is alone goes on until another one is ready; or all that run. Sorted.
 */
export function membersOf(pods: readonly GatewayPod[]): string[] {
  const running = pods.filter(({ started, ended }) => started && !ended);
  const ready = running.filter((pod) => pod.ready && !pod.leaving);
  const leaving = running.filter((pod) => pod.leaving);
  const members = ready.length > 0 ? ready : leaving.length > 0 ? leaving : running;
  return members.map(({ id }) => id).sort();
}

export function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

/** The members that a gateway has declared, as far as another one may still rely on them, oldest first. */
export class DeclaredMembers {
  #all: { sequence: number; members: readonly string[] }[] = [{ sequence: 0, members: [] }];

  get latest(): readonly string[] {
    return this.#all.at(-1)?.members ?? [];
  }

  add(sequence: number, members: readonly string[]): void {
    this.#all.push({ sequence, members });
  }

  /** The sequence with which the members began that a declaration had. */
  beganAt(sequence: number): number {
    let found = 0;
    for (const declared of this.#all) if (declared.sequence <= sequence) found = declared.sequence;
    return found;
  }

  /** Whether `id` owns the revision among all members that were declared from this sequence on. */
  owns(id: string, revision: string, since: number): boolean {
    return this.#all.every(
      ({ sequence, members }) => sequence < since || ownerAmong(members, revision) === id,
    );
  }

  /** Those before this sequence are relied on by none; the latest is kept. */
  forgetBefore(sequence: number): void {
    this.#all = this.#all.filter((declared, i, all) => declared.sequence >= sequence || i === all.length - 1);
  }
}
