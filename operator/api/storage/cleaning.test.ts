import { deepEqual, equal } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../config.ts';
import type { KubeClient } from '../../kube/client.ts';
import { FakeClock } from '../../testing/clock.ts';
import { silent, until } from '../../testing/until.ts';
import { clean, cleanUntil } from './cleaning.ts';
import { FileStore } from './fileStore.ts';
import type { ObjectStore, StoredObject } from './store.ts';

const BUCKET = 'run-sources-demo-local-cluster1';
const HOUR = 3_600_000;
const named = (url: string) => ({
  annotations: { 'run.googleapis.com/sources': JSON.stringify({ '': url }) },
});

describe('sources that nothing uses', () => {
  let root: string;
  let store: FileStore;
  let clock: number;
  let objects: Record<string, object[]>;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'cleaning-'));
    clock = Date.now();
    store = new FileStore(root, { objectBytes: 1000, bucketBytes: 10_000 }, () => clock);
    objects = {};
  });
  afterEach(() => rm(root, { recursive: true }));

  const put = (name: string, bucket = BUCKET): Promise<StoredObject> =>
    store.put(
      { bucket, name, contentType: '' },
      (async function* () {
        yield Buffer.from(name);
      })(),
    );
  const cleaned = async (list?: KubeClient['list']) => {
    const lists = async ({ plural }: { plural: string }, { namespace }: { namespace: string }) => ({
      items: namespace === 'demo' ? (objects[plural] ?? []) : [],
    });
    await clean({
      store,
      client: { list: list ?? (lists as never) },
      config: parseConfig({}),
      now: () => clock,
      log: silent,
    });
    return (await store.list(BUCKET, true)).map(({ name, generation }) => `${name}#${generation}`);
  };
  const keyOf = ({ name, generation }: StoredObject) => `${name}#${generation}`;
  const urlOf = (object: StoredObject) => `gs://${object.bucket}/${keyOf(object)}`;

  it('are kept for a day, and removed after it', async () => {
    const unused = await put('unused');
    clock += 23 * HOUR;
    deepEqual(await cleaned(), [keyOf(unused)]);
    clock += 2 * HOUR;
    deepEqual(await cleaned(), []);
    deepEqual(await store.buckets(), [], 'nor is a folder left');
  });

  it('are those that no revision, service or worker pool names, with their generation', async () => {
    const [old, used, byService, byPool] = [await put('a'), await put('a'), await put('b'), await put('c')];
    objects = {
      revisions: [
        { metadata: named(urlOf(used)), spec: {} },
        { metadata: {}, spec: {} },
      ],
      services: [{ metadata: {}, spec: { template: { metadata: named(urlOf(byService)) } } }],
      workerpools: [{ metadata: {}, spec: { template: { metadata: named(urlOf(byPool)) } } }],
    };
    clock += 25 * HOUR;
    deepEqual(await cleaned(), [used, byService, byPool].map(keyOf));
    equal(await store.get(old), undefined);
  });

  it('are none of those that are named without a generation', async () => {
    const both = [await put('a'), await put('a')];
    objects = { revisions: [{ metadata: named(`gs://${BUCKET}/a`) }] };
    clock += 25 * HOUR;
    deepEqual(await cleaned(), both.map(keyOf));
  });

  it('are not known where the cluster does not answer: all are kept', async () => {
    const kept = await put('a');
    clock += 25 * HOUR;
    deepEqual(await cleaned(async () => Promise.reject(new Error('away'))), [keyOf(kept)]);
  });

  it('are not looked for in the namespace of another bucket', async () => {
    const other = 'run-sources-other-local-cluster1';
    const foreign = await put('a', other);
    objects = { revisions: [{ metadata: named(urlOf(foreign)) }] };
    clock += 25 * HOUR;
    await cleaned();
    equal(await store.get(foreign), undefined);
  });

  it('are looked for an hour later again where the store was away: nothing ends with it', async () => {
    const time = new FakeClock();
    const ended = new AbortController();
    const did: string[] = [];
    const away = {
      async buckets() {
        did.push(`buckets at ${time.now() / HOUR}`);
        if (did.length === 1) throw new Error('away');
        return [];
      },
      async sweep() {
        did.push('sweep');
        if (did.length === 3) throw new Error('away');
        ended.abort();
      },
    } as unknown as ObjectStore;
    const cleaning = {
      store: away,
      client: {} as KubeClient,
      config: parseConfig({}),
      now: () => 0,
      log: silent,
    };
    const over = cleanUntil(ended.signal, cleaning, time).then(() => did.push('over'));
    for (const hours of [1, 2, 3]) {
      await until('the next round', () => time.pending > 0);
      time.advance(HOUR);
      await until('it is over', () => did.some((each) => each.endsWith(` ${hours}`)));
    }
    await over;
    deepEqual(did, ['buckets at 1', 'buckets at 2', 'sweep', 'buckets at 3', 'sweep', 'over']);
  });
});
