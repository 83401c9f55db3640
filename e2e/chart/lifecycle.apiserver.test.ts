import { deepEqual, equal, match, notDeepEqual, ok } from 'node:assert/strict';
import { once } from 'node:events';
import { parseAllDocuments } from 'yaml';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import { DEPLOYMENTS, NAMESPACES, PODS } from '../../operator/kube/core.ts';
import { until } from '../../operator/testing/until.ts';
import { NAMESPACE, type Rendered, refusal } from './helm.ts';
import { landed, landedChart } from './landed.ts';
import { DEFINITIONS, type Releases, releases } from './releases.ts';

const EARLIER = landed();
if (EARLIER.length === 0)
  console.log('the history of the chart is not there: upgrades from earlier charts are left out');

/** Two controllers have a disruption budget, and one has none: what an upgrade adds and a rollback removes. */
const TWO = { controller: { replicas: 2 } };
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
      before(() => enforce('restricted'));
      after(() => enforce(null));

      const present = async () => {
        const { client } = helmed.server;
        return { service: await client.get(SERVICES, TEST), pod: await client.get(PODS, TEST) };
      };

      /** Runs `helm test` in which the pod of this UID is an old one, and lets the new one end as a kubelet would say. */
      async function testThatEnds(phase: string, old?: string) {
        const child = helmed.test();
        const ended = once(child, 'exit');
        const found = await until('the pod of the test', async () => {
          const now = await present();
          return now.pod && now.pod.metadata.uid !== old && now;
        });
        await helmed.server.client.mergePatch(PODS, TEST, { status: { phase } }, { subresource: 'status' });
        return { found, code: (await ended)[0], left: await present() };
      }

      it('by a request to a service, of both of which nothing is left', async () => {
        const { found, code, left } = await testThatEnds('Succeeded');
        equal(code, 0);
        ok(found.service, 'the service is there before the pod asks it');
        deepEqual(found.pod?.spec?.containers[0]?.args, [
          'check',
          'http://homerun-test.homerun-system.svc.cluster.local',
        ]);
        deepEqual(left, { service: undefined, pod: undefined });
      });

      it('and the pod stays with its log when it fails, until the next one', async () => {
        const { code, left } = await testThatEnds('Failed');
        equal(code, 1);
        equal(left.service, undefined);
        ok(left.pod);
        const next = await testThatEnds('Succeeded', left.pod.metadata.uid);
        equal(next.code, 0);
        deepEqual(next.left, { service: undefined, pod: undefined });
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
