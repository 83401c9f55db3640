import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { KINDS } from '../../apis/kinds.ts';
import { LOCATION, RUN } from '../../apis/labels.ts';
import { EXECUTIONS, type Execution } from '../../apis/run/execution/types.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { INT64_PATTERN, QUANTITY_PATTERN } from '../../apis/schema.ts';
import type { Schema } from '../../apis/schemaValidation.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import type { Pod } from '../../kube/core.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { isReadable } from '../../webhook/admission/validate.ts';
import { arbitraryObject } from '../../webhook/testing/objects.ts';
import { ApiError } from '../errors.ts';
import { versionOf } from '../resources/version.ts';
import { TASKS } from './kinds.ts';
import { labelTest } from './selector.ts';
import { tasksOf } from './tasks.ts';
import { listOf, viewOf, writtenOf } from './view.ts';

const PLACE = { project: 'acme-demo', region: 'local' };

/** All that a schema lets be a number or a text. */
function intsOrStrings(schema: Schema, name = ''): { name: string; pattern?: string }[] {
  if (schema['x-kubernetes-int-or-string']) return [{ name, pattern: schema.pattern }];
  const { properties, patternProperties, items } = schema;
  const parts = Object.entries({ ...properties, ...patternProperties, ...(items ? { items } : {}) });
  return parts.flatMap(([part, each]) => intsOrStrings(each, part));
}

describe('the view of v1', () => {
  it('comes back as it was stored, with all that clients add or leave', () => {
    const labels = fc.dictionary(fc.constantFrom('team', 'client.knative.dev/nonce', 'a'), fc.string());
    const spec = fc.jsonValue({ maxDepth: 3 }).map((value) => ({ template: { value } }));
    fc.assert(
      fc.property(labels, spec, fc.jsonValue(), (ownLabels, ownSpec, status) => {
        const { apiVersion, kind } = SERVICES;
        const metadata = { name: 'a', namespace: 'demo', uid: '7', labels: ownLabels };
        const stored = { apiVersion, kind, metadata, spec: ownSpec, status } as unknown as KubeObject;
        const body = JSON.parse(JSON.stringify(viewOf(stored, PLACE)));
        const { namespace: _, ...others } = metadata;
        const kept = { ...others, resourceVersion: versionOf(stored) };
        const wanted = JSON.parse(JSON.stringify({ apiVersion, kind, metadata: kept, spec: ownSpec }));
        deepEqual(writtenOf(body, SERVICES, { ...PLACE, name: 'a' }), wanted);
      }),
    );
  });

  it('has what gcloud cannot be without', () => {
    const spec = { template: { spec: {} } };
    const { apiVersion, kind } = JOBS;
    const job = viewOf({ apiVersion, kind, metadata: { name: 'a' }, spec } as KubeObject, PLACE);
    deepEqual((job as unknown as { spec: unknown }).spec, { template: { metadata: {}, spec: {} } });
    equal(job.metadata.labels?.[LOCATION], 'local');
    deepEqual(listOf(JOBS, [], undefined), {
      apiVersion,
      kind: 'JobList',
      metadata: {},
      items: [],
      unreachable: [],
    });
  });

  const TASK = { maxRetries: 3, timeoutSeconds: 600 };
  const texts: Record<string, { reason: string; type: ResourceType; spec: object; shown: object }> = {
    'the timeout of a job': {
      reason: 'the one 64-bit integer of our kinds (discovery document of run v1, format int64: TaskSpec)',
      type: JOBS,
      spec: { template: { spec: { taskCount: 2, template: { spec: TASK } } } },
      shown: {
        template: {
          metadata: {},
          spec: { taskCount: 2, template: { spec: { ...TASK, timeoutSeconds: '600' } } },
        },
      },
    },
    'the timeout of an execution': {
      reason: 'it has a TaskSpec too',
      type: EXECUTIONS,
      spec: { template: { spec: TASK } },
      shown: { template: { spec: { ...TASK, timeoutSeconds: '600' } } },
    },
    'the timeout of a task': {
      reason: 'it is a TaskSpec',
      type: TASKS,
      spec: TASK,
      shown: { ...TASK, timeoutSeconds: '600' },
    },
    'no timeout of a service': {
      reason: 'a 32-bit integer (discovery document of run v1, RevisionSpec)',
      type: SERVICES,
      spec: { template: { spec: { timeoutSeconds: 300, containerConcurrency: 80 } } },
      shown: { template: { spec: { timeoutSeconds: 300, containerConcurrency: 80 } } },
    },
    'quantities of a service': {
      reason:
        'Kubernetes takes a bare number, and gcloud fails at one (discovery document, ResourceRequirements)',
      type: SERVICES,
      spec: {
        template: {
          spec: {
            containers: [
              {
                resources: { limits: { cpu: 2, memory: '1Gi' }, requests: { cpu: 1 } },
                startupProbe: { tcpSocket: { port: 8080 } },
              },
            ],
            volumes: [{ name: 'a', emptyDir: { sizeLimit: 1024 } }],
          },
        },
      },
      shown: {
        template: {
          spec: {
            containers: [
              {
                resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1' } },
                startupProbe: { tcpSocket: { port: 8080 } },
              },
            ],
            volumes: [{ name: 'a', emptyDir: { sizeLimit: '1024' } }],
          },
        },
      },
    },
  };
  for (const [name, { reason, type, spec, shown }] of Object.entries(texts)) {
    it(`shows ${name} as a text: ${reason}`, () => {
      const { apiVersion, kind } = type;
      const object = { apiVersion, kind, metadata: { name: 'a' }, spec } as KubeObject;
      const before = structuredClone(object);
      deepEqual((viewOf(object, PLACE) as unknown as { spec: unknown }).spec, shown);
      deepEqual(object, before, 'what is stored stays as it is');
    });
  }

  it('knows of each whole number or text of our kinds which of both it is; ports are numbers', () => {
    const undecided = KINDS.flatMap(({ spec }) => intsOrStrings(spec as Schema)).filter(
      ({ pattern = '' }) => ![INT64_PATTERN, QUANTITY_PATTERN].includes(pattern),
    );
    deepEqual([...new Set(undecided.map(({ name }) => name))], ['port']);
  });

  for (const definition of KINDS) {
    it(`of a ${definition.kind} is the same of what is written back from it`, () => {
      fc.assert(
        fc.property(arbitraryObject(definition), (object) => {
          fc.pre(isReadable(definition, definition.spec, object));
          const body = viewOf(object as KubeObject, PLACE);
          const { resourceVersion, ...metadata } = body.metadata;
          const again = viewOf(writtenOf({ ...body, metadata }, definition.type, PLACE), PLACE);
          deepEqual({ ...again, metadata: { ...again.metadata, resourceVersion } }, body);
        }),
      );
    });
  }

  it('always has a status: gcloud and Skaffold read it of what was just made without asking', () => {
    const { apiVersion, kind } = SERVICES;
    const made = viewOf({ apiVersion, kind, metadata: { name: 'a' } } as KubeObject, PLACE);
    deepEqual((made as unknown as { status: unknown }).status, {});
  });

  const wrong: Record<string, { body: unknown; fields: string[] }> = {
    'no object': { body: [], fields: [''] },
    'no metadata': { body: { apiVersion: SERVICES.apiVersion }, fields: ['metadata'] },
    'another name, kind, project and region': {
      body: {
        apiVersion: 'v1',
        kind: 'Job',
        metadata: { name: 'b', namespace: 'other', labels: { [LOCATION]: 'elsewhere' } },
      },
      fields: ['apiVersion', 'kind', 'metadata.name', 'metadata.namespace', `metadata.labels[${LOCATION}]`],
    },
  };
  for (const [name, { body, fields }] of Object.entries(wrong)) {
    it(`refuses ${name}, naming each field`, () => {
      throws(
        () => writtenOf(body, SERVICES, { ...PLACE, name: 'a' }),
        (error: unknown) => {
          const [detail] = (error as ApiError).details as { fieldViolations: { field: string }[] }[];
          deepEqual(
            detail?.fieldViolations.map(({ field }) => field),
            fields,
          );
          return true;
        },
      );
    });
  }
});

