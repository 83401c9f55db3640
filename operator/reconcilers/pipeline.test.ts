import assert from 'node:assert/strict';
import { SERVING as ANNOTATION } from '../apis/annotations/serving.ts';
import { conditionOf } from '../apis/condition.ts';
import { KIND_TYPES } from '../apis/kinds.ts';
import { SERVING } from '../apis/labels.ts';
import { deploymentName } from '../apis/names.ts';
import { CONFIGURATIONS, type Configuration } from '../apis/serving/configuration/types.ts';
import { scalingSpec } from '../apis/serving/revision/scaling.ts';
import { REVISIONS, type Revision } from '../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../apis/serving/route/types.ts';
import { SERVICES, type Service } from '../apis/serving/service/types.ts';
import { parseConfig } from '../config.ts';
import {
  CORE_SERVICES,
  DEPLOYMENTS,
  type Deployment,
  EVENTS,
  type KubeEvent,
  PODS,
  type Pod,
} from '../kube/core.ts';
import { FakeApiServer, isWrite, Rejection, type SeenRequest } from '../testing/fakeApiServer.ts';
import { reconciled, reconciledBy } from '../testing/reconciled.ts';
import { configuration, PINNED, service } from '../testing/serving.ts';
import { ServingProcess } from '../testing/servingProcess.ts';
import { until } from '../testing/until.ts';

const REF = { namespace: 'demo', name: 'hello' };
const CONTROLLERS = ['service', 'configuration', 'revision', 'route'];

