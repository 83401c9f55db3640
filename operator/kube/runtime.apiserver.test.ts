import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ApiServer } from '../testing/apiServer.ts';
import { configMap } from '../testing/builders.ts';
import { WIDGETS, type Widget, widget, widgetDefinition } from '../testing/contract/objects.ts';
import { silent, until } from '../testing/until.ts';
import { KubeClient } from './client.ts';
import { type Connection, inClusterConnection, kubeConfigConnection } from './connection.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  type Deployment,
  EVENTS,
  LEASES,
  NAMESPACES,
  SERVICE_ACCOUNTS,
} from './core.ts';
import { EventRecorder } from './events.ts';
import { LeaderElection } from './lease.ts';
import { PlanExecutor } from './plan.ts';
import type { KubeObject } from './types.ts';

const namespace = 'runtime';

describe('The controller runtime on a real API server', () => {
  let server: ApiServer;

  before(async () => {
    server = await ApiServer.start();
    await server.client.create(NAMESPACES, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
  });

  after(() => server?.stop());

  describe('connections', () => {
    const using = async (connection: Connection, test: (client: KubeClient) => Promise<void>) => {
      await test(new KubeClient(connection)).finally(() => connection.dispatcher.destroy());
    };

    it('reaches it with the client certificate of a kubeconfig', async () =>
      using(await kubeConfigConnection({ file: server.kubeconfig }), async (client) => {
        assert.ok((await client.list(NAMESPACES)).items.length > 3);
      }));

    it('reaches it as a pod does, with the rights of its service account', async () => {
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'pod' } };
      await server.client.create(SERVICE_ACCOUNTS, account);
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/pod/token`;
      const { status } = await server.client.request<{ status: { token: string } }>('POST', path, {
        body: {},
      });
      const directory = mkdtempSync(join(tmpdir(), 'homerun-pod-'));
      writeFileSync(join(directory, 'token'), status.token);
      writeFileSync(join(directory, 'ca.crt'), readFileSync(join(dirname(server.kubeconfig), 'ca.crt')));
      const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(server.port) };
      await using(inClusterConnection({ env, directory }), async (client) => {
        assert.ok(await client.request('GET', '/version'));
        const message = /User "system:serviceaccount:runtime:pod" cannot list resource "configmaps"/;
        await assert.rejects(client.list(CONFIG_MAPS), { code: 'KUBE_FORBIDDEN', message });
      });
      rmSync(directory, { recursive: true });
    });
  });

  describe('plans', () => {
    /** Fields that the server defaults, drops or writes in its own notation. */
    const wanted = (): Deployment => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name: 'app', labels: { app: 'app' } },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'app' } },
        template: {
          metadata: { labels: { app: 'app' }, annotations: {} },
          spec: {
            enableServiceLinks: false,
            automountServiceAccountToken: false,
            nodeSelector: {},
            volumes: [{ name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '1024Mi' } }],
            containers: [
              {
                name: 'app',
                image: 'app:1',
                env: [
                  { name: 'EMPTY', value: '' },
                  { name: 'FULL', value: 'x' },
                ],
                ports: [{ containerPort: 8080 }],
                resources: { limits: { cpu: '1000m', memory: '0.5Gi' }, requests: { cpu: '0.25' } },
                volumeMounts: [{ name: 'scratch', mountPath: '/tmp', readOnly: false }],
                livenessProbe: { httpGet: { path: '/', port: 8080 }, initialDelaySeconds: 0 },
              },
            ],
          },
        },
      },
    });
    let applies: number;
    const live = () => server.client.get(DEPLOYMENTS, wanted().metadata) as Promise<Deployment>;

    async function execute(executor: PlanExecutor, object: Deployment): Promise<void> {
      cached = await live();
      await executor.execute(object, { apply: [object], remove: [], events: [] });
    }
    let cached: KubeObject | undefined;
    const restarted = () =>
      new PlanExecutor({
        client: {
          apply: (...args: Parameters<KubeClient['apply']>) => {
            applies++;
            return server.client.apply(...args);
          },
          delete: server.client.delete.bind(server.client),
        } as KubeClient,
        fieldManager: 'test',
        recorder: { event: () => {} },
        typeOf: () => DEPLOYMENTS,
        cached: () => cached,
      });

    it('take over nothing that another has made, and make their own once that is gone', async () => {
      const metadata = { namespace, name: 'held' };
      const foreign = await server.client.create(DEPLOYMENTS, { ...wanted(), metadata } as Deployment);
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'u', controller: true };
      const own = { ...wanted(), metadata: { ...metadata, ownerReferences: [owner] } } as Deployment;
      const executor = new PlanExecutor({
        client: server.client,
        fieldManager: 'test',
        recorder: { event: () => {} },
        typeOf: () => DEPLOYMENTS,
        // As with a cache that holds its own objects alone.
        cached: () => undefined,
      });
      const plan = { apply: [own], remove: [], events: [] };
      await assert.rejects(executor.execute(own, plan), { code: 'NOT_OWNED', message: /'held' of apps\/v1/ });
      const { resourceVersion } = foreign.metadata;
      assert.equal(
        (await server.client.get(DEPLOYMENTS, metadata))?.metadata.resourceVersion,
        resourceVersion,
      );
      await server.client.delete(DEPLOYMENTS, metadata);
      await executor.execute(own, plan);
      const made = await server.client.get(DEPLOYMENTS, metadata);
      assert.equal(made?.metadata.ownerReferences?.[0]?.uid, 'u');
    });

    it('write an object once, whatever the server makes of it, and at most once more after a restart', async () => {
      applies = 0;
      const executor = restarted();
      await execute(executor, wanted());
      const first = await live();
      assert.equal(
        first.spec?.template.spec?.containers[0]?.resources?.limits?.cpu,
        '1',
        'the server rewrote it',
      );
      for (let n = 0; n < 3; n++) await execute(executor, wanted());
      assert.equal(applies, 1);
      const second = restarted();
      for (let n = 0; n < 3; n++) await execute(second, wanted());
      assert.equal(applies, 2);
      assert.equal(
        (await live()).metadata.resourceVersion,
        first.metadata.resourceVersion,
        'and that changes nothing',
      );
    });

    it('undo what others did to our fields, and only to ours', async () => {
      const executor = restarted();
      await execute(executor, wanted());
      const before = await live();
      const limits = { cpu: '2' };
      const containers = [{ name: 'app', resources: { limits } }];
      const patch = { spec: { paused: true, template: { spec: { containers } } } };
      await server.client.request('PATCH', `/apis/apps/v1/namespaces/${namespace}/deployments/app`, {
        body: patch,
        contentType: 'application/strategic-merge-patch+json',
      });
      applies = 0;
      await execute(executor, wanted());
      assert.equal(applies, 1);
      const { spec } = await live();
      assert.deepEqual(spec?.template, before.spec?.template);
      assert.equal(spec?.paused, true);
    });

    it('remove what is no longer wanted', async () => {
      const object = wanted();
      const [container] = object.spec?.template.spec?.containers ?? [];
      if (container) container.env = [{ name: 'FULL', value: 'x' }];
      await execute(restarted(), object);
      const [after] = (await live()).spec?.template.spec?.containers ?? [];
      assert.deepEqual(after?.env, [{ name: 'FULL', value: 'x' }]);
    });

    it('empty a map of a custom kind, whose schema does not let it be null', async () => {
      await server.client.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        body: widgetDefinition,
      });
      await until('the kind is served', () => server.client.list(WIDGETS).catch(() => undefined));
      const present = () => server.client.get<Widget>(WIDGETS, { namespace, name: 'a' });
      const executor = new PlanExecutor({
        client: server.client,
        fieldManager: 'test',
        recorder: { event: () => {} },
        typeOf: () => WIDGETS,
        cached: () => cached,
      });
      const maps: Record<string, string>[] = [{ a: '1' }, {}, { b: '1' }];
      for (const map of maps) {
        cached = await present();
        const object = widget(namespace, 'a', { spec: { size: 1, map } });
        await executor.execute(object, { apply: [object], remove: [], events: [] });
        assert.deepEqual((await present())?.spec?.map ?? {}, map);
      }
    });
  });

  it('counts the same event', async () => {
    const subject = await server.client.create(CONFIG_MAPS, {
      ...configMap('a', '1'),
      metadata: { namespace, name: 'a' },
    });
    const recorder = new EventRecorder({ client: server.client, component: 'test', log: silent });
    for (let n = 0; n < 3; n++)
      recorder.event(subject, { type: 'Normal', reason: 'Done', message: 'It is done' });
    await recorder.flush();
    const fieldSelector = `involvedObject.uid=${subject.metadata.uid}`;
    const { items } = await server.client.list(EVENTS, { namespace, fieldSelector });
    assert.deepEqual(
      items.map(({ message, count }) => ({ message, count })),
      [{ message: 'It is done', count: 3 }],
    );
  });

  describe('leader election', () => {
    const timing = { leaseMs: 3_000, renewDeadlineMs: 2_500, retryMs: 200 };

    function candidate(identity: string, name: string) {
      const { client } = server;
      const stop = new AbortController();
      const election = new LeaderElection({
        client,
        lease: { namespace, name },
        identity,
        log: silent,
        ...timing,
      });
      const result = election.run(
        stop.signal,
        (signal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
      );
      return { stop, election, result: result.catch((error: unknown) => error) };
    }

    it('has one leader at a time, and hands over', async () => {
      const candidates = ['one', 'two', 'three'].map((identity) => candidate(identity, 'handover'));
      const leaders = () => candidates.filter(({ election }) => election.leading);
      for (let left = candidates.length; left > 0; left--) {
        const [leader] = await until('someone leads', () => leaders().length > 0 && leaders());
        assert.equal(leaders().length, 1);
        const lease = await server.client.get(LEASES, { namespace, name: 'handover' });
        assert.match(String(lease?.spec?.renewTime), /\.\d{6}Z$/);
        leader?.stop.abort();
        assert.equal(await leader?.result, undefined);
      }
    });

    it('keeps the lease over a short outage, steps down in a long one and leads again when it is over', async () => {
      const one = candidate('one', 'outage');
      await until('it leads', () => one.election.leading);
      server.pause();
      await new Promise((resolve) => setTimeout(resolve, 700));
      server.resume();
      await new Promise((resolve) => setTimeout(resolve, timing.renewDeadlineMs));
      assert.ok(one.election.leading);
      const two = candidate('two', 'outage');
      await server.kill();
      await until('it steps down', () => !one.election.leading);
      await server.restart();
      await until('it leads again', () => one.election.leading);
      assert.equal(two.election.leading, false);
      one.stop.abort();
      assert.equal(await one.result, undefined);
      await until('the next one leads', () => two.election.leading);
      two.stop.abort();
      await two.result;
    });
  });
});
