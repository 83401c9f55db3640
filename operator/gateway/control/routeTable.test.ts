import assert from 'node:assert/strict';
import { UNLIMITED } from '../shared/limits.ts';
import { instanceCookie, revisionToken } from './affinity.ts';
import type { CompiledRevision, CompiledRoute } from './compile.ts';
import { IndexAllocator } from './indexAllocator.ts';
import { RouteTable } from './routeTable.ts';

const compiled: CompiledRevision = {
  limit: 5,
  timeoutMs: 1000,
  protocol: 'http1',
  port: 80,
  check: { attempt: { kind: 'tcp', port: 80, timeoutMs: 1000 }, delayMs: 0 },
};
const route = (hosts: Record<string, string>, createdAt = '1', internalOnly = false): CompiledRoute => ({
  createdAt,
  internalOnly,
  hosts: new Map(Object.entries(hosts).map(([host, revision]) => [host, [{ revision, percent: 100 }]])),
});
const entry = (revision: string, internalOnly = false) => ({
  targets: [{ revision, percent: 100 }],
  internalOnly,
});
const instance = (slot: number) => ({ slot, revision: 'ns/a', pod: `p${slot}`, host: '10.0.0.1', port: 80 });

describe('RouteTable', () => {
  let table: RouteTable;
  beforeEach(() => {
    table = new RouteTable();
    table.setRevision('ns/a', compiled, 10_000);
    table.setRevision('ns/b', compiled, 10_000);
  });

  it('gives each change once', () => {
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }));
    const update = table.take() ?? assert.fail();
    assert.deepEqual(update.hosts, [['a.test', entry('ns/a')]]);
    assert.deepEqual(
      update.revisions.map(([key, entry]) => [key, entry?.limit]),
      [['ns/a', 5]],
    );
    assert.equal(table.take(), undefined);
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }));
    assert.equal(table.take(), undefined, 'the same again is no change');
  });

  it('names the limit of a revision’s instances also while its requests are forwarded', () => {
    table.placementOf = () => 'gateway';
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }));
    assert.equal(table.entries.get('ns/a')?.limit, UNLIMITED);
    assert.deepEqual([...table.limits()], [{ key: 'ns/a', limit: 5 }]);
  });

  it('gives only what a change of traffic affects', () => {
    table.setRoute('ns/r', route({ 'a.test': 'ns/a', 'tag.test': 'ns/a' }));
    table.take();
    table.setRoute('ns/r', route({ 'a.test': 'ns/b', 'tag.test': 'ns/a' }));
    const { revisions } = table.take() ?? assert.fail();
    assert.deepEqual(
      revisions.map(([key]) => key),
      ['ns/b'],
    );
  });

  it('gives the reason why a revision’s instances cannot start, and when they can again', () => {
    const changes = () => table.take()?.revisions.map(([key, entry]) => [key, entry?.failing]);
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }));
    table.take();
    table.setRevision('ns/a', { ...compiled, failing: 'ExitCode1' }, 10_000);
    assert.deepEqual(changes(), [['ns/a', 'ExitCode1']]);
    table.setRevision('ns/a', { ...compiled, failing: 'ExitCode1' }, 10_000);
    assert.equal(changes(), undefined, 'the same again is no change');
    table.setRevision('ns/a', compiled, 10_000);
    assert.deepEqual(changes(), [['ns/a', undefined]]);
  });

  it('has an entry for a revision while a route or an instance needs it', () => {
    assert.equal(table.entries.size, 0);
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }));
    table.use('ns/a', 1);
    table.setRoute('ns/r', undefined);
    assert.ok(table.entries.has('ns/a'), 'its instance still serves');
    table.take();
    table.use('ns/a', -1);
    const { revisions } = table.take() ?? assert.fail();
    assert.deepEqual(revisions, [['ns/a', undefined]]);
  });

  it('leaves a host with the older route, and gives it to the newer one when that is deleted', () => {
    table.setRoute('ns/new', route({ 'a.test': 'ns/b' }, '2'));
    table.setRoute('ns/old', route({ 'a.test': 'ns/a' }, '1'));
    assert.deepEqual(table.snapshot().hosts, [['a.test', entry('ns/a')]]);
    table.setRoute('ns/old', undefined);
    assert.deepEqual(table.snapshot().hosts, [['a.test', entry('ns/b')]]);
    table.setRoute('ns/new', undefined);
    assert.deepEqual(table.snapshot().hosts, []);
  });

  it('updates the threads when a route becomes internal, and back', () => {
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }));
    table.take();
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }, '1', true));
    assert.deepEqual(table.take()?.hosts, [['a.test', entry('ns/a', true)]]);
    assert.deepEqual(table.snapshot().hosts, [['a.test', entry('ns/a', true)]]);
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }));
    assert.deepEqual(table.take()?.hosts, [['a.test', entry('ns/a')]]);
  });

  it('waits for the revision that a route names', () => {
    table.setRoute('ns/r', route({ 'c.test': 'ns/c' }));
    assert.equal(table.entries.size, 0);
    table.setRevision('ns/c', compiled, 10_000);
    assert.ok(table.entries.has('ns/c'));
  });

  it('keeps a revision’s row when its limits change', () => {
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }));
    const index = table.entries.get('ns/a')?.index;
    table.setRevision('ns/a', { ...compiled, limit: 9 }, 20_000);
    const entry = table.entries.get('ns/a');
    assert.deepEqual([entry?.index, entry?.limit, entry?.queueLimitMs], [index, 9, 20_000]);
  });

  it('gives a new thread everything', () => {
    table.setRoute('ns/r', route({ 'a.test': 'ns/a' }));
    table.setInstance(3, instance(3));
    table.take();
    const { hosts, revisions, instances } = table.snapshot();
    assert.deepEqual([hosts.length, revisions.length, instances], [1, 1, [[3, instance(3)]]]);
  });

  it('counts versions up with each update', () => {
    table.setInstance(1, instance(1));
    const first = table.take()?.version ?? assert.fail();
    table.setInstance(1, undefined);
    assert.equal(table.nextVersion, first + 1);
    assert.equal(table.take()?.version, first + 1);
  });

  it('marks a revision that is stopped, and that is not any more', () => {
    const changes = () => table.take()?.revisions.map(([key, entry]) => [key, entry?.stopped]);
    const hosts = { 'a.test': 'ns/a' };
    table.setRoute('ns/r', route(hosts));
    assert.deepEqual(changes(), [['ns/a', false]]);
    table.setRoute('ns/r', { ...route(hosts), stopped: new Set(['ns/a']) });
    assert.deepEqual(changes(), [['ns/a', true]]);
    table.setRoute('ns/r', route(hosts));
    assert.deepEqual(changes(), [['ns/a', false]]);
  });

  describe('with session affinity', () => {
    const KEYS = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
    const affine = { ...compiled, uid: 'uid-a', affinity: true };
    const cookies = (update = table.take()) => ({
      revisions: update?.revisions.map(([key, entry]) => [key, entry?.affinity]) ?? [],
      instances: update?.instances.map(([slot, entry]) => [slot, entry?.cookie]) ?? [],
    });
    beforeEach(() => {
      table.setRevision('ns/a', affine, 10_000);
      table.setRoute('ns/r', route({ 'a.test': 'ns/a', 'b.test': 'ns/b' }));
      table.setInstance(3, instance(3));
      table.setInstance(4, { ...instance(4), revision: 'ns/b' });
    });

    it('gives no cookie while there is no key', () => {
      assert.deepEqual(cookies(), {
        revisions: [
          ['ns/a', undefined],
          ['ns/b', undefined],
        ],
        instances: [
          [3, undefined],
          [4, undefined],
        ],
      });
    });

    it('gives cookies when a key comes, others when it changes, and nothing when it is the same', () => {
      table.take();
      for (const key of KEYS) {
        table.setAffinityKey(key);
        const token = revisionToken(key, 'ns/a', 'uid-a');
        const want = {
          revisions: [['ns/a', token]],
          instances: [[3, instanceCookie(key, token, 'p3')]],
        };
        assert.deepEqual(cookies(), want);
        const { revisions, instances } = cookies(table.snapshot());
        assert.deepEqual(revisions, [...want.revisions, ['ns/b', undefined]]);
        assert.deepEqual(instances, [...want.instances, [4, undefined]], 'a new thread has the same');
        table.setAffinityKey(Buffer.from(key));
        assert.equal(table.take(), undefined);
      }
    });

    it('follows a revision that gets it or loses it', () => {
      table.setAffinityKey(KEYS[0]);
      table.take();
      table.setRevision('ns/a', compiled, 10_000);
      assert.deepEqual(cookies(), { revisions: [['ns/a', undefined]], instances: [[3, undefined]] });
      table.setRevision('ns/a', affine, 10_000);
      const token = revisionToken(KEYS[0], 'ns/a', 'uid-a');
      assert.deepEqual(cookies().instances, [[3, instanceCookie(KEYS[0], token, 'p3')]]);
    });
  });

  it('reports a revision without a free row once, and serves it when there is one', () => {
    const full: string[] = [];
    const small = new RouteTable(
      () => {},
      (revision) => full.push(revision),
      1,
    );
    small.setRevision('ns/a', compiled, 10_000);
    small.setRevision('ns/b', compiled, 10_000);
    small.setRoute('ns/r', route({ 'a.test': 'ns/a', 'b.test': 'ns/b' }));
    small.setRevision('ns/b', compiled, 20_000);
    assert.deepEqual([full, small.unserved, small.entries.has('ns/b')], [['ns/b'], 1, false]);
    small.setRoute('ns/r', route({ 'b.test': 'ns/b' }));
    const { version } = small.take() ?? assert.fail();
    small.ids.reclaim(version, () => true);
    small.retryUnserved();
    assert.deepEqual([small.unserved, small.entries.has('ns/b')], [0, true]);
  });
});

describe('IndexAllocator', () => {
  it('reuses an index only when all threads have applied its removal and no request is left', () => {
    const ids = new IndexAllocator(1);
    assert.equal(ids.take(), 0);
    assert.equal(ids.take(), undefined, 'there is one');
    ids.retire(0, 5);
    assert.deepEqual(
      ids.reclaim(4, () => true),
      [],
      'a thread does not know yet',
    );
    assert.deepEqual(
      ids.reclaim(5, () => false),
      [],
      'a request is left',
    );
    assert.equal(ids.take(), undefined);
    assert.deepEqual(
      ids.reclaim(5, () => true),
      [0],
    );
    assert.equal(ids.take(), 0);
  });
});
