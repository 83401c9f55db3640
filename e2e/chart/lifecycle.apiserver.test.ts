import { deepEqual, equal, match, notDeepEqual, ok } from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseAllDocuments } from 'yaml';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import { resourcePath } from '../../operator/kube/client.ts';
import { DEPLOYMENTS, NAMESPACES, PODS } from '../../operator/kube/core.ts';
import type { KubeObject, ResourceType } from '../../operator/kube/types.ts';
import { serverCertificate } from '../../operator/testing/serverCertificate.ts';
import { until } from '../../operator/testing/until.ts';
import { NAMESPACE, type Rendered, refusal } from './helm.ts';
import { landed, landedChart } from './landed.ts';
import { DEFINITIONS, type Releases, releases } from './releases.ts';

const EARLIER = landed();
if (EARLIER.length === 0)
  console.log('the history of the chart is not there: upgrades from earlier charts are left out');

/** Two controllers have a disruption budget, and one has none: what an upgrade adds and a rollback removes. */
const TWO = { controller: { replicas: 2 } };
/** Where the pod of a test runs, as far as the API server can tell. */
const NODE = 'node';
const NODES: ResourceType<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
};
const TEST = { namespace: NAMESPACE, name: 'homerun-test' };

const objectsOf = (manifest: string) =>
  parseAllDocuments(manifest)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
const idOf = ({ kind, metadata }: Rendered) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
const yamlOf = (objects: Rendered[]) => objects.map((object) => JSON.stringify(object)).join('\n---\n');

const service = (namespace: string, name = 'hello') =>
  ({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { template: { spec: { containers: [{ image: 'hello' }] } } },
  }) as Service;