describe('service to deployment', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    server = await FakeApiServer.start({
      types: KIND_TYPES,
    });
    process = new ServingProcess(server);
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  function apply(
    changes: Parameters<typeof service>[1] = {},
    annotations?: Record<string, string>,
  ): Promise<Service> {
    const object = service('hello', {
      ...changes,
      spec: { containers: [{ image: PINNED }], ...changes.spec },
    });
    const { name, namespace } = object.metadata;
    return server.client.apply(
      SERVICES,
      { ...object, metadata: { name, namespace, ...(annotations ? { annotations } : {}) } },
      { fieldManager: 'person' },
    );
  }

  /** What the cluster does for a Deployment: a pod that runs and is ready, or has been in another state for long. */
  async function start(
    revision: string,
    container: object = { state: { running: {} }, ready: true },
    agoSeconds = 0,
  ) {
    const deployment = await until(`deployment ${revision}`, () =>
      server.get<Deployment>(DEPLOYMENTS, { namespace: 'demo', name: deploymentName(revision) }),
    );
    const containers = deployment.spec?.template.spec?.containers ?? [];
    server.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${revision}-x`,
        namespace: 'demo',
        labels: deployment.spec?.template.metadata?.labels,
      },
      status: {
        startTime: new Date(Date.now() - agoSeconds * 1000).toISOString(),
        containerStatuses: containers.map(({ name }) => ({
          name,
          ready: false,
          restartCount: 0,
          ...container,
        })),
      },
    } as Pod);
  }

  async function ready(status = 'True'): Promise<Service> {
    return until(`Ready=${status}`, () => {
      const found = server.get(SERVICES, REF);
      const current = found?.status?.observedGeneration === found?.metadata.generation;
      return current && conditionOf(found?.status?.conditions, 'Ready')?.status === status
        ? found
        : undefined;
    });
  }

  const revisions = (): Revision[] =>
    server.list(REVISIONS).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));

  async function latest(count: number): Promise<string> {
    const found = await until(`${count} revisions`, () => revisions().length === count && revisions());
    return found.at(-1)?.metadata.name ?? '';
  }

  const routed = () =>
    until('the latest revision to be marked as routed', () => {
      return revisions().at(-1)?.metadata.labels?.[SERVING.routingState] === 'active';
    });

  it('a service gets all that it needs and is ready when its first instance is', async () => {
    await apply();
    const name = await latest(1);
    await start(name);
    const { status } = await ready();
    assert.equal(status?.latestReadyRevisionName, name);
    assert.deepEqual(status?.traffic, [{ revisionName: name, percent: 100, latestRevision: true }]);
    assert.ok(server.get(CORE_SERVICES, REF));
  });

  it('a pod of an earlier revision of the name, or of none, proves nothing', async () => {
    await apply();
    const name = await latest(1);
    const running = { containerStatuses: [{ name: 'user-container', ready: true, state: { running: {} } }] };
    for (const uid of ['earlier', undefined]) {
      const labels = { [SERVING.revision]: name, ...(uid ? { [SERVING.revisionUID]: uid } : {}) };
      const metadata = { name: `other-${uid}`, namespace: 'demo', labels };
      server.put({ apiVersion: 'v1', kind: 'Pod', metadata, status: running } as unknown as Pod);
    }
    await until('the revision to wait', () => {
      const found = server.get<Revision>(REVISIONS, { namespace: 'demo', name });
      return conditionOf(found?.status?.conditions, 'Ready')?.reason === 'Deploying';
    });
    // Whatever is decided because of those pods is decided before this one's revision.
    const before = await reconciled('revision');
    await start(name, { state: { waiting: { reason: 'ContainerCreating' } } });
    await until('the next look', async () => (await reconciled('revision')) > before);
    assert.equal(conditionOf(server.get(SERVICES, REF)?.status?.conditions, 'Ready')?.status, 'Unknown');
    server.remove(PODS, { namespace: 'demo', name: `${name}-x` });
    await start(name);
    await ready();
  });

  it('a service with an initial scale of 0 is ready without an instance', async () => {
    await apply({ metadata: { annotations: { 'autoscaling.knative.dev/initial-scale': '0' } } });
    const { status } = await ready();
    const name = await latest(1);
    assert.equal(status?.traffic?.[0]?.revisionName, name);
    const made = server.get<Deployment>(DEPLOYMENTS, { namespace: 'demo', name: deploymentName(name) });
    assert.equal(made?.spec?.replicas, 0);
    await routed();
    const again = server.get<Deployment>(DEPLOYMENTS, { namespace: 'demo', name: deploymentName(name) });
    assert.equal(again?.spec?.replicas, 0);
  });

  it('a service whose host is the tag of another says so, and gets it when the tag goes', async () => {
    const tagged = (tag?: string) => [{ latestRevision: true, percent: 100, ...(tag ? { tag } : {}) }];
    const put = (name: string, tag?: string) => {
      const { metadata: _, ...made } = service(name, { spec: { containers: [{ image: PINNED }] } });
      const spec = { ...made.spec, traffic: tagged(tag) };
      const object = { ...made, spec, metadata: { name, namespace: 'demo' } };
      return server.client.apply(SERVICES, object as Service, { fieldManager: 'person' });
    };
    const readyOf = (name: string) =>
      conditionOf(server.get(SERVICES, { namespace: 'demo', name })?.status?.conditions, 'Ready');
    await put('hello', 'v1');
    await start(await latest(1));
    await ready();
    await put('v1---hello');
    const second = await until('its revision', () =>
      revisions().find(({ metadata }) => metadata.labels?.[SERVING.service] === 'v1---hello'),
    );
    await start(second.metadata.name);
    await until('the conflict', () => readyOf('v1---hello')?.reason === 'HostTaken');
    assert.match(readyOf('v1---hello')?.message ?? '', /belongs to service 'demo\/hello'/);
    assert.equal(readyOf('hello')?.status, 'True');
    await put('hello');
    await until('the host', () => readyOf('v1---hello')?.status === 'True');
  });

  it('a tag may be like the end of its revision’s name: both addresses answer (knative/serving#4206)', async () => {
    const { metadata: _, ...made } = service('echo', {
      metadata: { name: 'echo-v1' },
      spec: { containers: [{ image: PINNED }] },
    });
    const traffic = [{ revisionName: 'echo-v1', tag: 'v1', percent: 100 }];
    const ref = { namespace: 'demo', name: 'echo' };
    const object = { ...made, spec: { ...made.spec, traffic }, metadata: ref };
    await server.client.apply(SERVICES, object as Service, { fieldManager: 'person' });
    await start('echo-v1');
    const { status } = await until('it to be ready', () => {
      const found = server.get(SERVICES, ref);
      return conditionOf(found?.status?.conditions, 'Ready')?.status === 'True' && found;
    });
    assert.equal(status?.url, 'http://echo.demo.localhost');
    const [target] = status?.traffic ?? [];
    assert.deepEqual([target?.revisionName, target?.url], ['echo-v1', 'http://v1---echo.demo.localhost']);
    assert.deepEqual(
      server.list(CORE_SERVICES).map(({ metadata }) => metadata.name),
      ['echo'],
    );
  });

  it('a controller that starts again writes nothing', async () => {
    await apply();
    await start(await latest(1));
    await ready();
    await routed();
    await process.stop();
    server.requests = [];
    const before = await reconciledBy();
    process = new ServingProcess(server);
    await until('every controller to have looked', async () => {
      const now = await reconciledBy();
      return CONTROLLERS.every((name) => (now.get(name) ?? 0) > (before.get(name) ?? 0));
    });
    assert.deepEqual(
      server.requests.filter(isWrite).map(({ method, path }) => `${method} ${path}`),
      [],
    );
  });

  it('a controller killed at any write comes to the same end', async () => {
    for (let after = 1; after <= 8; after++) {
      const name = `hello-${after}`;
      let writes = 0;
      server.requests = [];
      const object = service(name, { spec: { containers: [{ image: PINNED }] } });
      server.put({ ...object, metadata: { name, namespace: 'demo', generation: 1 } } as Service);
      await until('writes', () => {
        writes = server.requests.filter(isWrite).length;
        return writes >= after;
      });
      await process.stop();
      process = new ServingProcess(server);
      const made = await until(`the revision of ${name}`, () =>
        revisions().find(({ metadata }) => metadata.labels?.[SERVING.service] === name),
      );
      await start(made.metadata.name);
      await until(`${name} to be ready`, () => {
        const found = server.get(SERVICES, { namespace: 'demo', name });
        return conditionOf(found?.status?.conditions, 'Ready')?.status === 'True';
      });
      const all = revisions().filter(({ metadata }) => metadata.labels?.[SERVING.service] === name);
      assert.equal(all.length, 1, `killed after ${after} writes: ${all.length} revisions`);
    }
  });

  it('a default that is spelled out makes no revision when one that means the same is routed', async () => {
    await apply();
    await start(await latest(1));
    await ready();
    await routed();
    const { generation } = await apply({ spec: { timeoutSeconds: 300 } }).then(({ metadata }) => metadata);
    await until('the configuration to follow', () => {
      const { status, metadata } = server.get(CONFIGURATIONS, REF) ?? {};
      return metadata?.generation === generation && status?.observedGeneration === generation;
    });
    assert.equal(revisions().length, 1);
  });

  it('the old revision serves until the new one is ready', async () => {
    await apply();
    const first = await latest(1);
    await start(first);
    await ready();
    await apply({ spec: { timeoutSeconds: 7 } });
    const second = await latest(2);
    const waiting = await until('the configuration to follow', () => {
      const found = server.get(CONFIGURATIONS, REF);
      return found?.status?.latestCreatedRevisionName === second && found;
    });
    assert.equal(waiting.status?.latestReadyRevisionName, first);
    assert.equal(server.get(ROUTES, REF)?.status?.traffic?.[0]?.revisionName, first);
    await start(second);
    const { status } = await ready();
    assert.equal(status?.traffic?.[0]?.revisionName, second);
  });

  it('a gradual roll-out goes on in a controller that starts again, and ends in time', async () => {
    const gradual = { [ANNOTATION.rolloutDuration]: '4s' };
    await apply({}, gradual);
    const first = await latest(1);
    await start(first);
    await ready();
    await apply({ spec: { timeoutSeconds: 7 } }, gradual);
    const second = await latest(2);
    server.requests = [];
    await start(second);
    const split = () =>
      server
        .get(ROUTES, REF)
        ?.status?.traffic?.map(({ percent }) => percent)
        .join(' ');
    await until('the first percent', () => split() === '99 1');
    const startedAt = Date.now();
    await until('the service to say so', () => {
      const ready = conditionOf(server.get(SERVICES, REF)?.status?.conditions, 'Ready');
      return ready?.reason === 'RolloutInProgress';
    });
    await until('another step', () => split() === '74 26');
    await process.stop();
    process = new ServingProcess(server);
    const { status } = await ready();
    assert.ok(Date.now() - startedAt > 3900);
    assert.deepEqual(status?.traffic, [{ revisionName: second, percent: 100, latestRevision: true }]);
    const written = server.requests
      .filter(({ method, path }) => method === 'PATCH' && path.endsWith('/routes/hello/status'))
      .map(({ body }) => (body as Route).status?.traffic?.map(({ percent }) => percent).join(' '));
    assert.deepEqual(written, ['99 1', '74 26', '49 51', '25 75', '100']);
  });

  it('a ready revision that breaks later keeps its traffic, and says why it cannot answer (knative/serving#12078)', async () => {
    await apply();
    await start(await latest(1));
    await ready();
    await apply({ spec: { timeoutSeconds: 7 } });
    const second = await latest(2);
    await start(second);
    const serves = () => server.get(ROUTES, REF)?.status?.traffic?.[0]?.revisionName === second;
    await until('the new revision to serve', serves);
    await routed();
    const ref = { namespace: 'demo', name: deploymentName(second) };
    const scaled = server.get<Deployment>(DEPLOYMENTS, ref);
    server.put({ ...scaled, spec: { ...scaled?.spec, replicas: 1 } } as Deployment);
    const active = () => {
      const found = server.get<Revision>(REVISIONS, { namespace: 'demo', name: second });
      return conditionOf(found?.status?.conditions, 'Active');
    };
    const waiting = { reason: 'CreateContainerConfigError', message: 'secret "s" not found' };
    await start(second, { state: { waiting } }, 601);
    await until(
      'the reason',
      () => active()?.status === 'False' && /secret "s" not found/.test(active()?.message ?? ''),
    );
    assert.ok(serves());
    await process.stop();
    const before = await reconciledBy();
    process = new ServingProcess(server);
    await until('every controller to have looked', async () => {
      const now = await reconciledBy();
      return CONTROLLERS.every((name) => (now.get(name) ?? 0) > (before.get(name) ?? 0));
    });
    assert.ok(serves());
    assert.equal((await ready()).status?.latestReadyRevisionName, second);
    await start(second);
    await until('it is well again', () => active()?.status === 'Unknown');
    server.put({ ...server.get<Deployment>(DEPLOYMENTS, ref), status: { readyReplicas: 1 } } as Deployment);
    await until('it has an instance', () => active()?.status === 'True');
  });

  it('a revision that failed for want of a secret is tried again, and takes traffic once it starts', async () => {
    await apply();
    const name = await latest(1);
    const ref = { namespace: 'demo', name };
    const waiting = { reason: 'CreateContainerConfigError', message: 'secret "s" not found' };
    await start(name, { state: { waiting } }, 241);
    await ready('False');
    // What the autoscaler does with one that failed, and what time does.
    server.remove(PODS, { namespace: 'demo', name: `${name}-x` });
    const failed = server.get<Revision>(REVISIONS, ref);
    assert.ok(failed);
    const conditions = failed.status?.conditions?.map((condition) => ({
      ...condition,
      lastTransitionTime: new Date(Date.now() - 61_000).toISOString(),
    }));
    server.put({ ...failed, status: { ...failed.status, conditions } } as Revision);
    const again = await until('the next attempt', () => {
      const found = server.get<Revision>(REVISIONS, ref);
      return conditionOf(found?.status?.conditions, 'ContainerHealthy')?.status === 'Unknown' && found;
    });
    assert.match(conditionOf(again.status?.conditions, 'Ready')?.message ?? '', /secret "s" not found/);
    const { pending, failed: gaveUp } = scalingSpec(again, undefined, undefined, parseConfig({}).autoscaler);
    assert.deepEqual({ pending, gaveUp }, { pending: true, gaveUp: false }, 'it gets an instance');
    await start(name);
    const { status } = await ready();
    assert.equal(status?.traffic?.[0]?.revisionName, name);
  });

  it('a configuration that passed no webhook says what is wrong with it, and makes nothing', async () => {
    const spec = {
      containers: [
        {
          image: PINNED,
          env: [{ name: 'PORT', value: '1' }],
          volumeMounts: [{ name: 'none', mountPath: '/data' }],
        },
      ],
    };
    const { metadata, ...made } = configuration('loose', { spec });
    server.put({
      ...made,
      metadata: { name: metadata.name, namespace: 'demo', generation: 1 },
    } as Configuration);
    const ready = await until('a condition', () => {
      const found = server.get(CONFIGURATIONS, { namespace: 'demo', name: 'loose' });
      return conditionOf(found?.status?.conditions, 'Ready');
    });
    assert.deepEqual([ready.status, ready.reason], ['False', 'InvalidArgument']);
    assert.match(ready.message ?? '', /PORT.*there is no such volume/);
    assert.deepEqual(revisions(), []);
    await until('an Event', () => server.list(EVENTS).some(({ reason }) => reason === 'InvalidArgument'));
  });

  const rejections: Record<string, { reason: string; path: RegExp; serves: boolean }> = {
    Configuration: { reason: 'nothing can run', path: /\/configurations\/[^/]+$/, serves: false },
    Revision: { reason: 'nothing can run', path: /\/revisions\/[^/]+$/, serves: false },
    Deployment: { reason: 'nothing can run', path: /\/deployments\/[^/]+$/, serves: false },
    'core Service': {
      reason: 'only the name inside the cluster is missing',
      path: /^\/api\/v1\/.*\/services\/[^/]+$/,
      serves: true,
    },
  };
  for (const [kind, { reason, path, serves }] of Object.entries(rejections)) {
    it(`a ${kind} that the cluster rejects is reported on the service, and made once it may be: ${reason}`, async () => {
      let rejecting = true;
      const quota = new Rejection(403, 'Forbidden', 'exceeded quota: small');
      const isMeant = ({ method, path: asked }: SeenRequest) => method === 'PATCH' && path.test(asked);
      server.failNext(quota, (seen) => rejecting && isMeant(seen), Number.POSITIVE_INFINITY);
      await apply();
      if (serves) await start(await latest(1));
      const status = await until('the rejection', () => {
        const { status } = server.get(SERVICES, REF) ?? {};
        const message = conditionOf(status?.conditions, 'Ready')?.message;
        return message?.includes('exceeded quota: small') && (!serves || status?.traffic) && status;
      });
      assert.equal(conditionOf(status.conditions, 'Ready')?.status, 'False');
      assert.equal(Boolean(status.traffic), serves);
      rejecting = false;
      server.requests = [];
      // Each attempt comes after a longer pause than the one before.
      await until('the next attempt', () => server.requests.some(isMeant));
      if (!serves) await start(await latest(1));
      await ready();
    });
  }

  it('an instance that takes too much memory is reported once, and stays ready', async () => {
    await apply();
    const name = await latest(1);
    await start(name);
    await ready();
    const pod = server.get<Pod>(PODS, { namespace: 'demo', name: `${name}-x` });
    assert.ok(pod);
    const finishedAt = new Date().toISOString();
    const lastState = { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt } };
    const containerStatuses = pod.status?.containerStatuses?.map((status) => ({ ...status, lastState }));
    server.put({ ...pod, status: { ...pod.status, containerStatuses } } as Pod);
    const reported = () => server.list(EVENTS).filter(({ reason }) => reason === 'OutOfMemory');
    await until('two Events', () => reported().length === 2);
    assert.deepEqual(
      reported()
        .map(({ involvedObject }) => involvedObject.kind)
        .sort(),
      ['Revision', 'Service'],
    );
    for (const { message } of reported()) assert.match(message ?? '', /^Memory limit of 512 MiB exceeded: /);
    const conditions = () => server.get(REVISIONS, { namespace: 'demo', name })?.status?.conditions;
    await until('the condition', () => conditionOf(conditions(), 'MemorySufficient')?.status === 'False');
    assert.equal(conditionOf(conditions(), 'Ready')?.status, 'True');
    server.put({ ...pod, metadata: { ...pod.metadata, annotations: { touched: 'yes' } } } as Pod);
    await until('the condition to go', () => !conditionOf(conditions(), 'MemorySufficient'));
    assert.deepEqual(
      reported().map(({ count }) => count),
      [1, 1],
    );
  });

  it('an instance that its node ended for its files is reported by what the node said', async () => {
    await apply();
    const name = await latest(1);
    await start(name);
    await ready();
    const pod = server.get<Pod>(PODS, { namespace: 'demo', name: `${name}-x` });
    assert.ok(pod);
    server.put({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: 'demo', name: 'evicted' },
      involvedObject: { uid: pod.metadata.uid },
      reason: 'Evicted',
      message: 'Pod ephemeral local storage usage exceeds the total limit of containers 576Mi. ',
    } as KubeEvent);
    const terminated = { exitCode: 0, reason: 'Completed', finishedAt: new Date().toISOString() };
    const containerStatuses = pod.status?.containerStatuses?.map((status) => ({
      ...status,
      state: { terminated },
    }));
    server.put({ ...pod, status: { phase: 'Succeeded', containerStatuses } } as Pod);
    await until('two Events', () => {
      const reported = server.list(EVENTS).filter(({ reason }) => reason === 'OutOfMemory');
      return (
        reported.length === 2 &&
        reported.every(({ message }) => /exceeded by files: .*576Mi/.test(message ?? ''))
      );
    });
  });

  it('what a person changes on a child is put right again', async () => {
    await apply();
    const name = await latest(1);
    await start(name);
    await ready();
    await server.client.mergePatch(CORE_SERVICES, REF, { spec: { externalName: 'elsewhere.example' } });
    await until('the name inside the cluster to be mended', () =>
      server.get(CORE_SERVICES, REF)?.spec?.externalName?.startsWith('homerun-gateway-internal.'),
    );
    const deployment = { namespace: 'demo', name: deploymentName(name) };
    server.remove(DEPLOYMENTS, deployment);
    await until('the deployment to come back', () => server.get(DEPLOYMENTS, deployment));
  });
});
