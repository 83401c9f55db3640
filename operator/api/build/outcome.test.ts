import { deepEqual, equal, match } from 'node:assert/strict';
import fc from 'fast-check';
import type { BatchJob, Pod } from '../../kube/core.ts';
import { BUILD } from './names.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { buildOperation, buildView } from './view.ts';

const ID = '11111111-2222-4333-8444-555555555555';
const DIGEST = `sha256:${'a'.repeat(64)}`;
const STARTED = '2026-01-01T00:00:05Z';
const FINISHED = '2026-01-01T00:01:00Z';
const request = {
  source: { bucket: 'run-sources-demo-local', name: 'services/hello/1.zip', generation: '17' },
  image: 'local-docker.pkg.dev/demo/r/hello',
  tags: ['service_hello'],
};

function job({
  conditions = [],
  annotations = {},
}: {
  conditions?: object[];
  annotations?: object;
} = {}): BatchJob {
  const container = { name: 'build', image: 'b', resources: { limits: { memory: '4Gi' } } };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `build-${ID}`,
      namespace: 'demo',
      uid: 'u',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { [BUILD.id]: ID },
      annotations: { [BUILD.request]: JSON.stringify(request), ...annotations },
    },
    spec: {
      activeDeadlineSeconds: 90,
      template: { spec: { activeDeadlineSeconds: 60, containers: [container] } },
    },
    status: { conditions },
  } as unknown as BatchJob;
}

/** A pod by the states of its two containers. */
function pod(source: object, build: object, status: object = {}): Pod {
  const state = (name: string, state: object) => ({
    name,
    state,
    ready: false,
    restartCount: 0,
    image: '',
    imageID: '',
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'demo' },
    status: {
      startTime: STARTED,
      initContainerStatuses: [state('homerun-source', source)],
      containerStatuses: [state('build', build)],
      ...status,
    },
  } as unknown as Pod;
}

const waiting = { waiting: { reason: 'PodInitializing' } };
const running = { running: { startedAt: STARTED } };
const ended = (exitCode: number, more: object = {}) => ({
  terminated: { exitCode, startedAt: STARTED, finishedAt: FINISHED, ...more },
});
const failed = { phase: 'Failed' };
const condition = (type: string, more: object = {}) => ({
  type,
  status: 'True',
  lastTransitionTime: FINISHED,
  ...more,
});

interface Case {
  reason: string;
  job?: BatchJob;
  pod?: Pod;
  status: Outcome['status'];
  failure?: Outcome['failure'];
  detail?: RegExp;
}

