import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Condition } from '../../operator/apis/condition.ts';
import { KINDS } from '../../operator/apis/kinds.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { NAMESPACE, useInstallation } from '../../operator/webhook/testing/installation.ts';
import { dryRun, publicManifests } from '../../operator/webhook/testing/public.ts';
import { toolFolder } from '../chart/helm.ts';
import { HEALTH, READY_SERVICE, ready } from '../lib/gitops/health.ts';
import { HOOK, SETTINGS } from './page.ts';

interface View {
  outOfSync: boolean;
  health: { status: string; message?: string };
}

/** The scripts that docs/argocd.md gives, for each kind that a pattern stands for. */
function scripts(): Record<string, string> {
  const customizations = parse(SETTINGS['resource.customizations'] ?? '');
  return Object.fromEntries(
    KINDS.flatMap(({ group, kind, healthCondition }) => {
      if (!healthCondition) return [];
      const { 'health.lua': script } = customizations[`${group}/*`] ?? customizations[`${group}/${kind}`];
      return [[`${group}/${kind}`, script]];
    }),
  );
}

/**
 * What Argo CD makes of objects and of the manifests that they are to be.
 * @param given the scripts in the place of those that Argo CD has for a kind; those of the page when left out.
 */
function views(objects: { live: KubeObject; config: KubeObject }[], given = scripts()): View[] {
  const program = join(toolFolder('argocd'), 'argocd');
  const input = JSON.stringify({ scripts: given, objects });
  return JSON.parse(execFileSync(program, { input, encoding: 'utf8', maxBuffer: 64 << 20 }));
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** A manifest as Argo CD and kubectl send it. */
function applied(config: KubeObject): KubeObject {
  const { metadata } = config;
  const annotations = { ...metadata.annotations, [LAST_APPLIED]: JSON.stringify(config) };
  return { ...config, metadata: { ...metadata, annotations } };
}

/** An object of this generation, of which the conditions of the first one are known. */
function objectWith(
  kind: string,
  conditions: Condition[] | undefined,
  { generation }: { generation: number },
) {
  const apiVersion = kind === 'Service' ? 'serving.knative.dev/v1' : 'run.googleapis.com/v1';
  const status = conditions && { observedGeneration: 1, conditions };
  const live = { apiVersion, kind, metadata: { name: 'app', generation }, status };
  return { live, config: live };
}

describe('Argo CD', () => {
  before(function () {
    this.timeout(1_800_000);
    toolFolder('argocd');
  });

  describe('sees the health of', () => {
    for (const [name, { kind, conditions, health }] of Object.entries(HEALTH)) {
      const object = objectWith(kind, conditions, { generation: 1 });

      it(`${name}: ${health}`, () => {
        const [view] = views([object]);
        assert.equal(view?.health.status, health);
        const cause = conditions?.find(({ message }) => message)?.message;
        if (health === 'Degraded') assert.ok(view?.health.message?.includes(cause ?? 'nothing'));
      });

      if (kind !== 'Service') continue;
      it(`${name}: ${health} by Argo CD's own script too`, () => {
        assert.equal(views([object], {})[0]?.health.status, health);
      });
    }

    for (const [kind, conditions] of [
      ['Service', READY_SERVICE],
      ['Job', ready('Ready')],
    ] as const) {
      it(`a ${kind} whose change has not been observed: Progressing`, () => {
        const object = objectWith(kind, conditions, { generation: 2 });
        assert.equal(views([object])[0]?.health.status, 'Progressing');
      });
    }

    it("a Service whose change has not been observed: Healthy by Argo CD's own script, which the page replaces", () => {
      const object = objectWith('Service', READY_SERVICE, { generation: 2 });
      assert.equal(views([object], {})[0]?.health.status, 'Healthy');
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
      const { status, warnings, body } = await dryRun(cluster.server, HOOK);
      assert.deepEqual([status, warnings], [201, []], JSON.stringify(body));
    });
  });
});
