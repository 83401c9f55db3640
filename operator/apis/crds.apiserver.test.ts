import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { resourcePath } from '../kube/client.ts';
import { PODS } from '../kube/core.ts';
import { KubeError } from '../kube/errors.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { ApiServer } from '../testing/apiServer.ts';
import { installKinds, servedResources } from '../testing/installKinds.ts';
import { OBJECTS } from './crdCases.ts';
import { customResourceDefinition } from './definition.ts';
import { KINDS } from './kinds.ts';
import { canonicalQuantity, parseQuantity } from './quantity.ts';
import { EXECUTIONS } from './run/execution/types.ts';
import { defaultJob } from './run/job/defaults.ts';
import { MANIFESTS as JOB_MANIFESTS } from './run/job/manifestCases.ts';
import { JOBS, type Job } from './run/job/types.ts';
import { defaultWorkerPool } from './run/workerPool/defaults.ts';
import { MANIFESTS as POOL_MANIFESTS } from './run/workerPool/manifestCases.ts';
import { WORKER_POOLS, type WorkerPool } from './run/workerPool/types.ts';
import { REVISIONS } from './serving/revision/types.ts';
import { defaultService } from './serving/service/defaults.ts';
import { MANIFESTS as SERVICE_MANIFESTS } from './serving/service/manifestCases.ts';
import { SERVICES, type Service } from './serving/service/types.ts';

// A pod rounds what is finer than a thousandth.
const QUANTITIES = (
  '1000m 0.5 512Mi 1024Mi 1.5Gi 0.5Ki 2000 1e4 5e0 5e-3 2E 2E3 .5 5. 0Mi 1023Mi 1048576Ki 123456789 ' +
  '1000Ki 100k 0.1Ki 3e1 1.5e2 12e10 +4 999m 1.001 0.25Mi 3Ti 1E'
).split(' ');

