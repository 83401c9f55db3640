import assert from 'node:assert/strict';
import { configMap, metadata } from '../testing/builders.ts';
import { FakeApiServer, Rejection } from '../testing/fakeApiServer.ts';
import { CONFIG_MAPS, DEPLOYMENTS, type Deployment } from './core.ts';
import { StaleError } from './errors.ts';
import { controllerReference } from './owner.ts';
import { isApplied, type Plan, PlanExecutor, type PlanExecutorOptions, type PlannedEvent } from './plan.ts';
import { APPLIED_HASH, type KubeObject, type ResourceType } from './types.ts';

interface Widget extends KubeObject {
  spec: { size: number };
  status?: { ready: boolean; conditions?: { type: string; status: string }[] };
}
const WIDGETS: ResourceType<Widget> = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};
const TYPES = [CONFIG_MAPS, DEPLOYMENTS, WIDGETS];
const created: PlannedEvent = { type: 'Normal', reason: 'Created', message: 'Created a thing' };

function deployment(extra: object = {}): Deployment {
  const container = {
    name: 'app',
    image: 'app:1',
    resources: { limits: { cpu: '1000m' } },
    env: [{ name: 'A', value: '' }],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata('app'),
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'app' } },
      template: { metadata: { labels: { app: 'app' } }, spec: { containers: [{ ...container, ...extra }] } },
    },
  };
}

/** What a real server does to a Deployment: fills in defaults, drops empties, writes quantities its own way. */
function serverDefaults(object: { kind: string; spec?: unknown }): void {
  if (object.kind !== 'Deployment') return;
  const { spec } = object as Deployment;
  if (!spec) return;
  spec.progressDeadlineSeconds ??= 600;
  for (const container of spec.template.spec?.containers ?? []) {
    container.imagePullPolicy ??= 'IfNotPresent';
    if (container.resources?.limits?.cpu === '1000m') container.resources.limits.cpu = '1';
    for (const variable of container.env ?? []) if (variable.value === '') delete variable.value;
  }
}

