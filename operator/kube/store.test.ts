import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Store } from './store.ts';
import type { KubeObject } from './types.ts';

function object(name: string, app?: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'ns', name, labels: app ? { app } : {} } };
}

const byApp = { app: (pod: KubeObject) => (pod.metadata.labels?.app ? [pod.metadata.labels.app] : []) };
const names = (objects: KubeObject[]) => objects.map(({ metadata }) => metadata.name).sort();

describe('Store', () => {
  it('finds objects by key and by index', () => {
    const store = new Store(byApp);
    store.upsert(object('a', 'x'));
    store.upsert(object('b', 'x'));
    store.upsert(object('c'));
    assert.equal(store.size, 3);
    assert.equal(store.get('ns/a')?.metadata.name, 'a');
    assert.equal(store.get('a'), undefined);
    assert.deepEqual(names(store.byIndex('app', 'x')), ['a', 'b']);
    assert.deepEqual(store.byIndex('app', 'none'), []);
  });

  it('gives what was replaced or removed', () => {
    const store = new Store();
    const first = object('a');
    const second = object('a');
    assert.equal(store.upsert(first), undefined);
    assert.equal(store.upsert(second), first);
    assert.equal(store.remove('ns/a'), second);
    assert.equal(store.remove('ns/a'), undefined);
  });

  it('moves an object that changes its index value', () => {
    const store = new Store(byApp);
    store.upsert(object('a', 'x'));
    store.upsert(object('a', 'y'));
    assert.deepEqual(store.byIndex('app', 'x'), []);
    assert.deepEqual(names(store.byIndex('app', 'y')), ['a']);
  });

  it('removes an object from its index even if someone changed it', () => {
    const store = new Store(byApp);
    const pod = object('a', 'x');
    store.upsert(pod);
    pod.metadata.labels = { app: 'y' };
    store.remove('ns/a');
    assert.deepEqual(store.byIndex('app', 'x'), []);
    assert.deepEqual(store.byIndex('app', 'y'), []);
  });

  it('names the declared indices when asked for another', () => {
    assert.throws(() => new Store(byApp).byIndex('owner', 'x'), /no index owner; declared are: app/);
  });

  it('indexes what a search through all objects would find', () => {
    const step = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      app: fc.constantFrom('x', 'y', undefined),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const store = new Store(byApp);
        for (const { name, app, remove } of steps) {
          if (remove) store.remove(`ns/${name}`);
          else store.upsert(object(name, app));
        }
        for (const app of ['x', 'y']) {
          const searched = store.list().filter(({ metadata }) => metadata.labels?.app === app);
          assert.deepEqual(names(store.byIndex('app', app)), names(searched));
        }
      }),
    );
  });
});