describe('CRDs on a real API server', function () {
  this.timeout(300_000);
  let server: ApiServer;

  before(async () => {
    server = await ApiServer.start();
    await installKinds(server, 'demo');
  });

  after(() => server?.stop());

  /** What the API server says to a new object; undefined when it takes it. Unknown fields are rejected, as kubectl asks. */
  async function rejection(type: ResourceType, object: object): Promise<string | undefined> {
    try {
      await server.client.request('POST', resourcePath(type, { namespace: 'demo' }), {
        query: { fieldValidation: 'Strict', dryRun: 'All' },
        body: { ...object, apiVersion: type.apiVersion, kind: type.kind },
      });
      return undefined;
    } catch (error) {
      if (error instanceof KubeError && error.status !== undefined && error.status < 500)
        return error.message;
      throw error;
    }
  }

  it('has the names that people type', async () => {
    const found = Object.fromEntries(
      (await servedResources(server)).map((resource) => [resource.name, resource]),
    );
    for (const { plural, shortNames, categories } of KINDS) {
      assert.deepEqual(found[plural]?.shortNames, shortNames);
      assert.deepEqual(found[plural]?.categories, categories);
      assert.ok(found[`${plural}/status`], `${plural} has a status subresource`);
    }
    const typed = KINDS.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...shortNames]);
    assert.equal(new Set(typed).size, typed.length, typed.join());
  });

  const manifests = [
    {
      type: SERVICES,
      cases: SERVICE_MANIFESTS,
      fill: (object: KubeObject) => defaultService(object as Service),
    },
    { type: JOBS, cases: JOB_MANIFESTS, fill: (object: KubeObject) => defaultJob(object as Job) },
    {
      type: WORKER_POOLS,
      cases: POOL_MANIFESTS,
      fill: (object: KubeObject) => defaultWorkerPool(object as WorkerPool),
    },
  ];
  for (const { type, cases, fill } of manifests) {
    for (const [name, { yaml, outcome, schema, reason }] of Object.entries(cases)) {
      it(`${schema ? 'rejects' : 'takes'} ${name}, of a ${type.kind}: ${reason}`, async () => {
        const { metadata, ...rest } = parse(yaml) as KubeObject;
        const object = { ...rest, metadata: { ...metadata, namespace: 'demo' } };
        const said = await rejection(type, object);
        if (schema) return assert.match(said ?? '', schema);
        assert.equal(said, undefined);
        assert.notEqual(outcome, 'rejected');
        assert.equal(await rejection(type, fill(object)), undefined, 'with its defaults');
      });
    }
  }

  for (const [name, { type, yaml, rejected, reason }] of Object.entries(OBJECTS)) {
    it(`${rejected ? 'rejects' : 'takes'} ${name}: ${reason}`, async () => {
      const said = await rejection(type, parse(yaml));
      if (rejected) assert.match(said ?? '', rejected);
      else assert.equal(said, undefined);
    });
  }

  it('keeps annotations that it does not know', async () => {
    const annotations = { 'run.googleapis.com/unheard-of': 'x', 'example.com/mine': 'y' };
    const metadata = { name: 'keeps', namespace: 'demo', annotations };
    const template = { metadata: { annotations }, spec: { containers: [{ image: 'a' }] } };
    const made = await server.client.create(SERVICES, {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata,
      spec: { template },
    });
    assert.deepEqual(made.metadata.annotations, annotations);
    assert.deepEqual(made.spec.template.metadata?.annotations, annotations);
    assert.equal(made.metadata.generation, 1);
  });

  it('counts generations of the spec and not of the status', async () => {
    const ref = { namespace: 'demo', name: 'keeps' };
    const status = { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] };
    const said = await server.client.mergePatch(SERVICES, ref, { status }, { subresource: 'status' });
    assert.equal(said.metadata.generation, 1);
    assert.equal(said.status?.conditions?.[0]?.status, 'True');
    const changed = await server.client.mergePatch(SERVICES, ref, {
      spec: { template: { spec: { timeoutSeconds: 60 } } },
    });
    assert.equal(changed.metadata.generation, 2);
  });

  it('rejects a changed template that keeps the name of its revision', async () => {
    const ref = { namespace: 'demo', name: 'keeps' };
    const change = (name: string, timeoutSeconds: number) =>
      server.client.mergePatch(SERVICES, ref, {
        spec: { template: { metadata: { name }, spec: { timeoutSeconds } } },
      });
    await change('keeps-a', 100);
    await change('keeps-a', 100);
    await assert.rejects(change('keeps-a', 200), /a changed template needs a new metadata.name, or none/);
    await change('keeps-b', 200);
  });

  it('rejects changes of the spec of a revision, but not of its labels and status', async () => {
    const made = await server.client.create(REVISIONS, {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Revision',
      metadata: { name: 'fixed', namespace: 'demo' },
      spec: { containers: [{ name: 'a', image: 'a' }], timeoutSeconds: 300 },
    });
    const change = (body: object, subresource?: 'status') =>
      server.client.mergePatch(REVISIONS, made.metadata, body, { subresource });
    await assert.rejects(
      change({ spec: { timeoutSeconds: 301 } }),
      /a revision is immutable: change the service/,
    );
    await change({ metadata: { labels: { a: 'b' } } });
    await change({ status: { imageDigest: 'x' } }, 'status');
  });

  it('rejects changes of a complete execution, but not completing it', async () => {
    const made = await server.client.create(EXECUTIONS, {
      apiVersion: 'run.googleapis.com/v1',
      kind: 'Execution',
      metadata: { name: 'fixed', namespace: 'demo' },
      spec: { taskCount: 2 },
    });
    const change = (body: object, subresource?: 'status') =>
      server.client.mergePatch(EXECUTIONS, made.metadata, body, { subresource });
    const task = { containers: [{ image: 'a', name: 'a' }], maxRetries: 3, timeoutSeconds: 600 };
    await change({ spec: { taskCount: 3 } });
    await change({ spec: { template: { spec: task } } });
    await assert.rejects(change({ spec: { taskCount: 4 } }), /an execution is immutable: run its job again/);
    await assert.rejects(change({ spec: null }), /an execution is immutable/);
    await change({ metadata: { annotations: { a: 'b' } } });
    await change({ status: { runningCount: 1 } }, 'status');
  });

  it('reads quantities as parseQuantity does and gives back what canonicalQuantity writes', async () => {
    const written = await memoryOf(QUANTITIES);
    assert.deepEqual(written.map(parseQuantity), QUANTITIES.map(parseQuantity));
    const canonical = QUANTITIES.map(canonicalQuantity);
    assert.deepEqual(await memoryOf(canonical), canonical);
  });

  /** The quantities as a pod gives them back. */
  async function memoryOf(quantities: string[]): Promise<string[]> {
    const containers = quantities.map((memory, i) => ({
      name: `c${i}`,
      image: 'a',
      resources: { limits: { memory } },
    }));
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'quantities' }, spec: { containers } };
    const path = resourcePath(PODS, { namespace: 'demo' });
    const pod = await server.client.request<typeof body>('POST', path, { query: { dryRun: 'All' }, body });
    return pod.spec.containers.map(({ resources }) => resources.limits.memory);
  }

  it('takes the committed files, which people apply, for the same', () => {
    for (const kind of KINDS) {
      const file = readFileSync(
        new URL(`../../crds/${kind.group}_${kind.plural}.yaml`, import.meta.url),
        'utf8',
      );
      assert.deepEqual(parse(file), JSON.parse(JSON.stringify(customResourceDefinition(kind))));
    }
  });
});
