import assert from 'node:assert/strict';
import { RUN } from '../apis/labels.ts';
import { REVISIONS, type Revision } from '../apis/serving/revision/types.ts';
import { PODS, type Pod } from '../kube/core.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { admitEviction, decideEviction, EVICTION_REQUESTED } from './evictions.ts';
import { pod, REF, revision } from './testing/objects.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');

const instance = (since?: string, changes: Partial<Pod['metadata']> = {}, phase = 'Running'): Pod => {
  const made = pod('busy', since ? { [EVICTION_REQUESTED]: since } : undefined);
  return { ...made, metadata: { ...made.metadata, ...changes }, status: { phase } as Pod['status'] };
};
const served: Revision = { ...revision(), spec: { ...revision().spec, timeoutSeconds: 60 } };

describe('decideEviction', () => {
  const cases: Record<string, { pod?: Pod; revision?: Revision; want: string; reason: string }> = {
    'another pod': { want: 'allow', reason: 'it belongs to no service' },
    'of a revision that is gone': { pod: instance(), want: 'allow', reason: 'no gateway sends to it' },
    'a worker': {
      pod: instance(undefined, { labels: { [RUN.workerPool]: 'w' } }),
      revision: served,
      want: 'allow',
      reason: 'it has no requests',
    },
    'one that starts': {
      pod: instance(undefined, {}, 'Pending'),
      revision: served,
      want: 'allow',
      reason: 'it has no requests yet',
    },
    'one that ends': {
      pod: instance(undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      revision: served,
      want: 'allow',
      reason: 'it goes already',
    },
    'one that serves': {
      pod: instance(),
      revision: served,
      want: 'mark',
      reason: 'its requests must end first',
    },
    'one that is marked': {
      pod: instance('2026-01-01T00:09:00Z'),
      revision: served,
      want: 'wait',
      reason: 'a request may last a minute, and draining takes a little',
    },
    'one that has had its time': {
      pod: instance('2026-01-01T00:08:50Z'),
      revision: served,
      want: 'allow',
      reason: 'no request lasts longer, and nothing may block a node forever',
    },
    'one with a mark that is no time': {
      pod: instance('soon'),
      revision: served,
      want: 'mark',
      reason: 'it would be waited for without end',
    },
  };
  for (const [name, { pod, revision, want, reason }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => assert.equal(decideEviction(pod, revision, NOW), want));
  }
});

describe('admitEviction', () => {
  let server: FakeApiServer;
  beforeEach(async () => {
    server = await FakeApiServer.start({ types: [REVISIONS] });
  });
  afterEach(() => server.close());

  const ask = (dryRun = false) =>
    admitEviction(
      {
        uid: 'u',
        namespace: REF.namespace,
        name: 'busy',
        dryRun,
      },
      { client: server.client, now: () => NOW },
    );
  const mark = () =>
    server.get(PODS, { namespace: REF.namespace, name: 'busy' })?.metadata.annotations?.[EVICTION_REQUESTED];

  it('rejects as a disruption budget does, and marks the instance', async () => {
    server.put(instance());
    server.put(served);
    const { allowed, status } = await ask();
    assert.deepEqual([allowed, status?.code, status?.reason], [false, 429, 'TooManyRequests']);
    assert.equal(mark(), '2026-01-01T00:10:00Z');
  });

  it('allows other pods, deleted ones, and an instance without its revision', async () => {
    assert.equal((await ask()).allowed, true);
    server.put(instance(undefined, { labels: {} }));
    assert.equal((await ask()).allowed, true);
    server.put(instance());
    assert.equal((await ask()).allowed, true);
  });

  it('marks nothing in a dry run', async () => {
    server.put(instance());
    server.put(served);
    assert.equal((await ask(true)).allowed, false);
    assert.equal(mark(), undefined);
  });
});
