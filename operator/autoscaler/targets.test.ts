import assert from 'node:assert/strict';
import type { Route } from '../apis/serving/route/types.ts';
import { Targets } from './targets.ts';

type Traffic = NonNullable<NonNullable<Route['status']>['traffic']>;

const route = (name: string, traffic: Traffic): Route =>
  ({ metadata: { name, namespace: 'n' }, spec: {}, status: { traffic } }) as unknown as Route;

function targetsOf(routes: Route[]): Targets {
  const targets = new Targets();
  for (const object of routes) targets.take({ type: 'added', object });
  return targets;
}

describe('Targets', () => {
  it('adds up what a route says of one revision in several entries', () => {
    const traffic = [
      { revisionName: 'a', percent: 60 },
      { revisionName: 'b', percent: 10, tag: 'canary' },
      { revisionName: 'a', percent: 30, tag: 'stable' },
    ];
    const targets = targetsOf([route('s', traffic as Traffic)]);
    assert.deepEqual(targets.of('n/a')?.percent, 90);
    assert.deepEqual(targets.of('n/b')?.split, [
      { revision: 'a', percent: 90 },
      { revision: 'b', percent: 10 },
    ]);
  });

  it('counts a tag without a percentage as reached', () => {
    const targets = targetsOf([route('s', [{ revisionName: 'a', tag: 'old' }] as Traffic)]);
    assert.equal(targets.of('n/a')?.percent, 0);
    assert.equal(targets.of('n/b'), undefined);
  });

  it('takes the larger percentage where two routes name a revision', () => {
    const routes = [
      route('r', [{ revisionName: 'a', percent: 20 }] as Traffic),
      route('s', [{ revisionName: 'a', percent: 100 }] as Traffic),
      route('t', [{ revisionName: 'a', percent: 50 }] as Traffic),
    ];
    assert.equal(targetsOf(routes).of('n/a')?.percent, 100);
  });

  it('keeps the targets of a route that has not changed', () => {
    const same = route('s', [{ revisionName: 'a', percent: 100 }] as Traffic);
    assert.equal(targetsOf([same]).of('n/a'), targetsOf([same]).of('n/a'));
  });

  it('follows a route, and names the revisions that it reached and reaches', () => {
    const targets = targetsOf([
      route('s', [{ revisionName: 'a', percent: 100 }] as Traffic),
      route('t', [{ revisionName: 'a', percent: 50 }] as Traffic),
    ]);
    const object = route('s', [{ revisionName: 'b', percent: 100 }] as Traffic);
    assert.deepEqual(targets.take({ type: 'updated', object }), ['n/a', 'n/b']);
    assert.deepEqual([targets.of('n/a')?.percent, targets.of('n/b')?.percent], [50, 100]);
    assert.deepEqual(targets.take({ type: 'deleted', object: route('s', []) }), ['n/b']);
    assert.equal(targets.of('n/b'), undefined);
  });
});
