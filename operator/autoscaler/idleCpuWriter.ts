import { IDLE_CPU_ANNOTATION } from '../apis/serving/revision/idleCpu.ts';
import type { Revision } from '../apis/serving/revision/types.ts';
import type { KubeClient } from '../kube/client.ts';
import { type Deployment, PODS, type Pod } from '../kube/core.ts';
import { isKubeError } from '../kube/errors.ts';
import { resizePod } from '../kube/resize.ts';
import { keyOf } from '../kube/types.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Decision } from './decide.ts';
import type { Entry } from './entry.ts';
import { type IdleCpuPlan, isThrottled, planIdleCpu, type Use, useOf } from './idleCpu.ts';
import { uidOf } from './instances.ts';
import type { RequestLoad } from './load.ts';

/** Most requests that are lowered in a round, so that many idle instances cause few writes; restoring has no limit. */
const MOST_LOWERED = 10;
/** After a write the cache has this time to show it. */
const RETRY_MS = 10_000;
/** A rule of the cluster, such as a quota, rejects it for longer. */
const REJECTED_MS = 60_000;

export interface IdleCpuOptions {
  client: Pick<KubeClient, 'request' | 'mergePatch'>;
  /** Whether CPU requests are lowered; what has been lowered is restored in any case. */
  lowers: boolean;
  podsOf: (revision: Entry) => readonly Pod[];
  /** Unix time in ms. */
  today: () => number;
  log: Logger;
}

/** What a round has seen of a revision. */
export interface Seen {
  readonly revision: Revision;
  readonly deployment: Deployment;
  readonly requests: RequestLoad | undefined;
  readonly decision: Decision | undefined;
}

/** Lowers the CPU request of idle instances and restores it when a request is seen (idleCpu.ts). */
export class IdleCpuWriter {
  readonly #options: IdleCpuOptions;
  /** The last write for an instance, by UID: none like it before `until`, and none at all while it is under way. */
  readonly #attempts = new Map<string, { use: Use; until: number }>();
  #lowered = 0;

  constructor(options: IdleCpuOptions) {
    this.#options = options;
  }

  /** Begins a round. */
  begin(now: number): void {
    this.#lowered = 0;
    for (const [uid, { until }] of this.#attempts) if (until <= now) this.#attempts.delete(uid);
  }

  /** Compares a revision's instances with what they are to request. @returns the writes; they never fail. */
  *visit(
    entry: Entry,
    { revision, deployment, requests, decision }: Seen,
    now: number,
  ): Iterable<Promise<void>> {
    if (requests) entry.requestAt = requests.lastRequestAt;
    if (!decision || !isThrottled(revision)) return;
    const { lastActivityAt } = decision.state;
    const { complete } = decision.load;
    const { lowers, podsOf, today } = this.#options;
    const use = useOf({ lowers, requestAt: entry.requestAt, lastActivityAt, complete }, now);
    if (use === 'unknown') return;
    for (const pod of podsOf(entry)) {
      if (use === 'idle' && this.#lowered >= MOST_LOWERED) return;
      const plan = planIdleCpu(pod, deployment, use, today());
      if (!plan || !this.#isDue(uidOf(pod), use, now)) continue;
      if (use === 'idle') this.#lowered++;
      yield this.#write(pod, plan, use, now);
    }
  }

  #isDue(uid: string, use: Use, now: number): boolean {
    const last = this.#attempts.get(uid);
    if (!last || last.until <= now) return true;
    return last.use !== use && last.until !== Number.POSITIVE_INFINITY;
  }

  async #write(pod: Pod, { annotation, resize }: IdleCpuPlan, use: Use, now: number): Promise<void> {
    const uid = uidOf(pod);
    this.#attempts.set(uid, { use, until: Number.POSITIVE_INFINITY });
    let retryMs = RETRY_MS;
    try {
      const { client } = this.#options;
      // Before the request is lowered, so that no gateway ever sees a lowered one that it does not know of.
      if (annotation !== undefined) {
        const annotations = { [IDLE_CPU_ANNOTATION]: annotation };
        await client.mergePatch(PODS, pod.metadata, { metadata: { annotations } });
      }
      if (resize) await resizePod(client, pod, resize);
    } catch (err) {
      if (isKubeError(err, 'KUBE_INVALID', 'KUBE_FORBIDDEN')) retryMs = REJECTED_MS;
      const level = isKubeError(err, 'KUBE_NOT_FOUND', 'KUBE_CONFLICT') ? 'debug' : 'warn';
      this.#options.log[level]({ err, pod: keyOf(pod.metadata), use }, 'the CPU request was not changed');
    }
    this.#attempts.set(uid, { use, until: now + retryMs });
  }
}
