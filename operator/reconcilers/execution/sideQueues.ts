import { createResolver } from '../../registry/create.ts';
import type { Context } from '../context.ts';
import { EventLookup, readEvents } from '../diagnosis/eventLookup.ts';
import { mountFailures } from '../diagnosis/mounts.ts';
import { type SideQueue, sideQueues } from '../sideQueues.ts';

/** The Events that say that no pod could be made for a batch/v1 Job; the first does not change with each attempt. */
const NO_PODS = {
  fieldSelector: 'involvedObject.apiVersion=batch/v1,involvedObject.kind=Job,reason=FailedCreate',
  counts: 'first',
} as const;

/** For how long a batch/v1 Job may be without pods until Events are asked why: most have some at once. */
const PODLESS_MS = 2000;

export type ExecutionQueues = ReturnType<typeof executionQueues>;

/**
 * What takes time and goes on beside the reconciles of executions: digests and Events.
 * @param enqueue called with the key of an execution of which one of them has news.
 */
export function executionQueues({ client, config, log }: Context, enqueue: (key: string) => void) {
  return sideQueues({
    digests: createResolver({ client, config: config.registry, onDone: enqueue, log }),
    rejections: new EventLookup({
      read: (namespace) => readEvents(client, namespace, NO_PODS),
      onRead: enqueue,
      patienceMs: PODLESS_MS,
    }),
    mounts: mountFailures(client, enqueue),
    writes: new StatusWrites(),
  });
}

/** When the status of each execution that goes on was last written, in milliseconds since 1970. */
class StatusWrites implements SideQueue {
  readonly #at = new Map<string, number>();

  of(key: string): number | undefined {
    return this.#at.get(key);
  }

  record(key: string, at: number): void {
    this.#at.set(key, at);
  }

  forget(key: string): void {
    this.#at.delete(key);
  }
}
