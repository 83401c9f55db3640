import assert from 'node:assert/strict';
import { assertErrors, errorsOf } from '../../testing/errors.ts';
import { defaultJob } from './defaults.ts';
import { ANNOTATIONS, type Case, CONTAINER, EXECUTION, jobOf, SIDECAR, TASK } from './errorCases.ts';
import { JOB } from './kind.ts';
import { validateJob } from './validation.ts';

const ONE_ZONE = '{annotations: {run.googleapis.com/gpu-zonal-redundancy-disabled: "true"}}';
const ZONES = 'spec.template.metadata.annotations[run.googleapis.com/gpu-zonal-redundancy-disabled]';

const CASES: Record<string, Case> = {
  'the smallest job': { reason: 'an image is enough' },

  // Numbers
  'all that there may be': {
    execution: '{taskCount: 10000, parallelism: 10000}',
    task: "{maxRetries: 10, timeoutSeconds: '604800'}",
    reason: 'the limits themselves are allowed, and gcloud writes 64-bit numbers as texts',
  },
  'as many tasks at once as possible': {
    execution: '{taskCount: 3, parallelism: 0}',
    reason: '0 means no limit',
  },
  'no tasks': {
    execution: '{taskCount: 0}',
    reason: 'the API takes it: an execution that is complete at once',
  },
  'less than no tasks': {
    execution: '{taskCount: -1}',
    errors: [[`${EXECUTION}.taskCount`, /is -1; it must be a whole number from 0 to 10000/]],
    reason: 'Cloud Run jobs, --tasks',
  },
  'one task too many': {
    execution: '{taskCount: 10001}',
    errors: [[`${EXECUTION}.taskCount`, /is 10001; it must be a whole number from 0 to 10000/]],
    reason: 'Cloud Run jobs, --tasks',
  },
  'more tasks at once than tasks': {
    execution: '{taskCount: 3, parallelism: 4}',
    reason: 'the API takes it: all run at once',
  },
  'two of one task at once': {
    execution: '{parallelism: 5}',
    reason: 'the API takes it, whatever the default of taskCount is',
  },
  'eleven retries': {
    task: '{maxRetries: 11}',
    errors: [[`${TASK}.maxRetries`, /is 11; it must be a whole number from 0 to 10/]],
    reason: 'Cloud Run jobs, --max-retries',
  },
  'no retries': { task: '{maxRetries: 0}', reason: 'each task gets one attempt' },
  'no time': {
    task: '{timeoutSeconds: 0}',
    errors: [[`${TASK}.timeoutSeconds`, /is 0; it must be a whole number of seconds from 1 to 604800/]],
    reason: 'no task could end',
  },
  '169 hours': {
    task: '{timeoutSeconds: 608400}',
    errors: [[`${TASK}.timeoutSeconds`, /is 608400; it must be .* from 1 to 604800, 168 hours/]],
    reason: 'Cloud Run jobs, --task-timeout',
  },
  '169 hours with their unit': {
    task: '{timeoutSeconds: 169h}',
    errors: [[`${TASK}.timeoutSeconds`, /is "169h"; it must be a whole number of seconds/]],
    reason: 'the flag of gcloud takes units, the field does not',
  },
  'an hour with a GPU': {
    template: ONE_ZONE,
    task: '{timeoutSeconds: 3600, nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}}',
    container: "{resources: {limits: {cpu: '4', memory: 16Gi, nvidia.com/gpu: '1'}}}",
    reason: 'the longest with a GPU',
  },
  'more than an hour with a GPU': {
    template: ONE_ZONE,
    task: "{timeoutSeconds: '3601'}",
    container: "{resources: {limits: {cpu: '4', memory: 16Gi, nvidia.com/gpu: '1'}}}",
    errors: [[`${TASK}.timeoutSeconds`, /is "3601"; it must be .* from 1 to 3600, one hour, with a GPU/]],
    reason: 'Cloud Run jobs, --task-timeout',
  },

  // Containers
  'a port': {
    container: '{ports: [{containerPort: 8080}]}',
    errors: [[`${CONTAINER}.ports`, /has port 8080; it must be empty: a task receives no requests/]],
    strict: true,
    advice: true,
    reason: 'container contract, jobs; the API takes it',
  },
  'no ports, written out': { container: '{ports: []}', reason: 'an empty list is an unset one' },
  'a liveness and a readiness probe': {
    container: '{livenessProbe: {httpGet: {path: /}}, readinessProbe: {httpGet: {path: /}}}',
    errors: [
      [`${CONTAINER}.livenessProbe`, /a task runs to completion/],
      [`${CONTAINER}.readinessProbe`, /jobs support only startupProbe/],
    ],
    reason: 'a task has no readiness, and it is alive until it ends',
  },
  'variables that the platform sets': {
    container: '{env: [{name: CLOUD_RUN_TASK_INDEX}, {name: CLOUD_RUN_EXECUTION}]}',
    errors: [
      [`${CONTAINER}.env[0].name`, /is "CLOUD_RUN_TASK_INDEX", which the platform sets; remove it/],
      [`${CONTAINER}.env[1].name`, /is "CLOUD_RUN_EXECUTION"/],
    ],
    reason: 'container contract, Environment variables for jobs',
  },
  'a label of executions that no cluster takes': {
    template: '{labels: {since: "12:00"}}',
    errors: [['spec.template.metadata.labels[since]', /is "12:00"; a label value must be empty or have/]],
    reason: 'no execution could ever be made',
  },
  'less than one CPU': {
    container: '{resources: {limits: {cpu: 500m}}}',
    errors: [[`${CONTAINER}.resources.limits[cpu]`, /is 500m; it must be at least 1 in gen2/]],
    strict: true,
    reason: 'Cloud Run has fractions for sidecars of jobs alone',
  },
  'less than one CPU together': {
    template: SIDECAR,
    container: '{name: main, resources: {limits: {cpu: 400m}}}',
    more: '[{name: side, image: side, resources: {limits: {cpu: 400m}}}]',
    errors: [
      [`${TASK}.containers`, /have limits of less than 1 of cpu in total; they must be at least 1 in gen2/],
    ],
    strict: true,
    reason: 'the CPU of all containers counts',
  },
  '256 MiB': {
    container: '{resources: {limits: {memory: 256Mi}}}',
    errors: [[`${CONTAINER}.resources.limits[memory]`, /is 256Mi; it must be at least 512Mi in gen2/]],
    strict: true,
    reason: 'Cloud Run, memory limits',
  },
  'a GPU without a word on zones': {
    container: "{resources: {limits: {cpu: '4', memory: 16Gi, nvidia.com/gpu: '1'}}}",
    errors: [[ZONES, /is not set/]],
    strict: true,
    advice: true,
    reason: 'it may depend on the quota',
  },
  'a word on zones without a GPU': {
    template: ONE_ZONE,
    errors: [[ZONES, /is set although no container has a GPU/]],
    strict: true,
    reason: 'the API rejects it',
  },
  'less than one CPU beside a sidecar': {
    template: SIDECAR,
    container: '{name: main, resources: {limits: {cpu: 500m}}}',
    more: '[{name: side, image: side, resources: {limits: {cpu: 500m}}}]',
    reason: 'several containers share an instance',
  },
  'the first generation environment': {
    template: '{annotations: {run.googleapis.com/execution-environment: gen1}}',
    errors: [
      [
        'spec.template.metadata.annotations[run.googleapis.com/execution-environment]',
        /is "gen1"; jobs and worker pools run in gen2 only/,
      ],
    ],
    strict: true,
    reason: 'container contract, Container sandbox',
  },
  'a PORT of its own': {
    container: '{env: [{name: PORT, value: "1"}]}',
    errors: [
      [`${CONTAINER}.env[0].name`, /is "PORT", which Cloud Run reserves; a task receives no requests/],
    ],
    strict: true,
    reason: 'it does no harm',
  },
  'two containers and no order': {
    container: '{name: a}',
    more: '[{name: b, image: b}]',
    reason: 'the API takes it: the task ends with the first one',
  },
  'a sidecar': {
    template: SIDECAR,
    container: '{name: main}',
    more: '[{name: side, image: b, startupProbe: {tcpSocket: {port: 6379}}}]',
    reason: 'it ends with the container that waits for it',
  },
  'a container that no order mentions': {
    template: SIDECAR,
    container: '{name: main}',
    more: '[{name: side, image: b}, {image: c}]',
    reason: 'the first one without dependents is the main container',
  },
  'containers that wait for each other': {
    template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["b"],"b":["a"]}'}}`,
    container: '{name: a}',
    more: '[{name: b, image: b}]',
    errors: [
      ['spec.template.metadata.annotations[run.googleapis.com/container-dependencies]', /has a cycle/],
    ],
    reason: 'neither would ever start',
  },
  'the rules of all containers': {
    container: '{image: gcr.io/PROJECT_ID/app, volumeMounts: [{name: v, mountPath: /v}]}',
    task: '{serviceAccountName: me@PROJECT}',
    errors: [
      [`${CONTAINER}.image`, /does not parse/],
      [`${CONTAINER}.volumeMounts[0].name`, /there is no such volume/],
      [`${TASK}.serviceAccountName`, /must be the name of a service account/],
    ],
    reason: 'it is that of services',
  },

  // Tokens
  'a token': { spec: '{startExecutionToken: v1}', reason: 'its execution is called load-v1' },
  'a token as long as can be': { spec: `{runExecutionToken: ${'t'.repeat(58)}}`, reason: '62 with the name' },
  'a token too long beside the name': {
    spec: `{runExecutionToken: ${'t'.repeat(59)}}`,
    errors: [
      ['spec.runExecutionToken', /\(59 characters\); it must have 1 to 58 characters with this job name/],
    ],
    reason: 'API reference: fewer than 63 characters together',
  },
  'a token that is no part of a name': {
    spec: '{startExecutionToken: V1}',
    errors: [['spec.startExecutionToken', /is "V1" \(2 characters\); it must have .* lowercase letters/]],
    reason: 'the execution is called by it',
  },
  'both tokens': {
    spec: '{startExecutionToken: a, runExecutionToken: b}',
    errors: [['spec.runExecutionToken', /must not be set together with startExecutionToken/]],
    reason: 'they say when the job is ready, in two ways',
  },
  'a run by annotation': {
    metadata: '{annotations: {homerun.dev/run: "1760000000"}}',
    reason: 'any new text',
  },
  'a run that is no part of a name': {
    metadata: '{annotations: {homerun.dev/run: "10:30"}}',
    errors: [[`${ANNOTATIONS}[homerun.dev/run]`, /is "10:30" \(5 characters\); it must have/]],
    reason: 'the execution is called by it',
  },

  // Annotations
  'a schedule': {
    metadata:
      "{annotations: {homerun.dev/schedule: '0 9 * * MON-FRI', homerun.dev/time-zone: Europe/Berlin}}",
    reason: 'as Cloud Scheduler takes it',
  },
  'a schedule of six fields': {
    metadata: "{annotations: {homerun.dev/schedule: '0 0 9 * * *'}}",
    errors: [
      [`${ANNOTATIONS}[homerun.dev/schedule]`, /is "0 0 9 \* \* \*"; it must be a cron expression of five/],
    ],
    reason: 'seconds are not in it',
  },
  'a schedule that never comes': {
    metadata: "{annotations: {homerun.dev/schedule: '0 0 30 2 *'}}",
    errors: [[`${ANNOTATIONS}[homerun.dev/schedule]`, /that matches at least one date/]],
    reason: 'a typing mistake',
  },
  'a minute too many': {
    metadata: "{annotations: {homerun.dev/schedule: '60 * * * *'}}",
    errors: [[`${ANNOTATIONS}[homerun.dev/schedule]`, /\(Invalid value for minute: 60\)/]],
    reason: 'an hour has 60 of them',
  },
  'a time zone that is none': {
    metadata: '{annotations: {homerun.dev/time-zone: Berlin}}',
    errors: [[`${ANNOTATIONS}[homerun.dev/time-zone]`, /is "Berlin"; it must be the name of a time zone/]],
    reason: 'the time is undefined',
  },
  'a history of less than nothing': {
    metadata: "{annotations: {homerun.dev/executions-history-limit: '-1'}}",
    errors: [[`${ANNOTATIONS}[homerun.dev/executions-history-limit]`, /a whole number from 0 to 1000/]],
    reason: 'nothing is the least',
  },
  'what steers one execution': {
    template: "{annotations: {homerun.dev/cancel: 'true'}}",
    errors: [
      [
        'spec.template.metadata.annotations[homerun.dev/cancel]',
        /has no effect here; it belongs in metadata.annotations of the Execution/,
      ],
    ],
    strict: true,
    reason: 'a template makes many of them',
  },
  'what steers instances of a service': {
    template: "{annotations: {run.googleapis.com/cpu-throttling: 'false'}}",
    errors: [
      [
        'spec.template.metadata.annotations[run.googleapis.com/cpu-throttling]',
        /has no effect here; it belongs in spec.template.metadata.annotations of the Service/,
      ],
    ],
    strict: true,
    reason: 'a task has its CPU all the time',
  },
  scaling: {
    template: "{annotations: {autoscaling.knative.dev/maxScale: '3'}}",
    errors: [
      [
        'spec.template.metadata.annotations[autoscaling.knative.dev/maxScale]',
        /has no effect on a job: as many tasks run as taskCount and parallelism say/,
      ],
    ],
    strict: true,
    reason: 'copied from a service',
  },
  'what belongs to the executions': {
    metadata: '{annotations: {run.googleapis.com/execution-environment: gen2}}',
    errors: [
      [
        `${ANNOTATIONS}[run.googleapis.com/execution-environment]`,
        /it belongs in spec.template.metadata.annotations of the Job/,
      ],
    ],
    strict: true,
    reason: 'in the wrong place',
  },
};

