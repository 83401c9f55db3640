import assert from 'node:assert/strict';
import { assertErrors, errorsOf } from '../../testing/errors.ts';
import { jobOf, executionOfYaml as written } from '../testing/objects.ts';
import { completeExecution } from './fromJob.ts';
import { EXECUTION } from './kind.ts';
import type { Execution } from './types.ts';
import { validateExecution } from './validation.ts';

const JOB = jobOf(
  `{metadata: {annotations: {run.googleapis.com/container-dependencies: '{"load":["cache"]}'}}, spec: {taskCount: 10, parallelism: 5, template: {spec: {containers: [{name: load, image: app}, {name: cache, image: redis}]}}}}`,
);
const ALONE = jobOf();
const GPU = jobOf(
  "{metadata: {annotations: {run.googleapis.com/gpu-zonal-redundancy-disabled: 'true'}}, spec: {template: {spec: {containers: [{image: app, resources: {limits: {cpu: '4', memory: 16Gi, nvidia.com/gpu: '1'}}}]}}}}",
);

const OVERRIDES = 'metadata.annotations[homerun.dev/overrides]';
const overriding = (json: object) =>
  `{metadata: {annotations: {homerun.dev/overrides: '${JSON.stringify(json)}'}}}`;

interface Case {
  yaml: string;
  /** The job that it names; null for none. */
  job?: typeof JOB | null;
  errors?: [path: string, message: RegExp][];
  strict?: true;
  reason: string;
}

const CASES: Record<string, Case> = {
  'one that says nothing': { yaml: '{}', reason: 'all of it is as its job has it' },
  'one without a job': {
    yaml: '{metadata: {labels: {}}}',
    errors: [['metadata.labels[run.googleapis.com/job]', /must be set to the name of the job to run/]],
    reason: 'the job to run is unknown',
  },
  'one of a job that does not exist': {
    yaml: '{}',
    job: null,
    errors: [
      ['metadata.labels[run.googleapis.com/job]', /is "load"; there is no such job in namespace "demo"/],
    ],
    reason: 'a typing mistake, most likely',
  },
  'one of a job that does not exist, with a spec of its own': {
    yaml: '{spec: {taskCount: -1, template: {spec: {maxRetries: 11, containers: [{image: A}]}}}}',
    job: null,
    errors: [
      ['spec.taskCount', /from 0 to 10000/],
      ['spec.template.spec.maxRetries', /from 0 to 10/],
      ['metadata.labels[run.googleapis.com/job]', /there is no such job/],
      ['spec.template.spec.containers[0].image', /does not parse/],
    ],
    reason: 'all in one response',
  },
  'beyond the limits': {
    yaml: '{spec: {taskCount: 10001, template: {spec: {maxRetries: 11, timeoutSeconds: 0}}}}',
    errors: [
      ['spec.taskCount', /is 10001; it must be a whole number from 0 to 10000/],
      ['spec.template.spec.maxRetries', /is 11/],
      ['spec.template.spec.timeoutSeconds', /is 0/],
    ],
    reason: 'they are those of the job',
  },
  'fewer tasks than the job has at once': { yaml: '{spec: {taskCount: 2}}', reason: 'all run at once' },
  'more at once than tasks': {
    yaml: '{spec: {taskCount: 2, parallelism: 3}}',
    reason: 'both run at once',
  },
  'two containers in place of one': {
    yaml: '{spec: {template: {spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}}}',
    job: ALONE,
    reason: 'the task ends with the first one',
  },
  'a name that is none': {
    yaml: '{metadata: {name: Load_1, labels: {run.googleapis.com/job: load}}}',
    errors: [['metadata.name', /is "Load_1" \(6 characters\); it must have 1 to 63 characters: lowercase/]],
    reason: 'the pods are called after it',
  },
  'one that is cancelled before it starts': {
    yaml: "{metadata: {annotations: {homerun.dev/cancel: 'true'}, labels: {run.googleapis.com/job: load}}}",
    reason: 'harmless',
  },
  'a schedule': {
    yaml: "{metadata: {annotations: {homerun.dev/schedule: '* * * * *'}, labels: {run.googleapis.com/job: load}}}",
    errors: [['metadata.annotations[homerun.dev/schedule]', /belongs in metadata.annotations of the Job/]],
    strict: true,
    reason: 'an execution is one run',
  },

  // Overrides
  'all that may be overridden': {
    yaml: overriding({
      containerOverrides: [
        { name: 'load', args: ['x'], env: [{ name: 'A', value: 'b' }], clearArgs: false },
        { name: 'cache', clearArgs: true },
      ],
      taskCount: 2,
      timeoutSeconds: 30,
    }),
    reason: 'as gcloud sends it',
  },
  'an override of a container that does not exist': {
    yaml: overriding({ containerOverrides: [{ name: 'lod', args: ['x'] }] }),
    errors: [
      [
        `${OVERRIDES}.containerOverrides[0].name`,
        /is "lod"; there is no such container; the job's containers are load, cache/,
      ],
    ],
    reason: 'a typing mistake, most likely',
  },
  'an override of any of two containers': {
    yaml: overriding({ containerOverrides: [{ args: ['x'] }] }),
    errors: [
      [`${OVERRIDES}.containerOverrides[0].name`, /must be set, because the job has several containers/],
    ],
    reason: 'the container is ambiguous',
  },
  'an override of the only container': {
    yaml: overriding({ containerOverrides: [{ args: ['x'] }] }),
    job: ALONE,
    reason: 'there is no other',
  },
  'overrides beyond the limits': {
    yaml: overriding({ taskCount: 0, timeoutSeconds: 608_400, parallelism: 3 }),
    errors: [
      [`${OVERRIDES}.taskCount`, /is 0; it must be a whole number from 1 to 10000/],
      [
        `${OVERRIDES}.parallelism`,
        /is not a known field; the fields are containerOverrides, taskCount, timeoutSeconds/,
      ],
      [`${OVERRIDES}.timeoutSeconds`, /is 608400; it must be .* from 1 to 604800/],
    ],
    reason: 'the limits are those of the job',
  },
  'two hours with a GPU': {
    yaml: overriding({ timeoutSeconds: 7200 }),
    job: GPU,
    errors: [[`${OVERRIDES}.timeoutSeconds`, /is 7200; it must be .* from 1 to 3600, one hour, with a GPU/]],
    reason: 'one is the limit',
  },
  'arguments that are cleared and set': {
    yaml: overriding({
      containerOverrides: [{ name: 'load', args: ['x'], clearArgs: true, command: ['y'] }],
    }),
    errors: [
      [
        `${OVERRIDES}.containerOverrides[0].command`,
        /is not a known field; the fields are name, args, clearArgs, env/,
      ],
      [`${OVERRIDES}.containerOverrides[0].args`, /must be empty when clearArgs is true/],
    ],
    reason: 'API reference, ContainerOverride',
  },
  'a variable of the platform': {
    yaml: overriding({
      containerOverrides: [{ name: 'load', env: [{ name: 'CLOUD_RUN_JOB', value: 'x' }] }],
    }),
    errors: [[`${OVERRIDES}.containerOverrides[0].env[0].name`, /which the platform sets; remove it/]],
    reason: 'container contract, jobs',
  },
  'overrides of another shape': {
    yaml: overriding({ containerOverrides: { name: 'load' }, taskCount: '2' }),
    errors: [
      [`${OVERRIDES}.containerOverrides`, /it must be a list/],
      [`${OVERRIDES}.taskCount`, /is "2"; it must be a whole number from 1 to 10000/],
    ],
    reason: 'they cannot be parsed',
  },
  'overrides that are no JSON': {
    yaml: "{metadata: {annotations: {homerun.dev/overrides: 'taskCount=2'}, labels: {run.googleapis.com/job: load}}}",
    errors: [[OVERRIDES, /is "taskCount=2"; it must be a JSON object/]],
    reason: 'they cannot be parsed',
  },
};