describe('the life of a release', function () {
  this.timeout(300_000);
  let helmed: Releases;

  before(async function () {
    this.timeout(900_000);
    helmed = await releases();
  });
  after(() => helmed?.removeDefinitions());

  /** Whether all that a release consists of is there, and nothing that only another one had, but for definitions. */
  function isWhole(before: string): void {
    const now = objectsOf(helmed.manifest());
    equal(helmed.present(yamlOf(now)).length, now.length);
    const names = new Set(now.map(idOf));
    const dropped = objectsOf(before).filter(
      (object) => object.kind !== DEFINITIONS.kind && !names.has(idOf(object)),
    );
    if (dropped.length > 0) deepEqual(helmed.present(yamlOf(dropped)), []);
  }
  const replicas = async () => {
    const ref = { namespace: NAMESPACE, name: 'homerun-controller' };
    return (await helmed.server.client.get(DEPLOYMENTS, ref))?.spec?.replicas;
  };

  for (const commit of EARLIER) {
    describe(`of the chart of ${commit}`, () => {
      before(() => helmed.install(NAMESPACE, landedChart(commit)));
      after(() => helmed.uninstall());

      it('is upgraded, rolled back and upgraded again', async () => {
        const first = helmed.manifest();
        helmed.upgrade(TWO);
        const second = helmed.manifest();
        notDeepEqual(second, first);
        isWhole(first);
        equal(await replicas(), 2);
        helmed.rollback(1);
        equal(helmed.manifest(), first);
        isWhole(second);
        equal(await replicas(), 1);
        helmed.upgrade(TWO);
        equal(helmed.manifest(), second);
        isWhole(first);
      });
    });
  }

  describe('that runs', () => {
    before(() => helmed.install());

    const RUNS =
      /belongs to release "homerun" in namespace "homerun-system"\. If Homerun still runs there, upgrade/;
    const refused: Record<string, { namespace: string; name: string; want: RegExp }> = {
      'of another name beside it': { namespace: NAMESPACE, name: 'second', want: RUNS },
      'of its name in another namespace': { namespace: 'elsewhere', name: 'homerun', want: RUNS },
      'of its name beside it': {
        namespace: NAMESPACE,
        name: 'homerun',
        want: /cannot re-use a name that is still in use/,
      },
    };
    for (const [what, { namespace, name, want }] of Object.entries(refused)) {
      it(`refuses a second installation ${what}`, () => {
        match(
          refusal(() => helmed.install(namespace, helmed.chart, name)),
          want,
        );
        equal(helmed.names(), 'homerun');
      });
    }

    it('refuses one that was given the definitions, and lives on when it has them again', () => {
      const said = refusal(() => helmed.install('elsewhere'));
      const [, handOver = ''] = /hand the definitions over with: (.*)$/m.exec(said) ?? [];
      helmed.shell(handOver);
      match(
        refusal(() => helmed.install('elsewhere')),
        /exists and cannot be imported into the current release: invalid ownership metadata/,
      );
      const back = refusal(() => helmed.upgrade());
      match(back, /belongs to release "homerun" in namespace "elsewhere"/);
      helmed.shell(handOver.replace('release-namespace=elsewhere', `release-namespace=${NAMESPACE}`));
      helmed.upgrade();
      equal(helmed.names(), 'homerun');
    });

    describe('is tested', () => {
      const enforce = (level: string | null) =>
        helmed.server.client.mergePatch(
          NAMESPACES,
          { name: NAMESPACE },
          { metadata: { labels: { 'pod-security.kubernetes.io/enforce': level } } },
        );
      let kubelet: Server;
      before(async () => {
        await enforce('restricted');
        const { certificate: cert, key } = await serverCertificate([NODE]);
        kubelet = createServer({ cert, key }, ({ url = '' }, response) => {
          const [, , , pod] = url.split('/');
          response.end(`the log of ${pod}\n`);
        });
        await once(kubelet.listen(0, '127.0.0.1'), 'listening');
        const { port } = kubelet.address() as AddressInfo;
        const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };
        await helmed.server.client.create(NODES, node);
        const status = {
          addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
          daemonEndpoints: { kubeletEndpoint: { Port: port } },
        };
        await helmed.server.client.mergePatch(NODES, node.metadata, { status }, { subresource: 'status' });
      });
      after(async () => {
        kubelet?.close();
        await helmed.server.client.delete(PODS, TEST);
        await helmed.server.client.delete(NODES, { name: NODE });
        await enforce(null);
      });

      const present = async () => {
        const { client } = helmed.server;
        return { service: await client.get(SERVICES, TEST), pod: await client.get(PODS, TEST) };
      };

      /** Runs `helm test --logs`, and lets its pod end as a kubelet would say. */
      async function testThatEnds(phase: string) {
        const old = (await present()).pod?.metadata.uid;
        const test = helmed.test('--logs');
        const found = await until('the pod of the test', async () => {
          const now = await present();
          return now.pod && now.pod.metadata.uid !== old && now;
        });
        const { client } = helmed.server;
        await client.request('POST', `${resourcePath(PODS, TEST)}/binding`, {
          body: { apiVersion: 'v1', kind: 'Binding', metadata: TEST, target: { kind: 'Node', name: NODE } },
        });
        await client.mergePatch(PODS, TEST, { status: { phase } }, { subresource: 'status' });
        return { found, ...(await test), left: await present() };
      }

      it('by a request to a service, of which nothing is left but the log', async () => {
        const { found, code, output, left } = await testThatEnds('Succeeded');
        equal(code, 0);
        match(output, /^POD LOGS: homerun-test\nthe log of homerun-test$/m);
        ok(found.service, 'the service is there before the pod asks it');
        deepEqual(found.pod?.spec?.containers[0]?.args, [
          'check',
          'http://homerun-test.homerun-system.svc.cluster.local',
        ]);
        equal(left.service, undefined);
        equal(left.pod?.metadata.uid, found.pod?.metadata.uid);
      });

      it('again and again, whether it fails or not', async () => {
        for (const [phase, want] of [
          ['Failed', 1],
          ['Succeeded', 0],
        ] as const) {
          const { code, output, left } = await testThatEnds(phase);
          equal(code, want);
          match(output, /the log of homerun-test/);
          equal(left.service, undefined);
        }
      });
    });
  });

  describe('that ends while services are left', () => {
    let manifest: string;
    before(async () => {
      // Where the webhook, which does not run here, is not asked.
      await helmed.server.client.create(SERVICES, service(NAMESPACE));
      manifest = helmed.manifest();
      helmed.uninstall();
    });

    it('takes all along but them and the definitions', async () => {
      const left = objectsOf(manifest).filter(({ kind }) => kind !== DEFINITIONS.kind);
      deepEqual(helmed.present(yamlOf(left)), []);
      equal((await helmed.server.client.list(DEFINITIONS)).items.length, 8);
      ok(await helmed.server.client.get(SERVICES, service(NAMESPACE).metadata));
    });

    it('leaves no webhook that somebody would wait for', async () => {
      const { client } = helmed.server;
      const { metadata } = await client.create(SERVICES, service('default'));
      await client.mergePatch(SERVICES, metadata, { metadata: { labels: { team: 'a' } } });
      await client.delete(SERVICES, metadata);
      equal(await client.get(SERVICES, metadata), undefined);
    });

    it('leaves nothing that keeps a namespace with services from being deleted', async () => {
      const { client } = helmed.server;
      const namespace = { name: 'people' };
      await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: namespace });
      await client.create(SERVICES, service('people'));
      helmed.server.startControllers('namespace-controller');
      await client.delete(NAMESPACES, namespace);
      await until('the namespace is gone', async () => !(await client.get(NAMESPACES, namespace)));
    });
  });
});
