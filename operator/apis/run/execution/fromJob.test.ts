import assert from 'node:assert/strict';
import { jobOf, executionOfYaml as written } from '../testing/objects.ts';
import { completeExecution, executionOf, isComplete, keepStoredExecution } from './fromJob.ts';
import type { Overrides } from './overrides.ts';
import type { CompleteExecution } from './types.ts';

const TEMPLATE = `
  metadata:
    labels: {team: data, cloud.googleapis.com/location: europe-west1, client.knative.dev/nonce: a_b_c}
    annotations:
      run.googleapis.com/execution-environment: gen2
      run.googleapis.com/client-name: gcloud
      homerun.dev/cancel: 'true'
  spec:
    taskCount: 10
    parallelism: 5
    template:
      spec:
        maxRetries: 1
        timeoutSeconds: '60'
        serviceAccountName: loader
        containers:
          - {name: load, image: app, args: [all], env: [{name: A, value: '1'}, {name: B, value: '2'}]}`;

const container = ({ spec }: CompleteExecution) => spec.template.spec.containers[0];

describe('executionOf', () => {
  it('makes an execution that belongs to the job and does what the job says', () => {
    const made = executionOf(jobOf(TEMPLATE), { name: 'load-v1', annotations: { a: 'b' } });
    assert.deepEqual(made, {
      apiVersion: 'run.googleapis.com/v1',
      kind: 'Execution',
      metadata: {
        name: 'load-v1',
        namespace: 'demo',
        labels: {
          team: 'data',
          'client.knative.dev/nonce': 'a_b_c',
          'run.googleapis.com/job': 'load',
          'run.googleapis.com/jobUid': 'job-uid',
          'run.googleapis.com/jobGeneration': '3',
          'run.googleapis.com/jobResourceVersion': '42',
        },
        annotations: { 'run.googleapis.com/execution-environment': 'gen2', a: 'b' },
        ownerReferences: [
          {
            apiVersion: 'run.googleapis.com/v1',
            kind: 'Job',
            name: 'load',
            uid: 'job-uid',
            controller: true,
            blockOwnerDeletion: false,
          },
        ],
      },
      spec: {
        taskCount: 10,
        parallelism: 5,
        template: {
          spec: {
            maxRetries: 1,
            timeoutSeconds: '60',
            serviceAccountName: 'loader',
            containers: [
              {
                name: 'load',
                image: 'app',
                args: ['all'],
                env: [
                  { name: 'A', value: '1' },
                  { name: 'B', value: '2' },
                ],
                resources: { limits: { cpu: '1000m', memory: '512Mi' } },
              },
            ],
          },
        },
      },
    });
    assert.ok(isComplete(made));
  });

  it('fills in the defaults of a job that passed no admission', () => {
    const { spec } = executionOf(jobOf(), { name: 'load-v1' });
    assert.equal(spec.taskCount, 1);
    assert.equal(spec.parallelism, undefined);
    assert.equal(spec.template.spec.maxRetries, 3);
    assert.equal(spec.template.spec.timeoutSeconds, 600);
    assert.equal(spec.template.spec.containers[0]?.name, 'user-container');
  });

  it('names who changed the job last as its creator', () => {
    const job = jobOf('{}', { annotations: { 'run.googleapis.com/lastModifier': 'jane' } });
    assert.deepEqual(executionOf(job, { name: 'load-v1' }).metadata.annotations, {
      'run.googleapis.com/creator': 'jane',
      'run.googleapis.com/lastModifier': 'jane',
    });
  });
});

const OVERRIDES: Record<
  string,
  { overrides: Overrides; has: (made: CompleteExecution) => unknown; is: unknown; reason: string }
> = {
  'other arguments': {
    overrides: { containerOverrides: [{ name: 'load', args: ['some', 'of', 'it'] }] },
    has: (made) => container(made)?.args,
    is: ['some', 'of', 'it'],
    reason: 'they take the place of the old ones',
  },
  'no word on arguments': {
    overrides: { containerOverrides: [{ name: 'load', args: [] }] },
    has: (made) => container(made)?.args,
    is: ['all'],
    reason: 'gcloud sends an empty list with other overrides',
  },
  'arguments taken away': {
    overrides: { containerOverrides: [{ name: 'load', clearArgs: true }] },
    has: (made) => container(made)?.args,
    is: undefined,
    reason: 'those of the image count then',
  },
  'other variables': {
    overrides: {
      containerOverrides: [
        {
          env: [
            { name: 'A', value: 'x' },
            { name: 'C', value: 'y' },
          ],
        },
      ],
    },
    has: (made) => container(made)?.env,
    is: [
      { name: 'B', value: '2' },
      { name: 'A', value: 'x' },
      { name: 'C', value: 'y' },
    ],
    reason: 'the others stay; a container that is alone needs no name',
  },
  'fewer tasks': {
    overrides: { taskCount: 3 },
    has: ({ spec }) => [spec.taskCount, spec.parallelism],
    is: [3, 3],
    reason: 'no more of them run at once than there are',
  },
  'more tasks': {
    overrides: { taskCount: 20 },
    has: ({ spec }) => [spec.taskCount, spec.parallelism],
    is: [20, 5],
    reason: 'as many at once as before',
  },
  'more time': {
    overrides: { timeoutSeconds: 120 },
    has: ({ spec }) => spec.template.spec.timeoutSeconds,
    is: 120,
    reason: 'for one execution alone',
  },
};

