import { clock } from '../shared/clock.ts';
import { type Limits, largeHeadBytes, waitingBytes } from '../shared/limits.ts';
import type { RevisionEntry } from '../shared/messages.ts';
import type { Rejection } from '../shared/rejections.ts';
import { QUEUED, queuedFrom } from '../shared/usage.ts';
import { NO_KEYS } from './callerRejections.ts';
import type { Timed } from './deadlines.ts';
import type { ExchangeShared } from './exchangeShared.ts';
import type { RequestHead } from './headers.ts';
import type { Source } from './queue.ts';
import { rejectionOf } from './queueRejections.ts';

/** A request that has to wait before it is known whether it may go on. */
export interface HeldRequest {
  head: RequestHead;
  hasBody: boolean;
  source: Source;
  /** Of its service: the longest that a request of it may wait. */
  revision: RevisionEntry | undefined;
  /** Serves it once more; does nothing when its client has left. */
  again: () => unknown;
}

type HeldShared = Pick<ExchangeShared, 'usage' | 'requests' | 'deadlines' | 'opened' | 'closed' | 'onError'>;

/**
 * Requests whose callers cannot be checked before the keys of an issuer have been fetched for the first time. They count as
 * those in queues do, and wait no longer than those and than their own time.
 */
export class HeldRequests {
  readonly #shared: HeldShared;
  readonly #limits: Pick<Limits, 'queue' | 'queuePerAddress'>;
  readonly #held = new Set<Held>();
  /** Since when each waits: it may be held more than once. */
  readonly #since = new WeakMap<RequestHead, number>();

  constructor(shared: HeldShared, limits: Pick<Limits, 'queue' | 'queuePerAddress'>) {
    this.#shared = shared;
    this.#limits = limits;
  }

  /** @returns why the request may not wait; undefined when it does. */
  hold(request: HeldRequest): Rejection | undefined {
    const { head, source, revision } = request;
    if (!revision) return NO_KEYS;
    const now = clock();
    const since = this.#since.get(head) ?? now;
    const left = Math.min(revision.timeoutMs, revision.queueLimitMs) - (now - since);
    if (left <= 0) return NO_KEYS;
    const { usage, requests, deadlines, opened } = this.#shared;
    if (usage.get(QUEUED) >= this.#limits.queue) return rejectionOf('crowded', undefined);
    if (usage.get(queuedFrom(source.address)) >= this.#limits.queuePerAddress) {
      return rejectionOf('address', undefined);
    }
    const held = new Held(request, revision.index, (each) => this.#end(each));
    if (!requests.take(revision.index, held.weight)) return rejectionOf('memory', undefined);
    this.#since.set(head, since);
    this.#held.add(held);
    this.#count(source, 1);
    source.waits();
    opened();
    deadlines.add(held, left, now);
    return undefined;
  }

  /** The issuers have changed: serves all that wait once more. */
  release(): void {
    for (const held of [...this.#held]) this.#end(held);
  }

  #end(held: Held): void {
    const { requests, deadlines, closed, onError } = this.#shared;
    this.#held.delete(held);
    deadlines.remove(held);
    requests.give(held.revision, held.weight);
    this.#count(held.request.source, -1);
    try {
      held.request.again();
    } catch (error) {
      onError(error);
    }
    // Last, so that a process that drains does not take it for the end.
    closed();
  }

  #count({ address }: Source, delta: 1 | -1): void {
    const { usage } = this.#shared;
    usage.add(QUEUED, delta);
    usage.add(queuedFrom(address), delta);
  }
}

class Held implements Timed {
  readonly request: HeldRequest;
  readonly revision: number;
  readonly weight: number;
  expiresAt = 0;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: Timed['deadlineList'];
  readonly #end: (held: Held) => void;

  constructor(request: HeldRequest, revision: number, end: (held: Held) => void) {
    const { head, hasBody, source } = request;
    const body = hasBody ? Math.min(head.contentLength ?? source.window, source.window) : 0;
    this.request = request;
    this.revision = revision;
    this.weight = waitingBytes(head.bytes, body) + largeHeadBytes(head.bytes);
    this.#end = end;
  }

  expired(): void {
    this.#end(this);
  }
}
