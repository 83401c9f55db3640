import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { customResourceDefinition } from '../generate/crd.ts';
import { resourcePath } from '../kube/client.ts';
import { NAMESPACES, PODS } from '../kube/core.ts';
import { KubeError } from '../kube/errors.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { ApiServer } from '../testing/apiServer.ts';
import { until } from '../testing/until.ts';
import { KINDS } from './kinds.ts';
import { canonicalQuantity, parseQuantity } from './quantity.ts';
import { EXECUTIONS } from './run/execution/types.ts';
import { defaultJob } from './run/job/defaults.ts';
import { MANIFESTS as JOB_MANIFESTS } from './run/job/manifestCases.ts';
import { JOBS, type Job } from './run/job/types.ts';
import { CONFIGURATIONS } from './serving/configuration/types.ts';
import { REVISIONS } from './serving/revision/types.ts';
import { ROUTES } from './serving/route/types.ts';
import { defaultService } from './serving/service/defaults.ts';
import { MANIFESTS as SERVICE_MANIFESTS } from './serving/service/manifestCases.ts';
import { SERVICES, type Service } from './serving/service/types.ts';

const CRDS: ResourceType = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

interface Resource {
  name: string;
  singularName: string;
  shortNames?: string[];
  categories?: string[];
}

/** Objects that the CRDs alone must judge; `refused` is missing when they take it. */
const OBJECTS: Record<string, { type: ResourceType; yaml: string; refused?: RegExp; reason: string }> = {
  'a service name of 63 characters': {
    type: SERVICES,
    yaml: `{metadata: {name: ${'a'.repeat(63)}}, spec: {template: {spec: {containers: [{image: a}]}}}}`,
    reason: 'the longest label of a host name',
  },
  'a service name of 64 characters': {
    type: SERVICES,
    yaml: `{metadata: {name: ${'a'.repeat(64)}}, spec: {template: {spec: {containers: [{image: a}]}}}}`,
    refused: /metadata.name: Too long: may not be more than 63/,
    reason: 'one too many',
  },
  'a service name with a dot': {
    type: SERVICES,
    yaml: '{metadata: {name: a.b}, spec: {template: {spec: {containers: [{image: a}]}}}}',
    refused: /metadata.name/,
    reason: 'it is one label of a host name',
  },
  "a revision name without the service's": {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {metadata: {name: b-1}, spec: {containers: [{image: a}]}}}}',
    refused: /spec.template.metadata.name: .*name of the revision is 'b-1'; it must start with 'a-'/,
    reason: 'it would take a name from others',
  },
  'a tag that is too long beside the name': {
    type: SERVICES,
    yaml: `{metadata: {name: shop}, spec: {template: {spec: {containers: [{image: a}]}}, traffic: [{percent: 100, tag: ${'t'.repeat(57)}}]}}`,
    refused: /spec.traffic: .*at most 63 characters together/,
    reason: 'they are one label of a host name',
  },
  'a target named twice over': {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a}]}}, traffic: [{percent: 100, revisionName: a-1, latestRevision: true}]}}',
    refused: /spec.traffic\[0\].latestRevision: .*latestRevision must be false/,
    reason: 'it contradicts itself',
  },
  'two targets of one tag': {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a}]}}, traffic: [{percent: 100, tag: t}, {tag: t, revisionName: a-1}]}}',
    refused: /a tag may be given to only one traffic target/,
    reason: 'one URL cannot go to two revisions',
  },
  'all that is wrong at once': {
    type: SERVICES,
    yaml: `
      metadata: {name: a}
      spec:
        template:
          spec:
            timeoutSeconds: 3601
            containers:
              - {image: a, name: same, ports: [{containerPort: 65536}], env: [{name: 'A=B'}]}
              - {image: b, name: same, livenessProbe: {httpGet: {port: 65536}}, volumeMounts: [{name: v, mountPath: 'x:y'}]}
        traffic: [{percent: 101}]`,
    // The API server goes through fields in no order.
    refused:
      /(?=.*timeoutSeconds.*3600)(?=.*containerPort.*65535)(?=.*env\[0\].name)(?=.*httpGet.port.*65535)(?=.*mountPath)(?=.*percent.*100)(?=.*must be unique)/s,
    reason: 'one answer, not one at a time',
  },
  'a route to a configuration': {
    type: ROUTES,
    yaml: '{metadata: {name: r}, spec: {traffic: [{configurationName: c, percent: 100}]}}',
    reason: 'what a service makes',
  },
  'a route to nowhere': {
    type: ROUTES,
    yaml: '{metadata: {name: r}, spec: {traffic: [{percent: 100}]}}',
    refused: /spec.traffic\[0\]: .*exactly one of revisionName and configurationName/,
    reason: 'a route has no configuration of its own',
  },
  'a configuration without an ingress container': {
    type: CONFIGURATIONS,
    yaml: '{metadata: {name: c}, spec: {template: {spec: {containers: [{image: a}, {image: b}]}}}}',
    refused: /exactly one of several containers must have ports/,
    reason: 'nobody knows where requests go',
  },
  'a revision without an ingress container': {
    type: REVISIONS,
    yaml: '{metadata: {name: w-1}, spec: {containers: [{image: a, name: a}, {image: b, name: b}]}}',
    reason: 'the revisions of a worker pool have none',
  },
  'a revision whose containers have no names': {
    type: REVISIONS,
    yaml: '{metadata: {name: w-1}, spec: {containers: [{image: a}]}}',
    refused: /spec.containers\[0\].name: Required value/,
    reason: 'its defaults are filled in',
  },
  'a job of 10,000 tasks at once for 168 hours each': {
    type: JOBS,
    yaml: "{metadata: {name: j}, spec: {template: {spec: {taskCount: 10000, parallelism: 10000, template: {spec: {maxRetries: 10, timeoutSeconds: '604800', containers: [{image: a}]}}}}}}",
    reason: 'all that Cloud Run takes; gcloud writes 64-bit numbers as texts',
  },
  'a job beyond all limits': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {taskCount: 10001, parallelism: -1, template: {spec: {maxRetries: 11, timeoutSeconds: 604801, containers: [{image: a}]}}}}}}',
    refused:
      /(?=.*taskCount.*10000)(?=.*parallelism.*greater than or equal to 0)(?=.*maxRetries.*10)(?=.*timeoutSeconds.*604800)/s,
    reason: 'one answer, not one at a time',
  },
  'a job of no tasks and no time': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {taskCount: 0, template: {spec: {maxRetries: -1, timeoutSeconds: 0, containers: [{image: a}]}}}}}}',
    refused: /(?=.*taskCount.*1)(?=.*maxRetries.*0)(?=.*timeoutSeconds.*1)/s,
    reason: 'it would do nothing',
  },
  'a timeout of too many digits': {
    type: JOBS,
    yaml: "{metadata: {name: j}, spec: {template: {spec: {template: {spec: {timeoutSeconds: '604801', containers: [{image: a}]}}}}}}",
    refused: /timeoutSeconds.*must be a whole number from 1 to 604800/,
    reason: 'a text of digits is a number all the same',
  },
  'a timeout with a unit': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {template: {spec: {timeoutSeconds: 600s, containers: [{image: a}]}}}}}}',
    refused: /timeoutSeconds.*should match '\^\[0-9\]\+\$'/,
    reason: 'it counts seconds',
  },
  'more tasks at once than there are': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {parallelism: 2, template: {spec: {containers: [{image: a}]}}}}}}',
    refused: /spec.template.spec.parallelism: .*at most taskCount, which is 1 when unset/,
    reason: 'Cloud Run refuses it',
  },
  'a task with a GPU for more than an hour': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {template: {spec: {timeoutSeconds: 3601, containers: [{image: a, resources: {limits: {nvidia.com/gpu: 1}}}]}}}}}}',
    refused: /timeoutSeconds: .*with a GPU timeoutSeconds must be at most 3600/,
    reason: 'a GPU may be had for one hour',
  },
  'a task with no GPU for more than an hour': {
    type: JOBS,
    yaml: "{metadata: {name: j}, spec: {template: {spec: {template: {spec: {timeoutSeconds: 3601, containers: [{image: a, resources: {limits: {nvidia.com/gpu: '0'}}}]}}}}}}",
    reason: '0 GPUs are none',
  },
  'a task with a port and probes': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {template: {spec: {containers: [{image: a, ports: [{containerPort: 80}], livenessProbe: {httpGet: {path: /}}}]}}}}}}',
    refused: /(?=.*have no ports)(?=.*neither livenessProbe nor readinessProbe)/s,
    reason: 'nobody calls it',
  },
  'two containers of a task and no word on which one is the main container': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {template: {spec: {containers: [{image: a}, {image: b}]}}}}}}',
    refused: /spec.template.spec.template.spec.containers: .*must say which one is the main container/,
    reason: 'nobody knows when the task has ended',
  },
  'a sidecar of a task': {
    type: JOBS,
    yaml: `{metadata: {name: j}, spec: {template: {metadata: {annotations: {run.googleapis.com/container-dependencies: '{"m":["s"]}'}}, spec: {template: {spec: {containers: [{image: a, name: m}, {image: b, name: s, startupProbe: {tcpSocket: {port: 1}}}]}}}}}}`,
    reason: 'it ends with the main container',
  },
  'a token too long beside the name': {
    type: JOBS,
    yaml: `{metadata: {name: ${'j'.repeat(40)}}, spec: {startExecutionToken: ${'t'.repeat(23)}, template: {spec: {template: {spec: {containers: [{image: a}]}}}}}}`,
    refused: /spec.startExecutionToken: .*at most 62 characters together/,
    reason: 'an execution is called JOB-TOKEN',
  },
  'two tokens': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {startExecutionToken: a, runExecutionToken: b, template: {spec: {template: {spec: {containers: [{image: a}]}}}}}}',
    refused: /only one of startExecutionToken and runExecutionToken/,
    reason: 'they name one execution',
  },
  'a job as gcloud creates it': {
    type: JOBS,
    yaml: "{metadata: {name: j, labels: {}, annotations: {run.googleapis.com/client-name: gcloud}}, spec: {template: {metadata: {labels: {client.knative.dev/nonce: a_b_c}, annotations: {}}, spec: {taskCount: 1, template: {spec: {containers: [{name: '', image: a, resources: {limits: {}, requests: {}}}], nodeSelector: {}, timeoutSeconds: '600'}}}}}, status: {latestCreatedExecution: {}}}",
    reason: 'an empty text or map is an unset one',
  },
  'an execution that says nothing': {
    type: EXECUTIONS,
    yaml: '{metadata: {name: e, labels: {run.googleapis.com/job: j}}}',
    reason: 'all of it is as its job has it',
  },
  'an execution that says one thing': {
    type: EXECUTIONS,
    yaml: '{metadata: {name: e, labels: {run.googleapis.com/job: j}}, spec: {parallelism: 5, template: {spec: {maxRetries: 0}}}}',
    reason: 'the rest is as its job has it',
  },
  'an execution beyond all limits': {
    type: EXECUTIONS,
    yaml: '{metadata: {name: e}, spec: {taskCount: 10001, template: {spec: {maxRetries: 11, timeoutSeconds: 0, containers: [{image: a, ports: [{}]}]}}}}',
    refused: /(?=.*taskCount.*10000)(?=.*maxRetries.*10)(?=.*timeoutSeconds.*1)/s,
    reason: 'the limits are those of its job',
  },
};

