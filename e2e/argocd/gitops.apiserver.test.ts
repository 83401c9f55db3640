import { deepEqual, equal, notEqual } from 'node:assert/strict';
import { parse, stringify } from 'yaml';
import { HOMERUN } from '../../operator/apis/annotations/homerun.ts';
import { type Condition, conditionOf } from '../../operator/apis/condition.ts';
import { deploymentName } from '../../operator/apis/names.ts';
import { EXECUTIONS } from '../../operator/apis/run/execution/types.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import { WORKER_POOLS } from '../../operator/apis/run/workerPool/types.ts';
import { SERVICES } from '../../operator/apis/serving/service/types.ts';
import { DEPLOYMENTS } from '../../operator/kube/core.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { until } from '../../operator/testing/until.ts';
import { NAMESPACE } from '../../operator/webhook/testing/installation.ts';
import { COUNTER, HELLO, JOB, migration, SHOP, Shop, sample } from '../lib/gitops/shop.ts';
import { REGISTRY } from '../lib/gitops/suite.ts';
import { HOOK } from './page.ts';
import { useArgoCd } from './suite.ts';

const HEALTHY = { 'Service/hello': 'Healthy', 'Job/hello-job': 'Healthy', 'WorkerPool/counter': 'Healthy' };
const IMAGE = `${REGISTRY}/hello:1`;
const CHANGES_OF_SCALE = 300;

interface Conditioned extends KubeObject {
  status?: { conditions?: Condition[] };
}