describe('PlanExecutor', () => {
  let server: FakeApiServer;
  let subject: Widget;
  let recorded: PlannedEvent[];

  beforeEach(async () => {
    server = await FakeApiServer.start({ types: [WIDGETS], defaults: serverDefaults });
    subject = server.put<Widget>({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: metadata('w'),
      spec: { size: 1 },
    });
    recorded = [];
  });

  afterEach(() => server.close());

  const typeOf = ({ kind }: KubeObject) => TYPES.find((type) => type.kind === kind) as ResourceType;

  /** An executor whose cache is always up to date. */
  function executor(rejected?: PlanExecutorOptions['rejected']): PlanExecutor {
    return new PlanExecutor({
      client: server.client,
      fieldManager: 'widgets',
      recorder: { event: (_subject, event) => recorded.push(event) },
      typeOf,
      rejected,
      cached: (object) => server.get(typeOf(object), object.metadata),
    });
  }

  const plan = (part: Partial<Plan>): Plan => ({ apply: [], remove: [], events: [], ...part });

  it('applies what is missing with its hash, and writes nothing the second time', async () => {
    const wanted = plan({ apply: [deployment(), configMap('c', '1')], events: [created] });
    const each = executor();
    await each.execute(subject, wanted);
    assert.equal(server.writes.length, 2);
    assert.match(
      server.get(DEPLOYMENTS, metadata('app'))?.metadata.annotations?.[APPLIED_HASH] ?? '',
      /^[0-9a-f]{16}$/,
    );
    assert.deepEqual(recorded, [created]);
    await each.execute(subject, wanted);
    assert.equal(server.writes.length, 2, 'neither defaults nor 1000m as 1 are drift');
    assert.deepEqual(recorded, [created], 'nothing happened, so nothing is recorded');
  });

  it('creates what is missing, and leaves alone what has that name already', async () => {
    const wanted = plan({ create: [configMap('c', '1')], events: [created] });
    await executor().execute(subject, wanted);
    await executor().execute(subject, plan({ create: [configMap('c', '2')], events: [created] }));
    assert.equal(server.get(CONFIG_MAPS, metadata('c'))?.data?.value, '1');
    assert.deepEqual(recorded, [created], 'the second time nothing was made');
  });

  it('does not take for made what another had the name of, and which has gone since', async () => {
    const made = configMap('c', '2');
    const owned = {
      ...made,
      metadata: { ...made.metadata, ownerReferences: [controllerReference(subject)] },
    };
    const wanted = plan({ create: [owned], events: [created] });
    server.failNext(new Rejection(409, 'AlreadyExists', 'configmaps "c" already exists'));
    await assert.rejects(executor().execute(subject, wanted), StaleError);
    assert.deepEqual(recorded, []);
    await executor().execute(subject, wanted);
    assert.equal(server.get(CONFIG_MAPS, metadata('c'))?.data?.value, '2');
  });

  it('changes fields of an object, and not of another that has its name by now', async () => {
    const object = server.put(configMap('c', '1'));
    const change = (patch: object) => plan({ change: [{ type: CONFIG_MAPS, object, patch: { ...patch } }] });
    await executor().execute(subject, change({ data: { value: '2' } }));
    assert.equal(server.get(CONFIG_MAPS, metadata('c'))?.data?.value, '2');
    await server.client.delete(CONFIG_MAPS, object.metadata);
    await executor().execute(subject, change({ data: { value: '3' } }));
    assert.equal(server.get(CONFIG_MAPS, metadata('c')), undefined, 'what has gone is not made again');
  });

  it('tells whether an object is what was applied last', async () => {
    const live = () => server.get(CONFIG_MAPS, metadata('c'));
    assert.ok(!isApplied(configMap('c', '1'), live()));
    await executor().execute(subject, plan({ apply: [configMap('c', '1')] }));
    assert.ok(isApplied(configMap('c', '1'), live()));
    assert.ok(!isApplied(configMap('c', '2'), live()));
  });

  it('writes at most once more after a restart, and changes nothing by it', async () => {
    const wanted = plan({ apply: [deployment()] });
    await executor().execute(subject, wanted);
    const before = server.get(DEPLOYMENTS, metadata('app'));
    const restarted = executor();
    for (let n = 0; n < 3; n++) await restarted.execute(subject, wanted);
    assert.equal(server.writes.length, 2);
    assert.deepEqual(server.get(DEPLOYMENTS, metadata('app')), before);
  });

  const drifts: Record<string, { reason: string; change: (live: Deployment) => void }> = {
    'a field of ours was changed': {
      reason: 'someone edited it',
      change: ({ spec }) => {
        if (spec) spec.replicas = 5;
      },
    },
    'a field in another notation was changed': {
      reason: 'what the server made of our write is known',
      change: ({ spec }) => {
        const [container] = spec?.template.spec?.containers ?? [];
        if (container) container.resources = { limits: { cpu: '2' } };
      },
    },
    'the hash is gone': {
      reason: 'someone replaced the object',
      change: (live) => {
        live.metadata.annotations = {};
      },
    },
  };
  for (const [name, { reason, change }] of Object.entries(drifts)) {
    it(`applies again when ${name} (${reason})`, async () => {
      const wanted = plan({ apply: [deployment()] });
      const each = executor();
      await each.execute(subject, wanted);
      const before = server.get(DEPLOYMENTS, metadata('app')) as Deployment;
      const changed = structuredClone(before);
      change(changed);
      await server.client.replace(DEPLOYMENTS, changed);
      await each.execute(subject, wanted);
      assert.equal(server.writes.length, 3);
      const after = server.get(DEPLOYMENTS, metadata('app'));
      assert.deepEqual(after?.spec, before.spec);
      assert.deepEqual(after?.metadata.annotations, before.metadata.annotations);
    });
  }

  it('leaves fields of others alone', async () => {
    const wanted = plan({ apply: [deployment()] });
    const each = executor();
    await each.execute(subject, wanted);
    const patch = { metadata: { labels: { team: 'x' } }, spec: { paused: true } };
    await server.client.mergePatch(DEPLOYMENTS, metadata('app'), patch);
    await each.execute(subject, wanted);
    assert.equal(server.writes.length, 2);
    assert.equal(server.get(DEPLOYMENTS, metadata('app'))?.spec?.paused, true);
  });

  it('removes a field that is no longer wanted', async () => {
    const each = executor();
    await each.execute(subject, plan({ apply: [deployment({ workingDir: '/x' })] }));
    await each.execute(subject, plan({ apply: [deployment()] }));
    const [container] = server.get(DEPLOYMENTS, metadata('app'))?.spec?.template.spec?.containers ?? [];
    assert.equal(container?.workingDir, undefined);
    assert.equal(container?.image, 'app:1');
  });

  it('empties a map of a custom kind, whose schema does not let it be null', async () => {
    const labelled = (map: object): KubeObject & { spec: object } => ({
      ...{ apiVersion: 'example.com/v1', kind: 'Widget', metadata: metadata('m') },
      spec: { size: 1, template: { map, items: [{ name: 'a', emptyDir: {} }] } },
    });
    const each = executor();
    for (const map of [{}, { a: '1' }, {}, { b: '1' }]) {
      await each.execute(subject, plan({ apply: [labelled(map)] }));
      const { spec } = server.get(WIDGETS, metadata('m')) as unknown as { spec: { template: object } };
      const { template } = labelled(map).spec as { template: object };
      assert.deepEqual({ map: {}, ...spec.template }, template);
      const { length } = server.writes;
      await each.execute(subject, plan({ apply: [labelled(map)] }));
      assert.equal(server.writes.length, length, 'it is as it should be');
    }
  });

  it('applies in the order of the plan and stops at the first failure, before the status', async () => {
    server.failNext(new Rejection(422, 'Invalid', 'no'), ({ path }) => path.endsWith('/b'));
    const wanted = plan({
      apply: [configMap('a', '1'), configMap('b', '1'), configMap('c', '1')],
      status: { ...subject, status: { ready: true } } as Widget,
      events: [created],
    });
    await assert.rejects(executor().execute(subject, wanted), { code: 'KUBE_INVALID' });
    assert.deepEqual(
      server.writes.map(({ path }) => path.split('/').at(-1)),
      ['a', 'b'],
    );
    assert.deepEqual(recorded, []);
  });

  describe('what the cluster rejects', () => {
    const quota = new Rejection(403, 'Forbidden', 'configmaps "c" is forbidden: exceeded quota');
    const message = 'The cluster refuses what is needed: configmaps "c" is forbidden: exceeded quota';
    const rejecting = () =>
      executor((widget, planned, rejection) => {
        const { status } = planned as Widget;
        return { ...widget, status: { ...status, ready: false, why: rejection.message } } as KubeObject;
      });
    const wanted = (part: Partial<Plan> = { apply: [configMap('c', '1')] }) =>
      plan({
        ...part,
        status: { ...subject, status: { ready: true, size: 1 } } as Widget,
        events: [created],
      });
    const live = () => server.get(WIDGETS, subject.metadata) as Widget;

    for (const part of ['apply', 'create'] as const) {
      it(`is reported on the subject, once, in the cluster's words: ${part}`, async () => {
        server.failNext(quota, ({ path }) => path.includes('configmaps'), 2);
        for (let n = 0; n < 2; n++) {
          const rejected = rejecting().execute(live(), wanted({ [part]: [configMap('c', '1')] }));
          await assert.rejects(rejected, { code: 'KUBE_FORBIDDEN' }, 'it is tried again');
        }
        assert.deepEqual(live().status, { ready: false, size: 1, why: message });
        assert.deepEqual(recorded, [{ type: 'Warning', reason: 'Refused', message }]);
      });
    }

    it('is not reported when what has the name goes with an earlier owner: it makes room', async () => {
      const owned = (uid: string) => ({
        ...configMap('c', uid),
        metadata: {
          ...configMap('c', uid).metadata,
          ownerReferences: [controllerReference({ ...subject, metadata: { ...subject.metadata, uid } })],
        },
      });
      server.put(owned('earlier'));
      for (const part of ['apply', 'create']) {
        const wants = wanted({ apply: [], [part]: [owned('u')] });
        await assert.rejects(rejecting().execute(subject, wants), StaleError);
      }
      assert.equal(live().status, undefined);
      assert.deepEqual(recorded, []);
    });

    const unreported: Record<string, { reason: string; fail: Rejection | 'reset' }> = {
      'a token has run out': {
        reason: 'it is renewed',
        fail: new Rejection(401, 'Unauthorized', 'Unauthorized'),
      },
      'the server fails': { reason: 'it comes back', fail: new Rejection(500, 'InternalError', 'oops') },
      'nothing answers': { reason: 'it comes back', fail: 'reset' },
      'someone else was faster': {
        reason: 'the cache is behind',
        fail: new Rejection(409, 'Conflict', 'no'),
      },
    };
    for (const [name, { reason, fail }] of Object.entries(unreported)) {
      it(`is not reported when ${name}: ${reason}`, async () => {
        server.failNext(fail, ({ path }) => path.includes('configmaps'));
        await assert.rejects(rejecting().execute(subject, wanted()));
        assert.equal(live().status, undefined);
        assert.deepEqual(recorded, []);
      });
    }
  });

  it('removes objects, only those meant, and does not mind that they are gone', async () => {
    const old = server.put(configMap('old', '1'));
    const other = server.put(configMap('other', '1'));
    const removal = (name: string, uid?: string) => ({ type: CONFIG_MAPS, ref: metadata(name), uid });
    const wanted = plan({
      remove: [removal('old', old.metadata.uid), removal('other', 'another-uid'), removal('gone')],
    });
    await executor().execute(subject, wanted);
    assert.deepEqual(
      server.list(CONFIG_MAPS).map(({ metadata: { uid } }) => uid),
      [other.metadata.uid],
    );
  });

  it('writes the status only when it differs, whatever the order of keys', async () => {
    const each = executor();
    const status = (conditions: { type: string; status: string }[]) =>
      plan({ status: { ...subject, status: { ready: true, conditions } } as Widget, events: [created] });
    await each.execute(subject, status([{ type: 'Ready', status: 'True' }]));
    const now = server.get(WIDGETS, subject.metadata) as Widget;
    assert.deepEqual(now.status, { ready: true, conditions: [{ type: 'Ready', status: 'True' }] });
    assert.deepEqual(now.spec, { size: 1 });
    await each.execute(now, status([{ status: 'True', type: 'Ready' }]));
    assert.equal(server.writes.length, 1);
    assert.equal(recorded.length, 1);
    await each.execute(now, status([]));
    assert.deepEqual(server.get(WIDGETS, subject.metadata)?.status, { ready: true, conditions: [] });
  });

  it('never writes a status to another object of the same name, or to none', async () => {
    const wanted = plan({ status: { ...subject, status: { ready: true } } as Widget });
    server.remove(WIDGETS, subject.metadata);
    await assert.rejects(executor().execute(subject, wanted), StaleError);
    server.put<Widget>({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: metadata('w'),
      spec: { size: 2 },
    });
    await assert.rejects(executor().execute(subject, wanted), StaleError);
    assert.equal(server.get(WIDGETS, subject.metadata)?.status, undefined);
  });

  it("adds labels to the subject, once, and leaves its others and its owner's hash", async () => {
    const live = () => server.get(WIDGETS, metadata('w')) as Widget;
    await server.client.mergePatch(WIDGETS, metadata('w'), {
      metadata: { labels: { theirs: '1' }, annotations: { [APPLIED_HASH]: 'owners' } },
    });
    const wanted = plan({
      labels: { state: 'active' },
      status: { ...subject, status: { ready: true } } as Widget,
    });
    await executor().execute(live(), wanted);
    assert.deepEqual(live().metadata.labels, { theirs: '1', state: 'active' });
    assert.equal(live().metadata.annotations?.[APPLIED_HASH], 'owners');
    assert.deepEqual(live().status, { ready: true });
    const { length } = server.writes;
    await executor().execute(live(), wanted);
    assert.equal(server.writes.length, length);
  });

  it('never labels another object of the same name, nor makes one', async () => {
    server.remove(WIDGETS, metadata('w'));
    const wanted = plan({ labels: { state: 'active' } });
    await assert.rejects(executor().execute(subject, wanted), StaleError);
    server.put<Widget>({ ...subject, metadata: metadata('w') });
    await assert.rejects(executor().execute(subject, wanted), StaleError);
    assert.equal(server.get(WIDGETS, metadata('w'))?.metadata.labels, undefined);
  });

  it('hands on when to look again', async () => {
    assert.equal(await executor().execute(subject, plan({})), undefined);
    assert.deepEqual(await executor().execute(subject, plan({ requeueAfterMs: 5 })), { requeueAfterMs: 5 });
  });
});