const cases: Record<string, Case> = {
  'no pod yet': { reason: 'the Job was just made', status: 'QUEUED' },
  'a pod without a node': {
    reason: 'people are told what it waits for',
    pod: pod(waiting, waiting, {
      startTime: undefined,
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', message: '0/2 nodes are available' }],
    }),
    status: 'QUEUED',
    detail: /waits for a node: 0\/2 nodes/,
  },
  'an image that is not pulled': {
    reason: 'the chart may name a wrong one',
    pod: pod({ waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }, waiting),
    status: 'QUEUED',
    detail: /ImagePullBackOff: no such image/,
  },
  'a source that is unpacked': {
    reason: 'it is a step of the build',
    pod: pod(running, waiting),
    status: 'WORKING',
  },
  'a build that runs': { reason: 'its source is there', pod: pod(ended(0), running), status: 'WORKING' },
  'a build that is over': {
    reason: 'the Job follows its pod',
    pod: pod(ended(0), ended(0, { message: `digest = "${DIGEST}"` }), { phase: 'Succeeded' }),
    status: 'SUCCESS',
  },
  'a build whose pod is gone': {
    reason: 'Kubernetes collects pods that have ended',
    job: job({ conditions: [condition('Complete')] }),
    status: 'SUCCESS',
  },
  'a step that fails': {
    reason: 'its last lines say why',
    pod: pod(ended(0), ended(1, { reason: 'Error', message: 'a\nnpm ERR! missing script: build\n' }), failed),
    status: 'FAILURE',
    failure: 'USER_BUILD_STEP',
    detail: /^The build ended with exit code 1\.\nIts last lines:\na\nnpm ERR! missing script: build$/,
  },
  'an end without words': {
    reason: 'there is always something to say',
    pod: pod(ended(0), ended(139, { signal: 11 }), failed),
    status: 'FAILURE',
    failure: 'USER_BUILD_STEP',
    detail: /^The build ended with signal 11\.$/,
  },
  'too little memory': {
    reason: 'the limit and where it is set',
    pod: pod(ended(0), ended(137, { reason: 'OOMKilled' }), failed),
    status: 'FAILURE',
    failure: 'USER_BUILD_STEP',
    detail: /ran out of memory\. It may use 4Gi \(chart value build\.resources\.limits\.memory\)/,
  },
  'a step that is killed': {
    reason: 'BuildKit goes on where the kernel kills the step alone',
    pod: pod(
      ended(0),
      ended(1, { message: 'process "/bin/sh -c npm ci" did not complete: exit code: 137' }),
      failed,
    ),
    status: 'FAILURE',
    failure: 'USER_BUILD_STEP',
    detail: /^A step of the build was killed, as happens when memory runs out\. It may use 4Gi/,
  },
  'a registry that refuses': {
    reason: 'the credentials are wrong',
    pod: pod(
      ended(0),
      ended(1, { message: 'error: failed to push r/hello: unexpected status: 401 Unauthorized' }),
      failed,
    ),
    status: 'FAILURE',
    failure: 'PUSH_NOT_AUTHORIZED',
    detail: /401/,
  },
  'a registry that refuses the lifecycle': {
    reason: 'it tries that before it builds',
    pod: pod(
      ended(0),
      ended(1, {
        message:
          'ERROR: failed to initialize analyzer: validating registry read access: failed to ensure registry read access to r/hello: HEAD http://r/v2/hello/manifests/latest: unexpected status code 401 Unauthorized (HEAD responses have no body, use GET for details)',
      }),
      failed,
    ),
    status: 'FAILURE',
    failure: 'PUSH_NOT_AUTHORIZED',
    detail: /ensure registry read access to r\/hello.* 401/,
  },
  'a registry that is not there': {
    reason: 'the address is wrong',
    pod: pod(ended(0), ended(1, { message: 'error: failed to push r/hello: no such host' }), failed),
    status: 'FAILURE',
    failure: 'PUSH_FAILED',
    detail: /no such host/,
  },
  'a source that is refused': {
    reason: 'it names the entry',
    pod: pod(ended(65, { message: 'The entry ../x leads out.' }), waiting, failed),
    status: 'FAILURE',
    failure: 'FETCH_SOURCE_FAILED',
    detail: /cannot be unpacked: The entry \.\.\/x leads out\./,
  },
  'a pod that is evicted': {
    reason: 'the disk is full',
    pod: pod(ended(0), running, { phase: 'Failed', reason: 'Evicted', message: 'The node was low on disk.' }),
    status: 'FAILURE',
    detail: /ended the build \(Evicted\): The node was low on disk/,
  },
  'a pod that was removed': {
    reason: 'a node was deleted',
    job: job({
      conditions: [condition('Failed', { reason: 'BackoffLimitExceeded', message: 'it has reached it' })],
    }),
    status: 'FAILURE',
    detail: /it has reached it/,
  },
  'too long a build': {
    reason: 'Cloud Build: timeout',
    pod: pod(ended(0), ended(137), { phase: 'Failed', reason: 'DeadlineExceeded' }),
    status: 'TIMEOUT',
    detail: /within 60 s/,
  },
  'too long in the queue': {
    reason: 'Cloud Build: queueTtl',
    job: job({ conditions: [condition('Failed', { reason: 'DeadlineExceeded' })] }),
    status: 'EXPIRED',
    detail: /within 90 s of its submission/,
  },
  'a build that is being cancelled': {
    reason: 'its pod goes on for some seconds',
    job: job({ annotations: { [BUILD.cancelled]: FINISHED } }),
    pod: pod(ended(0), running),
    status: 'CANCELLED',
  },
  'a build that was cancelled': {
    reason: 'that is how the Job was ended',
    job: job({
      annotations: { [BUILD.cancelled]: FINISHED },
      conditions: [condition('Failed', { reason: 'DeadlineExceeded' })],
    }),
    status: 'CANCELLED',
  },
  'a build that was over before it was cancelled': {
    reason: 'its image is there',
    job: job({ annotations: { [BUILD.cancelled]: FINISHED }, conditions: [condition('Complete')] }),
    status: 'SUCCESS',
  },
};