describe('overrides', () => {
  for (const [name, { overrides, has, is, reason }] of Object.entries(OVERRIDES)) {
    it(`${name}: ${reason}`, () => {
      const job = jobOf(TEMPLATE);
      const made = executionOf(job, { name: 'load-v1', overrides });
      assert.deepEqual(has(made), is);
      const annotations = { 'homerun.dev/overrides': JSON.stringify(overrides) };
      const byHand = completeExecution(
        { ...written(), metadata: { ...written().metadata, annotations } },
        job,
      );
      assert.deepEqual(byHand.spec, made.spec, 'by annotation');
      assert.deepEqual(completeExecution(byHand as never, job), byHand, 'once');
    });
  }
});

describe('completeExecution', () => {
  it('takes from the job all that is left out', () => {
    const job = jobOf(TEMPLATE);
    const { metadata, spec } = completeExecution(written(), job);
    const made = executionOf(job, { name: 'load-abcde' });
    assert.deepEqual(spec, made.spec);
    assert.deepEqual(metadata, made.metadata);
  });

  it('leaves what is written', () => {
    const byHand = written(`
      metadata:
        labels: {run.googleapis.com/job: load, team: other, run.googleapis.com/jobUid: made-up}
        annotations: {run.googleapis.com/execution-environment: gen1}
        ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: c, uid: u}, {apiVersion: v1, kind: Job, name: j, uid: old, controller: true}]
      spec: {taskCount: 3, template: {spec: {maxRetries: 0, nodeSelector: {}, serviceAccountName: ''}}}`);
    const { metadata, spec } = completeExecution(byHand, jobOf(TEMPLATE));
    assert.equal(spec.taskCount, 3);
    assert.equal(spec.parallelism, 3, 'no more at once than there are');
    assert.equal(spec.template.spec.maxRetries, 0);
    assert.equal(spec.template.spec.timeoutSeconds, '60');
    assert.equal(spec.template.spec.serviceAccountName, 'loader', 'an empty text is an unset one');
    assert.equal(metadata.labels?.team, 'other');
    assert.equal(metadata.labels?.['run.googleapis.com/jobUid'], 'job-uid');
    assert.equal(metadata.annotations?.['run.googleapis.com/execution-environment'], 'gen1');
    assert.deepEqual(
      metadata.ownerReferences?.map(({ uid, controller }) => [uid, controller]),
      [
        ['u', undefined],
        ['job-uid', true],
      ],
    );
  });

  it('takes containers and volumes as a whole', () => {
    const byHand = written('{spec: {template: {spec: {containers: [{image: other}]}}}}');
    const { containers } = completeExecution(byHand, jobOf(TEMPLATE)).spec.template.spec;
    assert.deepEqual(
      containers.map(({ image, args, name }) => ({ image, args, name })),
      [{ image: 'other', args: undefined, name: 'user-container' }],
    );
  });

  it('keeps what is stored where a client repeats it', () => {
    const stored = completeExecution(written('{spec: {taskCount: 3}}'), jobOf(TEMPLATE));
    const again = keepStoredExecution(written('{spec: {taskCount: 3}}'), stored);
    assert.deepEqual(again.spec, stored.spec);
    const { metadata } = executionOf(jobOf(TEMPLATE), { name: 'load-abcde' });
    assert.deepEqual(again.metadata.ownerReferences, metadata.ownerReferences);
    assert.equal(again.metadata.labels?.['run.googleapis.com/jobUid'], 'job-uid');
    const other = keepStoredExecution(written('{spec: {taskCount: 4}}'), stored);
    assert.deepEqual(other.spec, { taskCount: 4 }, 'for validation to reject');
  });

  it('knows what is complete', () => {
    for (const yaml of [
      '{}',
      '{spec: {}}',
      '{spec: {taskCount: 1, template: {spec: {containers: [{image: a}]}}}}',
    ]) {
      assert.equal(isComplete(written(yaml)), false, yaml);
    }
    assert.ok(isComplete(completeExecution(written(), jobOf()) as never));
  });
});
