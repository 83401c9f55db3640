import assert from 'node:assert/strict';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { ROUTES } from '../apis/serving/route/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { DEPLOYMENTS } from '../kube/core.ts';
import { Informer } from '../kube/informer.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { silent, until } from '../testing/until.ts';
import { RevisionSelection } from './revisionSelection.ts';
import { DEPLOYMENT, deployment, KEY, REF, revision, route, service } from './testing/objects.ts';

const COUNT = 600;
const NAMES = Array.from({ length: COUNT }, (_, index) => `idle-${index}`);

describe('RevisionSelection', () => {
  let server: FakeApiServer;
  let stop: AbortController;
  let running: Promise<unknown>;
  let selection: RevisionSelection;
  let changed: boolean;

  beforeEach(async () => {
    server = await FakeApiServer.start({ types: [REVISIONS, SERVICES, ROUTES] });
    for (const name of NAMES) server.put(revision({}, 'True', name));
    server.put(revision());
    server.put(route());
    server.put(deployment(0));
    server.put(service({}));
    stop = new AbortController();
    const own = { client: server.client, log: silent };
    const informers = {
      revisions: new Informer({ ...own, type: REVISIONS }),
      services: new Informer({ ...own, type: SERVICES }),
      routes: new Informer({ ...own, type: ROUTES }),
      deployments: new Informer({ ...own, type: DEPLOYMENTS }),
    };
    selection = new RevisionSelection(informers);
    const all = Object.values(informers);
    for (const informer of all)
      informer.onChange(() => {
        changed = true;
      });
    running = Promise.all(all.map((informer) => informer.run(stop.signal)));
    await Promise.all(all.map(({ synced }) => synced));
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await server.close();
  });

  it('selects all revisions at first, and then each within sixty rounds', () => {
    assert.equal(selection.next([]).size, COUNT + 1);
    const seen = new Set<string>();
    for (let round = 0; round < 61; round++) {
      const keys = selection.next([]);
      assert.ok(keys.size <= 11, `${keys.size} at once`);
      for (const key of keys) seen.add(key);
    }
    assert.equal(seen.size, COUNT + 1);
  });

  it('selects revisions with requests, and those with instances while they are awake', () => {
    selection.next([]);
    assert.ok(selection.next([KEY]).has(KEY));
    selection.keep('n/idle-500', true);
    for (let round = 0; round < 5; round++) assert.ok(selection.next([]).has('n/idle-500'));
    selection.keep('n/idle-500', false);
    assert.ok(!selection.next([]).has('n/idle-500'));
  });

  const changes: Record<string, () => void> = {
    'its revision': () => server.put(revision({ minScale: '1' })),
    'its Deployment': () => server.put(deployment(1)),
    'its route': () => server.put({ ...route(), status: { traffic: [] } } as ReturnType<typeof route>),
    'its service': () => server.put(service({ minScale: '1' })),
    'its Deployment, which goes': () => server.remove(DEPLOYMENTS, DEPLOYMENT),
    'its revision, which goes': () => server.remove(REVISIONS, REF),
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`is a revision that sleeps when this changes: ${what}`, async () => {
      // Past the turn of this one, and long before its next.
      for (let round = 0; round < 62; round++) selection.next([]);
      assert.ok(!selection.next([]).has(KEY));
      changed = false;
      change();
      await until('the change is seen', () => changed);
      assert.ok(selection.next([]).has(KEY));
    });
  }
});
