import assert from 'node:assert/strict';
import { configMap } from '../testing/builders.ts';
import { FakeClock } from '../testing/clock.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { CONFIG_MAPS, type ConfigMap } from './core.ts';
import { StaleError } from './errors.ts';
import { type Plan, PlanExecutor } from './plan.ts';

type Subject = ConfigMap & { status?: { step: number } };

describe('PlanExecutor behind its own writes', () => {
  let server: FakeApiServer;
  let clock: FakeClock;
  let executor: PlanExecutor;
  let subject: Subject;
  /** What the cache has of the child. */
  let child: ConfigMap | undefined;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    clock = new FakeClock();
    child = undefined;
    subject = server.put(configMap('subject', '1'));
    executor = new PlanExecutor({
      client: server.client,
      fieldManager: 'test',
      recorder: { event: () => {} },
      typeOf: () => CONFIG_MAPS,
      cached: () => child,
      clock,
    });
  });

  afterEach(() => server.close());

  const plan = (part: Partial<Plan>): Plan => ({ apply: [], remove: [], events: [], ...part });
  const step = (step: number, statusWaitMs?: number) =>
    plan({ status: { ...subject, status: { step } } as Subject, statusWaitMs });
  const stored = () => server.get(CONFIG_MAPS, subject.metadata) as Subject;

  it('asks nothing of the server for a subject that lacks its last write', async () => {
    await executor.execute(subject, step(1));
    await assert.rejects(executor.execute(subject, step(2)), StaleError);
    assert.equal(server.writes.length, 1);
    subject = stored();
    await executor.execute(subject, step(2));
    assert.equal(stored().status?.step, 2);
  });

  it('asks the server after two seconds, should the cache never get the write', async () => {
    await executor.execute(subject, step(1));
    clock.advance(2_000);
    await assert.rejects(executor.execute(subject, step(2)), StaleError);
    assert.equal(server.writes.length, 2);
  });

  it('knows of both of two writes that followed each other', async () => {
    await executor.execute(subject, { ...step(1), labels: { seen: 'yes' } });
    const between = { ...subject, metadata: { ...subject.metadata } };
    between.metadata.resourceVersion = String(Number(stored().metadata.resourceVersion) - 1);
    await assert.rejects(executor.execute(subject, step(2)), StaleError);
    await assert.rejects(executor.execute(between, step(2)), StaleError);
    assert.equal(server.writes.length, 2);
  });

  it('does not apply an object again that the cache does not have yet', async () => {
    const wanted = plan({ apply: [configMap('child', '1')] });
    await executor.execute(subject, wanted);
    await assert.rejects(executor.execute(subject, wanted), StaleError);
    assert.equal(server.writes.length, 1);
    child = server.get(CONFIG_MAPS, configMap('child', '1').metadata);
    await executor.execute(subject, wanted);
    assert.equal(server.writes.length, 1);
  });

  it('applies at once what is wanted otherwise by now, unless it was decided without what was made', async () => {
    const write = (value: string) => executor.execute(subject, plan({ apply: [configMap('child', value)] }));
    await write('1');
    await assert.rejects(write('2'), StaleError);
    child = server.get(CONFIG_MAPS, configMap('child', '1').metadata);
    await write('2');
    await write('3');
    assert.equal(server.writes.length, 3);
  });

  it('says nothing of an object as the cache has it that was applied otherwise since', async () => {
    const first = { apply: [configMap('child', '1')] };
    await executor.execute(subject, plan(first));
    child = server.get(CONFIG_MAPS, configMap('child', '1').metadata);
    await executor.execute(subject, plan({ apply: [configMap('child', '2')] }));
    await assert.rejects(executor.execute(subject, { ...step(1), ...first }), StaleError);
    assert.equal(stored().status, undefined);
    child = server.get(CONFIG_MAPS, configMap('child', '2').metadata);
    await executor.execute(subject, { ...step(1), ...first });
    assert.equal(stored().status?.step, 1);
  });

  it('says nothing of an object while the cache gets what others had written before', async () => {
    const first = { apply: [configMap('child', '1')] };
    await executor.execute(subject, plan(first));
    child = server.get(CONFIG_MAPS, configMap('child', '1').metadata) as ConfigMap;
    const between = server.put({ ...child, metadata: { ...child.metadata, labels: { other: 'yes' } } });
    await executor.execute(subject, plan({ apply: [configMap('child', '2')] }));
    child = between;
    await assert.rejects(executor.execute(subject, { ...step(1), ...first }), StaleError);
    assert.equal(stored().status, undefined);
  });

  it('makes an object of a name at once for an owner that is another one by now', async () => {
    const ownedBy = (uid: string) => {
      const ownerReferences = [
        { apiVersion: 'v1', kind: 'ConfigMap', name: 'subject', uid, controller: true },
      ];
      return {
        ...configMap('child', uid),
        metadata: { ...configMap('child', uid).metadata, ownerReferences },
      };
    };
    for (const uid of ['earlier', 'later']) {
      await executor.execute(subject, plan({ apply: [ownedBy(uid)] }));
      server.remove(CONFIG_MAPS, ownedBy(uid).metadata);
    }
    assert.equal(server.writes.length, 2);
  });

  it('makes an object again that went before the cache ever had it', async () => {
    const wanted = plan({ apply: [configMap('child', '1')] });
    await executor.execute(subject, wanted);
    server.remove(CONFIG_MAPS, configMap('child', '1').metadata);
    clock.advance(2_000);
    await executor.execute(subject, wanted);
    assert.ok(server.get(CONFIG_MAPS, configMap('child', '1').metadata));
  });

  it('makes one write of the statuses that may wait, and that after the first one has waited', async () => {
    assert.deepEqual(await executor.execute(subject, step(1, 500)), { requeueAfterMs: 500 });
    clock.advance(400);
    const later = { ...step(2, 500), requeueAfterMs: 1_000 };
    assert.deepEqual(await executor.execute(subject, later), { requeueAfterMs: 100 });
    assert.equal(server.writes.length, 0);
    clock.advance(100);
    assert.deepEqual(await executor.execute(subject, later), { requeueAfterMs: 1_000 });
    assert.equal(stored().status?.step, 2);
    subject = stored();
    assert.deepEqual(await executor.execute(subject, step(3, 500)), { requeueAfterMs: 500 });
  });

  it('writes at once what may not wait, whatever waited before', async () => {
    await executor.execute(subject, step(1, 500));
    assert.equal(await executor.execute(subject, step(2)), undefined);
    assert.equal(stored().status?.step, 2);
  });

  it('waits no longer for a status that has become what it was', async () => {
    await executor.execute(subject, step(1, 500));
    assert.equal(await executor.execute(subject, plan({ status: subject, statusWaitMs: 500 })), undefined);
    clock.advance(10_000);
    assert.deepEqual(await executor.execute(subject, step(1, 500)), { requeueAfterMs: 500 });
  });
});
