import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Condition } from '../../operator/apis/condition.ts';
import { KINDS } from '../../operator/apis/kinds.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { portability } from '../../operator/reconcilers/readiness.ts';
import { NAMESPACE, useInstallation } from '../../operator/webhook/testing/installation.ts';
import { dryRun, publicManifests } from '../../operator/webhook/testing/public.ts';
import { toolFolder } from '../chart/helm.ts';

interface View {
  outOfSync: boolean;
  health: { status: string; message?: string };
}

const text = readFileSync(new URL('../../docs/argocd.md', import.meta.url), 'utf8');
const [settings = '', hook = ''] = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml]) => yaml);

/** The scripts that docs/argocd.md gives, for each kind that a pattern stands for. */
function scripts(): Record<string, string> {
  const customizations = parse(parse(settings).data['resource.customizations']);
  return Object.fromEntries(
    KINDS.flatMap(({ group, kind, healthCondition }) => {
      if (!healthCondition) return [];
      const { 'health.lua': script } = customizations[`${group}/*`] ?? customizations[`${group}/${kind}`];
      return [[`${group}/${kind}`, script]];
    }),
  );
}

/** What Argo CD makes of objects and of the manifests that they are to be. */
function views(objects: { live: KubeObject; config: KubeObject }[]): View[] {
  const program = join(toolFolder('argocd'), 'argocd');
  const input = JSON.stringify({ scripts: scripts(), objects });
  return JSON.parse(execFileSync(program, { input, encoding: 'utf8', maxBuffer: 64 << 20 }));
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** A manifest as Argo CD and kubectl send it. */
function applied(config: KubeObject): KubeObject {
  const { metadata } = config;
  const annotations = { ...metadata.annotations, [LAST_APPLIED]: JSON.stringify(config) };
  return { ...config, metadata: { ...metadata, annotations } };
}

const condition = (type: string, status: Condition['status'], message?: string): Condition => ({
  type,
  status,
  message,
});
const ready = (...types: string[]) => types.map((type) => condition(type, 'True'));
const SERVICE = ['Ready', 'ConfigurationsReady', 'RoutesReady'];
const strange = portability([{ path: 'metadata.name', message: 'is long', strict: true }]);

/** Conditions by what is looked at, and what Argo CD shall show of it. */
const HEALTH: Record<string, [kind: string, conditions: Condition[] | undefined, shown: string]> = {
  'a service that is new': ['Service', undefined, 'Progressing'],
  'a service that is ready': ['Service', ready(...SERVICE), 'Healthy'],
  'a service that is ready, and that Cloud Run would refuse': [
    'Service',
    [...ready(...SERVICE), ...strange],
    'Healthy',
  ],
  'a service that rolls out': [
    'Service',
    [condition('Ready', 'Unknown'), condition('ConfigurationsReady', 'Unknown'), ...ready('RoutesReady')],
    'Progressing',
  ],
  'a service that failed': [
    'Service',
    [condition('Ready', 'False', 'it crashed'), condition('ConfigurationsReady', 'False', 'it crashed')],
    'Degraded',
  ],
  'a job': ['Job', ready('Ready'), 'Healthy'],
  'a job that is new': ['Job', undefined, 'Progressing'],
  'an execution that runs': [
    'Execution',
    [...ready('Started'), condition('Completed', 'Unknown')],
    'Progressing',
  ],
  'an execution that is over': ['Execution', ready('Started', 'Completed'), 'Healthy'],
  'an execution that failed': ['Execution', [condition('Completed', 'False', 'Task 3 failed')], 'Degraded'],
  'a worker pool that starts': ['WorkerPool', [condition('Ready', 'Unknown')], 'Progressing'],
  'a worker pool that runs': ['WorkerPool', [...ready('Ready'), ...strange], 'Healthy'],
  'a worker pool that crashes': ['WorkerPool', [condition('Ready', 'False', 'it crashed')], 'Degraded'],
};

describe('Argo CD', () => {
  before(function () {
    this.timeout(1_800_000);
    toolFolder('argocd');
  });

  describe('sees the health of', () => {
    for (const [name, [kind, conditions, shown]] of Object.entries(HEALTH)) {
      it(`${name}: ${shown}`, () => {
        const apiVersion = kind === 'Service' ? 'serving.knative.dev/v1' : 'run.googleapis.com/v1';
        const status = conditions && { observedGeneration: 1, conditions };
        const live = { apiVersion, kind, metadata: { name: 'app', generation: 1 }, status };
        const [view] = views([{ live, config: live }]);
        assert.equal(view?.health.status, shown);
        const cause = conditions?.find(({ message }) => message)?.message;
        if (shown === 'Degraded') assert.ok(view?.health.message?.includes(cause ?? 'nothing'));
      });
    }

    it('a job whose change has not been observed: Progressing', () => {
      const status = { observedGeneration: 1, conditions: ready('Ready') };
      const metadata = { name: 'app', generation: 2 };
      const live = { apiVersion: 'run.googleapis.com/v1', kind: 'Job', metadata, status };
      assert.equal(views([{ live, config: live }])[0]?.health.status, 'Progressing');
    });
  });

  describe('compares', () => {
    const cluster = useInstallation();

    /** What would be stored of those that are taken. */
    async function stored(configs: KubeObject[]) {
      const answers = await Promise.all(
        configs.map(async (config) => ({
          config,
          answer: await dryRun(cluster.server, applied(config)),
        })),
      );
      return answers
        .filter(({ answer }) => answer.status === 201)
        .map(({ config, answer }) => ({ config, live: answer.body }));
    }

    it('what public repositories deploy, and finds it in sync', async () => {
      const objects = await stored([...publicManifests().values()]);
      assert.ok(objects.length > 10, `${objects.length} were taken`);
      const found = views(objects).map(({ outOfSync }, i) => ({ outOfSync, config: objects[i]?.config }));
      assert.deepEqual(
        found.filter(({ outOfSync }) => outOfSync),
        [],
      );
    });

    it('what has changed in Git, and finds it out of sync', async () => {
      const [object] = await stored([
        parse(readFileSync(new URL('../samples/hello.yaml', import.meta.url), 'utf8')),
      ]);
      assert.ok(object);
      const config = JSON.parse(JSON.stringify(object.config).replace('World', 'Universe'));
      assert.deepEqual(
        views([object, { ...object, config }]).map(({ outOfSync }) => outOfSync),
        [false, true],
      );
    });

    it('finds that the hook of the documentation is an execution that is taken', async () => {
      const job = parse(readFileSync(new URL('../samples/job.yaml', import.meta.url), 'utf8'));
      job.metadata = { name: 'migrate', namespace: NAMESPACE };
      await cluster.client.create(JOBS, job);
      const { status, warnings, body } = await dryRun(cluster.server, parse(hook));
      assert.deepEqual([status, warnings], [201, []], JSON.stringify(body));
    });
  });
});
