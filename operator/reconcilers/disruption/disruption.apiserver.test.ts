import assert from 'node:assert/strict';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../../apis/serving/route/types.ts';
import { parseConfig } from '../../config.ts';
import { DEPLOYMENTS, DISRUPTION_BUDGETS, PODS, type Pod } from '../../kube/core.ts';
import { isKubeError } from '../../kube/errors.ts';
import { EventRecorder } from '../../kube/events.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { PINNED, revision } from '../../testing/serving.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { silent, until } from '../../testing/until.ts';
import { createInformers } from '../informers.ts';
import { desiredDeployment } from '../revision/deployment.ts';
import { rollOutsOf } from '../revision/rollOuts.ts';
import { ScalingReports } from '../revision/scalingReports.ts';
import { disruptionController } from './reconciler.ts';

const config = parseConfig({});
const namespace = 'demo';

describe("a minimum of two instances, on a real API server with Kubernetes' own controllers", () => {
  let server: ApiServer;
  let made: Revision;
  const stop = new AbortController();
  let running: Promise<unknown> | undefined;

  before(async () => {
    server = await takeApiServer(namespace);
    const { client } = server;
    server.startControllers('deployment', 'replicaset', 'disruption');
    const informers = createInformers(client, silent, config);
    const recorder = new EventRecorder({ client, component: 'test', log: silent });
    const identity = { namespace: 'homerun-system', podName: 'test' };
    const capabilities = { resizesPods: true };
    const rollOuts = rollOutsOf(config, informers);
    const known = { client, informers, recorder, config, identity, capabilities, rollOuts };
    const context = { ...known, scaling: new ScalingReports(), log: silent, now: Date.now };
    running = Promise.all([
      ...Object.values(informers).map((informer) => informer.run(stop.signal)),
      disruptionController(context).run(stop.signal),
    ]);
    const annotations = { 'autoscaling.knative.dev/minScale': '2' };
    const { uid: _, ...metadata } = revision('hello-00001-abc', { metadata: { annotations } }).metadata;
    const wanted = { ...revision('hello-00001-abc'), metadata: { ...metadata, ownerReferences: [] } };
    made = await client.create(REVISIONS, wanted);
    const images = new Map([['user-container', PINNED]]);
    const deployment = desiredDeployment(made, images, config, { replicas: 2 });
    await client.apply(DEPLOYMENTS, deployment, { fieldManager: 'test' });
    await until('both instances to run', () => allReady(2));
  });

  after(async () => {
    stop.abort();
    await running;
    await giveBackApiServer(server);
  });

  /** Plays the kubelet; whether there are so many instances. */
  async function allReady(count: number): Promise<boolean> {
    const pods = await instances();
    for (const { metadata } of pods) {
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
      const status = { phase: 'Running', conditions };
      await server.client.mergePatch(PODS, metadata, { status }, { subresource: 'status' });
    }
    return pods.length === count;
  }

  async function instances(): Promise<Pod[]> {
    const labelSelector = `serving.knative.dev/revision=${made.metadata.name}`;
    return (await server.client.list(PODS, { namespace, labelSelector })).items;
  }

  const allowed = async () => {
    const { items } = await server.client.list(DISRUPTION_BUDGETS, { namespace });
    return items[0]?.status?.disruptionsAllowed;
  };

  const evict = ({ metadata }: Pod) =>
    server.client.request('POST', `/api/v1/namespaces/${namespace}/pods/${metadata.name}/eviction`, {
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: metadata.name, namespace },
        deleteOptions: { gracePeriodSeconds: 0 },
      },
    });

  it('loses one when a node is emptied, and the other one only after that is replaced', async () => {
    await until('the budget to allow one', async () => (await allowed()) === 1);
    const [first, second] = (await instances()) as [Pod, Pod];
    await evict(first);
    await assert.rejects(evict(second), (error) => isKubeError(error, 'KUBE_TOO_MANY_REQUESTS'));
    await until('another in its place', () => allReady(2));
    await until('the budget to allow one again', async () => (await allowed()) === 1);
    await evict(second);
    await until('another in its place', () => allReady(2));
  });

  it('is not kept for a revision that no route serves any more', async () => {
    const route: Route = {
      apiVersion: ROUTES.apiVersion,
      kind: ROUTES.kind,
      metadata: { namespace, name: 'hello' },
      spec: { traffic: [{ revisionName: made.metadata.name, percent: 100 }] },
    } as Route;
    await server.client.create(ROUTES, route);
    const serves = (traffic: object[]) =>
      server.client.mergePatch(ROUTES, route.metadata, { status: { traffic } }, { subresource: 'status' });
    await serves([{ revisionName: made.metadata.name, percent: 100 }]);
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
    await server.client.mergePatch(
      REVISIONS,
      made.metadata,
      { status: { conditions } },
      { subresource: 'status' },
    );
    await until('it to count as ready', async () => (await allowed()) === 1);
    await serves([]);
    await until('the budget to go', async () => (await allowed()) === undefined);
    for (const pod of await instances()) await evict(pod);
  });
});