describe('validation of a job', () => {
  for (const [name, one] of Object.entries(CASES)) {
    const { errors: expected = [], strict = false, advice = false, reason } = one;
    const verb = expected.length === 0 ? 'accepts' : strict ? 'in strict mode rejects' : 'rejects';
    it(`${verb} ${name}: ${reason}`, () => {
      const given = jobOf(one);
      const errors = errorsOf(JOB, given);
      assertErrors(errors, one);
      assert.ok(errors.every((error) => (error.advice ?? false) === advice));
      const filled = errorsOf(JOB, defaultJob(given));
      assert.deepEqual(
        filled.map(({ path }) => path),
        expected.map(([path]) => path),
        'with its defaults',
      );
    });
  }

  it('reports all errors in one response', () => {
    const errors = errorsOf(
      JOB,
      jobOf({
        metadata: '{name: Load}',
        execution: '{taskCount: -1, parallelism: 10001}',
        task: '{maxRetries: 11, timeoutSeconds: 0}',
        container: '{image: "", ports: [{containerPort: 1}]}',
      }),
    );
    assert.deepEqual(
      errors.map(({ path }) => path),
      [
        `${EXECUTION}.parallelism`,
        `${EXECUTION}.taskCount`,
        `${TASK}.maxRetries`,
        'metadata.name',
        `${CONTAINER}.image`,
        `${CONTAINER}.ports`,
        `${TASK}.timeoutSeconds`,
      ],
    );
  });

  it('answers at once however long the texts are', () => {
    // What grows with the square of the length would take minutes.
    const long = 300_000;
    const hostile = jobOf({ task: `{timeoutSeconds: "${'9'.repeat(long)}"}` });
    hostile.metadata.annotations = {
      'homerun.dev/schedule': '1,'.repeat(long),
      'homerun.dev/time-zone': 'a/'.repeat(long),
      'homerun.dev/run': 'a-'.repeat(long),
    };
    assert.equal(validateJob(hostile).length, 4);
  });
});