// A pod rounds what is finer than a thousandth.
const QUANTITIES = (
  '1000m 0.5 512Mi 1024Mi 1.5Gi 0.5Ki 2000 1e4 5e0 5e-3 2E 2E3 .5 5. 0Mi 1023Mi 1048576Ki 123456789 ' +
  '1000Ki 100k 0.1Ki 3e1 1.5e2 12e10 +4 999m 1.001 0.25Mi 3Ti 1E'
).split(' ');

describe('CRDs on a real API server', function () {
  this.timeout(90_000);
  let server: ApiServer;

  before(async () => {
    server = await ApiServer.start();
    const metadata = { name: 'demo' };
    await server.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata });
    for (const kind of KINDS) {
      await server.client.create(CRDS, customResourceDefinition(kind) as unknown as KubeObject);
    }
    const served = async () =>
      (await resources()).filter(({ name }) => !name.includes('/')).length === KINDS.length;
    await until('all kinds are served', () => served().catch(() => false), {
      timeoutMs: 20_000,
      everyMs: 100,
    });
  });

  after(() => server?.stop());

  async function resources(): Promise<Resource[]> {
    const groups = [...new Set(KINDS.map(({ group, version }) => `/apis/${group}/${version}`))];
    const lists = await Promise.all(
      groups.map((path) => server.client.request<{ resources: Resource[] }>('GET', path)),
    );
    return lists.flatMap((list) => list.resources);
  }

  /** What the API server says to a new object; undefined when it takes it. Unknown fields are refused, as kubectl asks. */
  async function refusal(type: ResourceType, object: object): Promise<string | undefined> {
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
    const found = Object.fromEntries((await resources()).map((resource) => [resource.name, resource]));
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
  ];
  for (const { type, cases, fill } of manifests) {
    for (const [name, { yaml, verdict, schema, reason }] of Object.entries(cases)) {
      it(`${schema ? 'refuses' : 'takes'} ${name}, of a ${type.kind}: ${reason}`, async () => {
        const { metadata, ...rest } = parse(yaml) as KubeObject;
        const object = { ...rest, metadata: { ...metadata, namespace: 'demo' } };
        const said = await refusal(type, object);
        if (schema) return assert.match(said ?? '', schema);
        assert.equal(said, undefined);
        assert.notEqual(verdict, 'refused');
        assert.equal(await refusal(type, fill(object)), undefined, 'with its defaults');
      });
    }
  }

  for (const [name, { type, yaml, refused, reason }] of Object.entries(OBJECTS)) {
    it(`${refused ? 'refuses' : 'takes'} ${name}: ${reason}`, async () => {
      const said = await refusal(type, parse(yaml));
      if (refused) assert.match(said ?? '', refused);
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

  it('refuses a changed template that keeps the name of its revision', async () => {
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

  it('refuses to change a revision, and lets its labels and status change', async () => {
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

  it('refuses to change an execution that is complete, and lets what is missing be filled in', async () => {
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
