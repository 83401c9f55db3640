import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { parse, stringify } from 'yaml';
import { HOMERUN } from '../../operator/apis/annotations/homerun.ts';
import { deploymentName } from '../../operator/apis/names.ts';
import { EXECUTIONS } from '../../operator/apis/run/execution/types.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import { WORKER_POOLS } from '../../operator/apis/run/workerPool/types.ts';
import { SERVICES } from '../../operator/apis/serving/service/types.ts';
import { DEPLOYMENTS } from '../../operator/kube/core.ts';
import { until } from '../../operator/testing/until.ts';
import { NAMESPACE } from '../../operator/webhook/testing/installation.ts';
import { COUNTER, HELLO, JOB, migration, SHOP, Shop, sample } from '../lib/gitops/shop.ts';
import { REGISTRY } from '../lib/gitops/suite.ts';
import { MIGRATION, SPEC } from './page.ts';
import { useFlux } from './suite.ts';
import { writesIn } from './writes.ts';

const UNCHANGED = {
  'Service/demo/hello': 'unchanged',
  'Job/demo/hello-job': 'unchanged',
  'WorkerPool/demo/counter': 'unchanged',
};
const IMAGE = `${REGISTRY}/hello:1`;
const CHANGES_OF_SCALE = 200;

describe('a Kustomization of Flux on a real API server', function () {
  this.timeout(300_000);
  const suite = useFlux();
  const shop = new Shop(suite.cluster);
  /** The last revision of the source. */
  let revision = '';

  /** Commits files, and lets Flux see that. */
  const commit = async (message: string, files: Readonly<Record<string, string | undefined>>) => {
    revision = await suite.source.publish(await suite.repository.commit(message, files));
  };
  const revert = async () => {
    revision = await suite.source.publish(await suite.repository.revert());
  };
  const isReady = async (name = 'shop') => {
    const { ok: isOk, message } = await suite.kustomizations.outcome(name, revision);
    ok(isOk, message);
  };
  const fails = async (name = 'shop') => {
    const { ok: isOk, message } = await suite.kustomizations.outcome(name, revision);
    ok(!isOk, message);
    return message;
  };
  const reconcile = () => suite.kustomizations.reconcile('shop');
  const lastApplied = () => suite.controller.applied('shop').at(-1);

  it('is not ready before each instance runs', async () => {
    suite.nodes.set(IMAGE, 'waits');
    await commit('Open the shop', SHOP);
    await suite.kustomizations.create('shop', { ...SPEC, interval: '1h', timeout: '30s' });
    const waiting = [...(await fails()).matchAll(/(\w+\/\S+) status: '(\w+)'/g)]
      .map(([found]) => found)
      .sort();
    deepEqual(waiting, [
      "Service/demo/hello status: 'InProgress'",
      "WorkerPool/demo/counter status: 'InProgress'",
    ]);
    ok(!suite.kustomizations.seen('shop').includes('True'));
    suite.nodes.set(IMAGE, 'runs');
    await reconcile();
    await isReady();
    deepEqual(lastApplied(), UNCHANGED);
  });

  it('splits traffic by a commit, and is not ready before the controller has done so', async () => {
    await suite.stopHomerun();
    await commit('Greet another world', { 'shop/hello.yaml': sample('hello-split') });
    await until('it is applied', () => lastApplied()?.['Service/demo/hello'] === 'configured');
    suite.startHomerun();
    await isReady();
    deepEqual(await shop.traffic(), ['90 % hello-v1', '10 % hello-v2']);
  });

  it('goes back by a revert', async () => {
    await revert();
    await isReady();
    deepEqual(await shop.traffic(), ['100 % hello-v1']);
  });

  it('fails at once by an image that is not there', async () => {
    const missing = `${REGISTRY}/missing:1`;
    suite.nodes.set(missing, 'missing');
    const broken = sample('hello-split').replace(IMAGE, missing).replaceAll('hello-v2', 'hello-v3');
    await commit('Name an image that is not there', { 'shop/hello.yaml': broken });
    match(await fails(), /failed early due to stalled resources: \[Service\/demo\/hello status: 'Failed'\]/);
    await revert();
    await isReady();
  });

  it('fails with the field that admission refuses, and applies nothing', async () => {
    await commit('Ask for too much', {
      'shop/hello.yaml': sample('hello').replace('timeoutSeconds: 300', 'timeoutSeconds: 9000'),
      'shop/counter.yaml': undefined,
    });
    match(await fails(), /Service\/demo\/hello .*spec\.template\.spec\.timeoutSeconds/s);
    ok(await shop.get(WORKER_POOLS, COUNTER));
    await revert();
    await isReady();
    deepEqual(lastApplied(), UNCHANGED);
  });

  it('runs a job by a commit, once, and by hand', async () => {
    const annotation = async () => (await shop.get(JOBS, JOB))?.metadata.annotations?.[HOMERUN.run];

    await shop.runJob('by-hand');
    await until('the run by hand', async () => (await shop.runs()).length === 1);
    await reconcile();
    equal(await annotation(), undefined, 'Flux takes back what kubectl has changed');

    const manifest = parse(sample('job'));
    manifest.metadata.annotations = { [HOMERUN.run]: 'by-git' };
    await commit('Run the job', { 'shop/job.yaml': stringify(manifest) });
    await isReady();
    await until('the run by Git', async () => (await shop.runs()).length === 2);
    await shop.runJob('by-hand-again');
    await until('the second run by hand', async () => (await shop.runs()).length === 3);
    await reconcile();
    equal(await annotation(), 'by-git');
    await reconcile();
    deepEqual(lastApplied(), UNCHANGED);
    deepEqual(await shop.runs(), ['hello-job-by-git', 'hello-job-by-hand', 'hello-job-by-hand-again']);
  });

  it(`writes nothing throughout ${CHANGES_OF_SCALE} changes of the scale of a service and a pool`, async () => {
    const deployment = { namespace: NAMESPACE, name: deploymentName('hello-v1') };
    const [applied, writes] = [suite.controller.applied('shop').length, await writesIn(suite.cluster.server)];
    ok(writes['services.serving.knative.dev'], JSON.stringify(writes));
    for (let i = 0; i < CHANGES_OF_SCALE; i++) {
      await shop.scale(DEPLOYMENTS, deployment, i % 4);
      await shop.scale(WORKER_POOLS, COUNTER, 1 + (i % 5));
      if (i % 50 === 49) await reconcile();
    }
    const since = suite.controller.applied('shop').slice(applied);
    equal(since.length, CHANGES_OF_SCALE / 50);
    for (const each of since) deepEqual(each, UNCHANGED);
    deepEqual(await writesIn(suite.cluster.server), writes);
    await isReady();
  });

  it('leaves the number of instances to kubectl scale until Git names another one', async () => {
    await shop.kubectl('scale', 'workerpools/counter', '--replicas=7');
    await shop.countersRun(7);
    await reconcile();
    deepEqual(lastApplied(), UNCHANGED);

    const other = sample('worker-pool').replace('128Mi', '256Mi');
    await commit('Give it more memory', { 'shop/counter.yaml': other });
    await isReady();
    await shop.countersRun(7);
    const four = other.replace('Count: "3"', 'Count: "4"');
    await commit('Count by four', { 'shop/counter.yaml': four });
    await isReady();
    await shop.countersRun(4);
  });

  it('undoes what was changed and deleted by hand when it reconciles', async () => {
    const { uid } = (await shop.get(JOBS, JOB))?.metadata ?? {};
    await shop.kubectl('delete', 'jobs.run.googleapis.com/hello-job');
    await shop.sendAllTo('hello-v2');
    await until(
      'all traffic to be at hello-v2',
      async () => String(await shop.traffic()) === '100 % hello-v2',
    );
    await reconcile();
    deepEqual(lastApplied(), {
      ...UNCHANGED,
      'Service/demo/hello': 'configured',
      'Job/demo/hello-job': 'created',
    });
    await isReady();
    deepEqual(await shop.traffic(), ['100 % hello-v1']);
    ok((await shop.get(JOBS, JOB))?.metadata.uid !== uid);
  });

  it('prunes what the source has no more, with all that was made of it', async () => {
    await commit('Close the counter', { 'shop/counter.yaml': undefined, 'shop/job.yaml': undefined });
    await isReady();
    await shop.onlyHelloIsLeft();
  });

  it('leaves nothing when it is deleted', async () => {
    await suite.kustomizations.delete('shop');
    await until('nothing to be left', async () => (await shop.present()).length === 0);
  });

  describe('with the execution of the documentation', () => {
    const MIGRATE = `${REGISTRY}/migrate:1`;
    const ORDER = ['jobs', 'migration', 'app'];
    const run = (name: string) => stringify({ ...MIGRATION, metadata: { ...MIGRATION.metadata, name } });
    const executions = async () => {
      const { items } = await suite.cluster.client.list(EXECUTIONS, { namespace: NAMESPACE });
      return items.map(({ metadata }) => metadata.name);
    };

    it('applies the rest when the job has run', async () => {
      suite.nodes.set(MIGRATE, 'waits');
      await commit('Migrate', {
        'jobs/migrate.yaml': migration(MIGRATE),
        'migration/run.yaml': stringify(MIGRATION),
        'app/hello.yaml': sample('hello'),
      });
      for (const [i, name] of ORDER.entries()) {
        const dependsOn = ORDER.slice(0, i).map((name) => ({ name }));
        await suite.kustomizations.create(name, { ...SPEC, path: name, interval: '1h', dependsOn });
      }
      await until('the execution', async () => (await executions()).length === 1);
      await suite.kustomizations.waits('app', 'migration');
      equal(await shop.get(SERVICES, HELLO), undefined);
      suite.nodes.set(MIGRATE, 'runs');
      for (const name of ORDER) await isReady(name);
      deepEqual(await shop.traffic(), ['100 % hello-v1']);
    });

    it('runs what the job is then under another name, and applies nothing if it fails', async () => {
      const failing = `${REGISTRY}/failing:1`;
      suite.nodes.set(failing, 'fails');
      await commit('Migrate wrongly', {
        'jobs/migrate.yaml': migration(failing),
        'migration/run.yaml': run('migrate-2'),
        'app/hello.yaml': sample('hello-split'),
      });
      match(await fails('migration'), /Execution\/demo\/migrate-2 status: 'Failed'/);
      deepEqual(await executions(), ['migrate-2']);
      await suite.kustomizations.waits('app', 'migration');
      deepEqual(await shop.traffic(), ['100 % hello-v1']);
    });
  });
});