describe('label selectors of views', () => {
  const labels = { team: 'a', 'run.googleapis.com/runningState': 'Running' };
  const cases: [selector: string, selects: boolean][] = [
    ['', true],
    ['team = a', true],
    ['team==b', false],
    ['team != b, other != c', true],
    ['run.googleapis.com/runningState in (Failed, Running)', true],
    ['run.googleapis.com/runningState notin (Running)', false],
    ['other notin (x)', true],
    ['team', true],
    ['!team', false],
    ['! other', true],
  ];
  for (const [selector, selects] of cases)
    it(`${selector || 'nothing'} selects: ${selects}`, () => equal(labelTest(selector)(labels), selects));
  for (const selector of ['a=(', 'a in b', 'a b', '()'])
    it(`${selector} is refused`, () => throws(() => labelTest(selector), ApiError));
});

describe('tasks of an execution', () => {
  const execution = (status: object, taskCount = 2) =>
    ({
      metadata: { name: 'e', namespace: 'demo', uid: 'u', labels: { [RUN.job]: 'j' } },
      spec: { taskCount, template: { spec: { containers: [] } } },
      status,
    }) as unknown as Execution;
  const pod = (index: number, attempt: number, phase: string, times: [start: string, end?: string]) =>
    ({
      metadata: {
        name: `e-${index}-${attempt}`,
        annotations: {
          'batch.kubernetes.io/job-completion-index': String(index),
          'batch.kubernetes.io/job-index-failure-count': String(attempt),
        },
      },
      status: {
        phase,
        startTime: times[0],
        containerStatuses: [{ state: times[1] ? { terminated: { finishedAt: times[1] } } : { running: {} } }],
      },
    }) as unknown as Pod;

  it('last from the start of the first attempt to the end of the last', () => {
    const pods = [pod(0, 1, 'Succeeded', ['12:02', '12:03']), pod(0, 0, 'Failed', ['12:00', '12:01'])];
    const [task, other] = tasksOf(execution({}), pods, 'local');
    const { startTime, completionTime, retried, lastAttemptResult } = task?.status ?? {};
    deepEqual([startTime, completionTime, retried], ['12:00', '12:03', 1]);
    deepEqual(lastAttemptResult, { exitCode: 0, status: { code: 0 } });
    equal(other?.metadata.labels?.[RUN.runningState], 'Pending');
  });

  const over: [completed: string | undefined, state: string][] = [
    ['True', 'Succeeded'],
    ['False', 'Cancelled'],
    ['Unknown', 'Pending'],
    [undefined, 'Pending'],
  ];
  for (const [status, state] of over) {
    it(`of which nothing is left are ${state} where the execution is Completed=${status}`, () => {
      const conditions = status ? [{ type: 'Completed', status }] : [];
      const tasks = tasksOf(execution({ conditions }, 200), [], 'local');
      equal(tasks.length, 200);
      ok(tasks.every(({ metadata }) => metadata.labels?.[RUN.runningState] === state));
    });
  }
});
