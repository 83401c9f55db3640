import { RUN } from '../../apis/annotations/run.ts';
import { WORKER_POOLS } from '../../apis/run/workerPool/types.ts';
import { textsOf } from '../../apis/serving/instance/source.ts';
import { REVISIONS } from '../../apis/serving/revision/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { parseSource } from '../../apis/sourceUrl.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Clock, sleep } from '../../kube/clock.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import type { Logger } from '../../telemetry/log.ts';
import { type BucketConfig, namespaceOfBucket } from './buckets.ts';
import type { ObjectStore, StoredObject } from './store.ts';

/** What names archives, where people's objects are. */
export const cleaningPermissions: readonly Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['revisions', 'services'], verbs: ['list'] },
  { apiGroups: ['run.googleapis.com'], resources: ['workerpools'], verbs: ['list'] },
];

const EVERY_MS = 3_600_000;
/** How long an archive is kept that nothing names: whoever uploads one deploys it afterwards. */
const UNUSED_MS = 24 * 3_600_000;

interface Cleaning {
  store: ObjectStore;
  client: Pick<KubeClient, 'list'>;
  config: BucketConfig;
  now: () => number;
  log: Logger;
}

/** Cleans every hour until `signal` aborts; all replicas do. A store that is away is cleaned an hour later. */
export async function cleanUntil(signal: AbortSignal, cleaning: Cleaning, clock?: Clock): Promise<void> {
  for (;;) {
    await sleep(EVERY_MS, signal, clock);
    if (signal.aborted) return;
    try {
      await clean(cleaning);
    } catch (error) {
      cleaning.log.warn({ err: error }, 'sources that nothing uses are not removed');
    }
  }
}

/**
 * Removes archives that are a day old and that no revision, and no template of a service or worker pool, names any more; and
 * uploads that nobody has gone on with for a day. What cannot be found out keeps everything of its bucket.
 */
export async function clean({ store, client, config, now, log }: Cleaning): Promise<void> {
  const before = now() - UNUSED_MS;
  for (const bucket of await store.buckets()) {
    try {
      const old = (await store.list(bucket, true)).filter(
        (object) => Date.parse(object.timeCreated) < before,
      );
      if (old.length === 0) continue;
      const used = await usedIn(namespaceOfBucket(bucket, config), client);
      for (const object of old.filter((each) => !isUsed(each, used))) {
        await store.delete(object);
        log.info(
          { bucket, object: object.name, generation: object.generation },
          'removed a source that nothing uses',
        );
      }
    } catch (error) {
      log.warn({ err: error, bucket }, 'sources that nothing uses are not removed');
    }
  }
  await store.sweep(before);
}

/** The archives that objects of a namespace name, as they name them. */
async function usedIn(namespace: string, client: Pick<KubeClient, 'list'>): Promise<Set<string>> {
  const used = new Set<string>();
  for (const type of [SERVICES, WORKER_POOLS, REVISIONS]) {
    const { items } = await client.list<KubeObject>(type, { namespace });
    for (const { metadata, spec } of items as TemplateHolder[]) {
      for (const { annotations } of [metadata, spec?.template?.metadata ?? {}]) {
        for (const url of textsOf(annotations?.[RUN.sources]).values()) {
          const { bucket, name, generation } = parseSource(url) ?? { bucket: '', name: '' };
          used.add(keyOf({ bucket, name, generation }));
        }
      }
    }
  }
  return used;
}

type TemplateHolder = KubeObject & { spec?: { template?: { metadata?: KubeObject['metadata'] } } };

/** Named without a generation, all of them are kept: the newest one may change meanwhile. */
function isUsed({ bucket, name, generation }: StoredObject, used: ReadonlySet<string>): boolean {
  return (
    used.has(keyOf({ bucket, name, generation })) || used.has(keyOf({ bucket, name, generation: undefined }))
  );
}

function keyOf({
  bucket,
  name,
  generation = '',
}: {
  bucket: string;
  name: string;
  generation: string | undefined;
}) {
  return JSON.stringify([bucket, name, generation]);
}
