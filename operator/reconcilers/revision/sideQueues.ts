import { EVENTS, type Pod } from '../../kube/core.ts';
import { AttemptLimit } from '../../probe/attemptLimit.ts';
import { untilReady } from '../../probe/readiness.ts';
import { createResolver } from '../../registry/create.ts';
import type { Context } from '../context.ts';
import { Evictions } from '../diagnosis/evictions.ts';
import { mountFailures } from '../diagnosis/mounts.ts';
import { sideQueues } from '../sideQueues.ts';
import { MemoryWatch } from './memoryWatch.ts';
import { StartWatch } from './startWatch.ts';

export type RevisionQueues = ReturnType<typeof revisionQueues>;

/**
 * What takes time and goes on beside the reconciles of revisions: digests, startup probes, Events.
 * @param enqueue called with the key of a revision of which one of them has news.
 */
export function revisionQueues(
  { client, config, rollOuts, now, log }: Context,
  enqueue: (key: string) => void,
) {
  const limitMs = config.startup.limitSeconds * 1000;
  const limit = new AttemptLimit();
  return sideQueues({
    digests: createResolver({ client, config: config.registry, onDone: enqueue, log }),
    // Apart from those that a deployment waits for.
    baseImages: createResolver({ client, config: config.registry, onDone: enqueue, log }),
    starts: new StartWatch({
      probe: (revision, pod, signal) =>
        untilReady(pod.status?.podIP ?? '', revision.spec.containers, { limitMs, signal, limit }),
      onPassed: enqueue,
      log,
    }),
    evictions: new Evictions({ read: (pod) => evictionMessage(client, pod), onRead: enqueue }),
    mounts: mountFailures(client, enqueue),
    memory: new MemoryWatch(now()),
    rollOuts,
  });
}

/** The message of the Event that a node wrote when it evicted a pod. */
async function evictionMessage(
  client: Context['client'],
  { metadata: { namespace, uid } }: Pod,
): Promise<string | undefined> {
  const fieldSelector = `involvedObject.uid=${uid},reason=Evicted`;
  const { items } = await client.list(EVENTS, { namespace, fieldSelector });
  return items[0]?.message;
}
