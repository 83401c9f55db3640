import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { LOCATION, RUN } from '../../apis/labels.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import type { Pod } from '../../kube/core.ts';
import type { KubeObject } from '../../kube/types.ts';
import { ApiError } from '../errors.ts';
import { versionOf } from '../resources/version.ts';
import { labelTest } from './selector.ts';
import { tasksOf } from './tasks.ts';
import { listOf, viewOf, writtenOf } from './view.ts';

const PLACE = { project: 'acme-demo', region: 'local' };

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