const place = { project: 'demo', location: 'local', bucket: 'run-sources-demo-local' };

describe('how far a build is', () => {
  for (const [name, { reason, job: made = job(), pod: found, ...want }] of Object.entries(cases)) {
    it(`${name} is ${want.status}: ${reason}`, () => {
      const { status, failure, detail = '' } = outcomeOf(made, found);
      deepEqual([status, failure], [want.status, want.failure]);
      match(detail, want.detail ?? /^(The build was cancelled\.)?$/);
    });
  }

  it('is shown as Cloud Build has it', () => {
    const over = cases['a build that is over'];
    const view = buildView(job(), over?.pod, place);
    deepEqual(view, {
      id: ID,
      name: `projects/demo/locations/local/builds/${ID}`,
      projectId: 'demo',
      status: 'SUCCESS',
      source: {
        storageSource: { bucket: 'run-sources-demo-local', object: 'services/hello/1.zip', generation: '17' },
      },
      createTime: '2026-01-01T00:00:00Z',
      startTime: STARTED,
      finishTime: FINISHED,
      timeout: '60s',
      queueTtl: '30s',
      images: ['local-docker.pkg.dev/demo/r/hello'],
      results: { images: [{ name: 'local-docker.pkg.dev/demo/r/hello', digest: DIGEST }] },
      logsBucket: 'gs://run-sources-demo-local',
      logUrl: `https://storage.googleapis.com/run-sources-demo-local/log-${ID}.txt`,
      tags: ['service_hello'],
    });
  });

  it('is an operation that is done with a response or an error', () => {
    const operation = (name: string) => {
      const { job: made = job(), pod: found } = cases[name] ?? {};
      return buildOperation(buildView(made, found, place), place) as Record<string, { code?: number }>;
    };
    equal(operation('a build that runs').done, undefined);
    equal(operation('a build that is over').error, undefined);
    equal(operation('a step that fails').error?.code, 9);
    equal(operation('too long a build').error?.code, 4);
    equal(operation('a build that was cancelled').error?.code, 1);
  });

  it('is told whatever else stands in the annotations and the status', () => {
    const text = fc.oneof(fc.string(), fc.json());
    const state = fc.constantFrom(
      waiting,
      running,
      ended(0),
      ended(1),
      ended(137, { reason: 'OOMKilled' }),
      {},
    );
    const phase = fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown');
    const type = fc.constantFrom('Complete', 'Failed', 'Suspended');
    fc.assert(
      fc.property(
        text,
        fc.option(text),
        state,
        state,
        phase,
        fc.array(type),
        (written, cancelled, a, b, at, types) => {
          const annotations = {
            [BUILD.request]: written,
            ...(cancelled === null ? {} : { [BUILD.cancelled]: cancelled }),
          };
          const made = job({ annotations, conditions: types.map((each) => condition(each)) });
          const view = buildView(made, pod(a, b, { phase: at }), place);
          const { done, error, response } = buildOperation(view, place);
          equal(done === true, !['QUEUED', 'WORKING'].includes(view.status));
          equal(done === true, (error === undefined) !== (response === undefined));
          if (view.status === 'FAILURE') match(view.statusDetail ?? '', /\S/);
        },
      ),
    );
  });
});