describe('an application of Argo CD on a real API server', function () {
  this.timeout(300_000);
  const suite = useArgoCd();
  const shop = new Shop(suite.cluster);
  /** The last commit. */
  let commit = '';

  /** Waits until all is as the last commit has it. */
  const follows = (health: Record<string, string>) => suite.applications.follows('shop', commit, health);
  /** When Argo CD has applied something last. */
  const lastOperation = async () =>
    (await suite.applications.shows('shop', 'it is there', () => true)).status?.operationState?.startedAt;
  /** How often Argo CD has shown an object of Git as out of sync. */
  const timesOutOfSync = () =>
    Object.keys(HEALTHY)
      .flatMap((name) => suite.applications.seen('shop', name))
      .filter((seen) => seen.startsWith('OutOfSync')).length;

  it('is Progressing until each instance runs, and Healthy then', async () => {
    suite.nodes.set(IMAGE, 'waits');
    commit = await suite.repository.commit('Open the shop', SHOP);
    await suite.applications.create('shop', suite.repository.url, NAMESPACE);
    const starting = { 'Service/hello': 'Progressing', 'WorkerPool/counter': 'Progressing' };
    await follows({ ...HEALTHY, ...starting });
    await suite.applications.refresh('shop', 'hard');
    for (const name of Object.keys(starting)) {
      const seen = suite.applications.seen('shop', name);
      deepEqual(
        seen.filter((each) => each.endsWith('Healthy')),
        [],
        name,
      );
    }
    suite.nodes.set(IMAGE, 'runs');
    await follows(HEALTHY);
  });

  it('splits traffic by a commit, and is not Healthy before the controller has seen it', async () => {
    await suite.stopHomerun();
    commit = await suite.repository.commit('Greet another world', {
      'shop/hello.yaml': sample('hello-split'),
    });
    await follows({ ...HEALTHY, 'Service/hello': 'Progressing' });
    suite.startHomerun();
    await follows(HEALTHY);
    deepEqual(await shop.traffic(), ['90 % hello-v1', '10 % hello-v2']);
  });

  it('goes back by a revert', async () => {
    commit = await suite.repository.revert();
    await follows(HEALTHY);
    deepEqual(await shop.traffic(), ['100 % hello-v1']);
  });

  it('is Degraded by an image that is not there, with the message of the condition', async () => {
    const missing = `${REGISTRY}/missing:1`;
    suite.nodes.set(missing, 'missing');
    const broken = (name: string) => sample(name).replace(IMAGE, missing).replaceAll('hello-v2', 'hello-v3');
    commit = await suite.repository.commit('Name an image that is not there', {
      'shop/hello.yaml': broken('hello-split'),
      'shop/counter.yaml': broken('worker-pool'),
    });
    await follows({ ...HEALTHY, 'Service/hello': 'Degraded', 'WorkerPool/counter': 'Degraded' });
    for (const [type, ref] of [
      [SERVICES, HELLO],
      [WORKER_POOLS, COUNTER],
    ] as const) {
      // The words change while one part after the other fails. Argo CD takes no notice of a status whose health
      // stays the same until it compares again, so it is asked to, and both are looked at anew each time.
      await until(`Argo CD to show the message of ${type.kind}`, async () => {
        await suite.applications.refresh('shop');
        const { status } = (await shop.get<Conditioned>(type, ref)) ?? {};
        const { message = '' } = conditionOf(status?.conditions, 'Ready') ?? {};
        const application = await suite.applications.shows('shop', 'it is there', () => true);
        const resource = application.status?.resources?.find(({ kind }) => kind === type.kind);
        return /missing:1/.test(message) && resource?.health?.message === message;
      });
    }
    commit = await suite.repository.revert();
    await follows(HEALTHY);
  });

  it('runs a job by a commit, once, and by hand', async () => {
    await shop.runJob('by-hand');
    await until('the run by hand', async () => (await shop.runs()).length === 1);
    await follows(HEALTHY);
    const manifest = parse(sample('job'));
    manifest.metadata.annotations = { [HOMERUN.run]: 'by-git' };
    commit = await suite.repository.commit('Run the job', { 'shop/job.yaml': stringify(manifest) });
    await follows(HEALTHY);
    await until('the run by Git', async () => (await shop.runs()).length === 2);
    await shop.runJob('by-hand-again');
    await until('Git to be right again', async () => {
      const { metadata } = (await shop.get(JOBS, JOB)) ?? {};
      return metadata?.annotations?.[HOMERUN.run] === 'by-git' && (await shop.runs()).length === 3;
    });
    await follows(HEALTHY);
    deepEqual(await shop.runs(), ['hello-job-by-git', 'hello-job-by-hand', 'hello-job-by-hand-again']);
  });

  it(`is in sync throughout ${CHANGES_OF_SCALE} changes of the scale of a service and a pool`, async () => {
    const [before, operation] = [timesOutOfSync(), await lastOperation()];
    const deployment = { namespace: NAMESPACE, name: deploymentName('hello-v1') };
    for (let i = 0; i < CHANGES_OF_SCALE; i++) {
      await shop.scale(DEPLOYMENTS, deployment, i % 4);
      await shop.scale(WORKER_POOLS, COUNTER, 1 + (i % 5));
      if (i % 10 === 9) await suite.applications.refresh('shop', i % 50 === 49 ? 'hard' : 'normal');
    }
    await follows(HEALTHY);
    equal(timesOutOfSync(), before);
    equal(await lastOperation(), operation, 'nothing was applied again');
  });

  it('leaves the number of instances to kubectl scale until Git names another one', async () => {
    const [before, operation] = [timesOutOfSync(), await lastOperation()];
    await shop.kubectl('scale', 'workerpools/counter', '--replicas=7');
    await shop.countersRun(7);
    const { latestReadyRevisionName = '' } = (await shop.get(WORKER_POOLS, COUNTER))?.status ?? {};
    // The pool's own number counts; that of a service is its autoscaler's.
    await shop.kubectl('scale', `deployments/${deploymentName(latestReadyRevisionName)}`, '--replicas=2');
    await shop.kubectl('scale', `deployments/${deploymentName('hello-v1')}`, '--replicas=1');
    await shop.countersRun(7);
    await suite.applications.refresh('shop', 'hard');
    await follows(HEALTHY);
    equal(timesOutOfSync(), before);
    equal(await lastOperation(), operation, 'nothing was applied again');

    const other = sample('worker-pool').replace('128Mi', '256Mi');
    commit = await suite.repository.commit('Give it more memory', { 'shop/counter.yaml': other });
    await follows(HEALTHY);
    await shop.countersRun(7);
    const four = other.replace('Count: "3"', 'Count: "4"');
    commit = await suite.repository.commit('Count by four', { 'shop/counter.yaml': four });
    await follows(HEALTHY);
    await shop.countersRun(4);
  });

  it('undoes what was changed and deleted by hand', async () => {
    const { uid } = (await shop.get(JOBS, JOB))?.metadata ?? {};
    await shop.kubectl('delete', 'jobs.run.googleapis.com/hello-job');
    await shop.sendAllTo('hello-v2');
    await until('the job to be made again', async () => {
      const found = await shop.get(JOBS, JOB);
      return found && found.metadata.uid !== uid;
    });
    await until(
      'all traffic to be at hello-v1',
      async () => String(await shop.traffic()) === '100 % hello-v1',
    );
    await follows(HEALTHY);
  });

  it('prunes what Git has no more, with all that was made of it', async () => {
    const files = { 'shop/counter.yaml': undefined, 'shop/job.yaml': undefined };
    commit = await suite.repository.commit('Close the counter', files);
    await follows({ 'Service/hello': 'Healthy' });
    await shop.onlyHelloIsLeft();
  });

  it('leaves nothing when it is deleted', async () => {
    await suite.applications.delete('shop');
    await until('nothing to be left', async () => (await shop.present()).length === 0);
  });

  describe('with the hook of the documentation', () => {
    const MIGRATE = `${REGISTRY}/migrate:1`;
    const later = (yaml: string) => {
      const manifest = parse(yaml);
      manifest.metadata.annotations['argocd.argoproj.io/sync-wave'] = '2';
      return stringify(manifest);
    };
    const BOTH = { 'Job/migrate': 'Healthy', 'Service/hello': 'Healthy' };
    const uids = async () => {
      const { items } = await suite.cluster.client.list(EXECUTIONS, { namespace: NAMESPACE });
      return items.map(({ metadata }) => metadata.uid);
    };

    it('waits until the job has run before it goes on', async () => {
      suite.nodes.set(MIGRATE, 'waits');
      commit = await suite.repository.commit('Migrate', {
        'app/job.yaml': migration(MIGRATE),
        'app/hook.yaml': stringify(HOOK),
        'app/hello.yaml': later(sample('hello')),
      });
      await suite.applications.create('app', suite.repository.url, NAMESPACE);
      await until('an execution', async () => (await uids()).length === 1);
      await suite.applications.refresh('app');
      await suite.applications.shows('app', 'it waits', ({ status }) =>
        /waiting for completion of hook/.test(status?.operationState?.message ?? ''),
      );
      equal(await shop.get(SERVICES, HELLO), undefined);
      suite.nodes.set(MIGRATE, 'runs');
      await suite.applications.follows('app', commit, BOTH);
    });

    it('runs it again at the next sync', async () => {
      const [first] = await uids();
      const next = { 'app/hello.yaml': later(sample('hello-split')) };
      commit = await suite.repository.commit('Greet another world', next);
      await suite.applications.follows('app', commit, BOTH);
      const [second, ...more] = await uids();
      notEqual(second, first);
      deepEqual(more, []);
    });

    it('fails with the reason of the job', async () => {
      const failing = `${REGISTRY}/failing:1`;
      suite.nodes.set(failing, 'fails');
      commit = await suite.repository.commit('Migrate wrongly', { 'app/job.yaml': migration(failing) });
      await suite.applications.refresh('app');
      await suite.applications.shows('app', 'its hook has failed', ({ status }) => {
        const hooks = status?.operationState?.syncResult?.resources ?? [];
        return hooks.some(
          ({ hookPhase, message }) =>
            hookPhase === 'Failed' && /failed with exit code: 1/.test(message ?? ''),
        );
      });
    });
  });
});