function parsed({ yaml }: Case): Execution {
  const object = written(yaml);
  const labels = object.metadata.labels ?? { 'run.googleapis.com/job': 'load' };
  return { ...object, metadata: { ...object.metadata, labels } };
}

describe('validation of an execution', () => {
  for (const [name, one] of Object.entries(CASES)) {
    const { errors: expected = [], job = JOB, strict = false, reason } = one;
    const verb = expected.length === 0 ? 'accepts' : strict ? 'in strict mode rejects' : 'rejects';
    it(`${verb} ${name}: ${reason}`, () => {
      const execution = parsed(one);
      const errors = errorsOf(EXECUTION, execution, undefined, { job: { job: job ?? undefined } });
      assertErrors(errors, one);
      if (expected.length > 0) return;
      const complete = completeExecution(execution, job ?? ALONE) as Execution;
      assert.deepEqual(validateExecution(complete, undefined, { job: job ?? undefined }), [], 'complete');
      assert.deepEqual(validateExecution(complete, execution), [], 'completed later');
    });
  }

  it('does not validate a job that was not looked up', () => {
    assert.deepEqual(validateExecution(written()), []);
  });

  describe('of a change', () => {
    const before = completeExecution(written(), JOB) as Execution;

    it('accepts other labels and annotations', () => {
      const annotations = { ...before.metadata.annotations, 'homerun.dev/cancel': 'true' };
      assert.deepEqual(
        validateExecution({ ...before, metadata: { ...before.metadata, annotations } }, before),
        [],
      );
    });

    it('rejects another spec or job', () => {
      const labels = { ...before.metadata.labels, 'run.googleapis.com/job': 'other' };
      const after: Execution = {
        ...before,
        metadata: { ...before.metadata, labels },
        spec: { ...before.spec, taskCount: 3 },
      };
      assert.deepEqual(
        validateExecution(after, before).map(({ path, message }) => `${path}: ${message}`),
        [
          'metadata.labels[run.googleapis.com/job]: is "other"; it is immutable and must be "load"',
          'spec: must not change: an execution is immutable; run its job again',
        ],
      );
    });
  });
});
