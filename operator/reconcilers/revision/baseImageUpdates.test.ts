import { deepEqual, equal, match } from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { conditionOf } from '../../apis/condition.ts';
import { KIND_TYPES } from '../../apis/kinds.ts';
import { deploymentName } from '../../apis/names.ts';
import { BASE_IMAGE_RUNTIME } from '../../apis/serving/instance/platform.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { type Config, parseConfig } from '../../config.ts';
import { DEPLOYMENTS, type Deployment, EVENTS } from '../../kube/core.ts';
import { serveError, startServer, type TestServer } from '../../registry/testing/registry.ts';
import { FakeApiServer, isWrite } from '../../testing/fakeApiServer.ts';
import { reconciled } from '../../testing/reconciled.ts';
import { configuration, revision } from '../../testing/serving.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { until } from '../../testing/until.ts';
import { revisionController } from './reconciler.ts';

const NAME = 'hello-00001-abc';
const REF = { namespace: 'demo', name: NAME };
const CHECKED = 'homerun.dev/base-image-checked';
const LONG_AGO = '2026-01-01T00:00:00Z';
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

describe('instances that follow their base image', () => {
  let server: FakeApiServer;
  let registry: TestServer;
  let process: ServingProcess;
  let config: Config;
  /** What the registry has under the tag; undefined while it is out of order. */
  let tagged: string | undefined;

  beforeEach(async () => {
    tagged = digest('a');
    registry = await startServer((_, response) => serve(response));
    const baseImages = { nodejs24: `${registry.host}/library/node:24` };
    config = parseConfig({ registry: { insecure: [registry.host] }, instance: { baseImages } });
    server = await FakeApiServer.start({
      types: KIND_TYPES,
    });
    const latest = { latestCreatedRevisionName: NAME, latestReadyRevisionName: NAME };
    server.put({ ...configuration(), status: latest });
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
    await registry[Symbol.asyncDispose]();
  });

  function serve(response: ServerResponse): void {
    if (tagged === undefined) serveError(response, 503, 'UNAVAILABLE');
    else response.writeHead(200, { 'docker-content-digest': tagged }).end();
  }

  const image = (letter: string) => `${registry.host}/library/node@${digest(letter)}`;
  const start = () => {
    process = new ServingProcess(server, [revisionController], config);
  };
  const revisionNow = () => server.get<Revision>(REVISIONS, REF);
  const deploymentNow = () =>
    server.get<Deployment>(DEPLOYMENTS, { namespace: 'demo', name: deploymentName(NAME) });
  const imageNow = () => deploymentNow()?.spec?.template.spec?.containers[0]?.image;
  const condition = () => conditionOf(revisionNow()?.status?.conditions, 'BaseImageValidated');
  const writes = () => server.requests.filter((seen) => isWrite(seen) && seen.path.includes('/deployments/'));

  function following(runtimeClassName = BASE_IMAGE_RUNTIME): Revision {
    const annotations = {
      'run.googleapis.com/sources': '{"":"gs://run-sources-demo-local-cluster1/a#1"}',
      'run.googleapis.com/base-images': '{"":"nodejs24"}',
    };
    const containers = [{ name: 'user-container', image: 'scratch' }];
    return revision(NAME, {
      metadata: { annotations },
      spec: { containers, ...(runtimeClassName ? { runtimeClassName } : {}) },
    });
  }

  /** A controller has started it, and the cluster so many instances of it. */
  async function running(replicas: number, of = following()): Promise<void> {
    server.put(of);
    start();
    await until(
      'the first digest in the status',
      () => revisionNow()?.status?.containerStatuses?.length === 1,
    );
    await until('the Deployment', () => imageNow() === image('a'));
    const deployment = deploymentNow() as Deployment;
    const { generation = 1 } = deployment.metadata;
    const counts = {
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    };
    server.put({
      ...deployment,
      spec: { ...deployment.spec, replicas },
      status: { observedGeneration: generation, ...counts },
    } as Deployment);
    await until('a look', () => revisionNow()?.status?.actualReplicas === replicas);
  }

  /** The registry was last asked long ago. */
  async function timePasses(checked: string | null = LONG_AGO): Promise<void> {
    const patch = { status: { annotations: { [CHECKED]: checked } } };
    await server.client.mergePatch(REVISIONS, REF, patch, { subresource: 'status' });
  }

  const asked = () =>
    until('an answer in the status', () => (revisionNow()?.status?.annotations?.[CHECKED] ?? '') > LONG_AGO);

  it('are moved to another digest by a rolling update, and to no other revision', async () => {
    await running(2);
    const { uid, generation } = revisionNow()?.metadata ?? {};
    tagged = digest('b');
    await timePasses();
    await until('the Deployment to move', () => imageNow() === image('b'));
    const { spec } = deploymentNow() ?? {};
    deepEqual(spec?.strategy?.rollingUpdate, { maxSurge: '100%', maxUnavailable: 0 });
    equal(spec?.replicas, 2);
    deepEqual(
      server.list(REVISIONS).map(({ metadata }) => [metadata.uid, metadata.generation]),
      [[uid, generation]],
    );
    match(condition()?.message ?? '', new RegExp(`runs on ${image('b')}`));
    equal(revisionNow()?.status?.containerStatuses?.[0]?.imageDigest, image('b'));
    const events = await until('the Event', () => {
      const found = server.list(EVENTS).filter(({ reason }) => reason === 'BaseImageUpdated');
      return found.length > 0 && found;
    });
    deepEqual(
      events.map(({ count }) => count),
      [1],
    );
  });

  it('are left alone while the digest is the same', async () => {
    await running(2);
    server.requests = [];
    await timePasses();
    await asked();
    deepEqual([imageNow(), condition()?.status, writes()], [image('a'), 'True', []]);
  });

  it('take another digest with the next start where there are none', async () => {
    await running(0);
    tagged = digest('b');
    await timePasses();
    await until('the Deployment to move', () => imageNow() === image('b'));
    equal(deploymentNow()?.spec?.replicas, 0);
  });

  it('keep what they have while the registry is out of order, and say so', async () => {
    await running(2);
    tagged = undefined;
    server.requests = [];
    await timePasses();
    await until('the condition', () => condition()?.status === 'Unknown');
    deepEqual([condition()?.reason, condition()?.severity], ['BaseImageKept', 'Info']);
    match(condition()?.message ?? '', /^Instances keep their base image: .* answered 503/);
    equal(conditionOf(revisionNow()?.status?.conditions, 'Ready')?.status === 'False', false);
    deepEqual([imageNow(), writes()], [image('a'), []]);
    tagged = digest('b');
    await until('the Deployment to move', () => imageNow() === image('b'));
    equal(condition()?.status, 'True');
  });

  it('keep the digest, and ask nobody, when the controller starts again', async () => {
    await running(2);
    tagged = digest('b');
    await timePasses();
    await until('the Deployment to move', () => imageNow() === image('b'));
    await process.stop();
    tagged = digest('c');
    [server.requests, registry.requests.length] = [[], 0];
    const before = await reconciled('revision');
    start();
    await until('a look', async () => (await reconciled('revision')) > before);
    deepEqual([imageNow(), writes(), registry.requests], [image('b'), [], []]);
  });

  it('follow the status, where a controller ended between the answer and the Deployment', async () => {
    await running(2);
    await process.stop();
    const containerStatuses = [{ name: 'user-container', imageDigest: image('b') }];
    await server.client.mergePatch(
      REVISIONS,
      REF,
      { status: { containerStatuses } },
      { subresource: 'status' },
    );
    start();
    await until('the Deployment to move', () => imageNow() === image('b'));
  });

  it('stay as they are after an upgrade from a release that did not follow', async () => {
    await running(2);
    await process.stop();
    await timePasses(null);
    tagged = digest('b');
    [server.requests, registry.requests.length] = [[], 0];
    start();
    await asked();
    deepEqual([imageNow(), writes(), registry.requests], [image('a'), [], []]);
  });

  it('ask no registry for a name that the chart gives no image any more', async () => {
    await running(2);
    await process.stop();
    config = parseConfig({ registry: { insecure: [registry.host] } });
    registry.requests.length = 0;
    start();
    await timePasses();
    await until('the condition', () => condition()?.status === 'Unknown');
    match(condition()?.message ?? '', /'nodejs24' is no name of chart value instance\.baseImages any more/);
    deepEqual([imageNow(), registry.requests], [image('a'), []]);
  });

  it('are not asked for without the runtime class', async () => {
    await running(2, following(''));
    tagged = digest('b');
    registry.requests.length = 0;
    const before = await reconciled('revision');
    await timePasses();
    await until('a look', async () => (await reconciled('revision')) > before);
    deepEqual([imageNow(), condition(), registry.requests], [image('a'), undefined, []]);
  });
});
