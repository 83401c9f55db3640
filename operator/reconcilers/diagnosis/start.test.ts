import assert from 'node:assert/strict';
import { podContainerName } from '../../apis/serving/container/names.ts';
import { parseConfig } from '../../config.ts';
import { EPOCH, pod, revision } from '../../testing/serving.ts';
import { diagnose } from './chain.ts';
import type { Evidence } from './evidence.ts';
import { hasStarted } from './start.ts';

const config = parseConfig({});
const terminated = (changes: object = {}) => ({
  terminated: {
    exitCode: 1,
    reason: 'Error',
    startedAt: '2026-01-01T00:00:01Z',
    finishedAt: '2026-01-01T00:00:02Z',
    ...changes,
  },
});

const NOT_FOUND =
  'Back-off pulling image "app:1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image ' +
  '"app:1": failed to resolve reference "app:1": app:1: not found';

const NO_PROGRAM =
  'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: ' +
  'unable to start container process: exec: "/nope": stat /nope: no such file or directory: unknown';

interface Case {
  reason: string;
  pods: Evidence['pods'];
  passed?: string[];
  proven?: boolean;
  needed?: number;
  afterSeconds?: number;
  spec?: object;
  want: {
    state: 'none' | 'started' | 'starting' | 'failed';
    reason?: string;
    recheckMs?: number;
    message?: RegExp;
  };
}

const CASES: Record<string, Case> = {
  'no pods': {
    reason: 'without instances there is nothing to look at',
    pods: [],
    want: { state: 'none' },
  },
  'only a terminating pod': {
    reason: 'an instance on its way out proves nothing',
    pods: [{ ...pod(), metadata: { ...pod().metadata, deletionTimestamp: '2026-01-01T00:00:03Z' } }],
    want: { state: 'none' },
  },
  'running and probed': {
    reason: 'our own probe is enough, the kubelet need not have got round to its own',
    pods: [pod({ state: { running: {} } })],
    passed: ['pod-x'],
    want: { state: 'started' },
  },
  'running and ready': {
    reason: 'the kubelet’s word counts too, after a restart of the controller for instance',
    pods: [pod({ state: { running: {} }, ready: true })],
    want: { state: 'started' },
  },
  'probed, but not ready by its own word': {
    reason: 'a readiness probe that only the kubelet can run holds the revision back until it passes',
    spec: { containers: [{ image: 'a', readinessProbe: { exec: { command: ['ready'] } } }] },
    pods: [pod({ state: { running: {} } })],
    passed: ['pod-x'],
    want: { state: 'starting', reason: 'Deploying' },
  },
  'ready for the kubelet, readiness not probed yet': {
    reason:
      'the kubelet does not run a readiness probe that the gateways run; the controller does until it has passed',
    spec: { containers: [{ image: 'a', readinessProbe: { httpGet: { path: '/ready' } } }] },
    pods: [pod({ state: { running: {} }, ready: true })],
    want: { state: 'starting', reason: 'Deploying' },
  },
  'readiness probed': {
    reason: 'the controller probes it as the gateways do',
    spec: { containers: [{ image: 'a', readinessProbe: { httpGet: { path: '/ready' } } }] },
    pods: [pod({ state: { running: {} } })],
    passed: ['pod-x'],
    want: { state: 'started' },
  },
  'readiness of a revision that has been ready': {
    reason: 'from then on only the gateways probe it',
    spec: { containers: [{ image: 'a', readinessProbe: { httpGet: { path: '/ready' } } }] },
    pods: [pod({ state: { running: {} }, ready: true })],
    proven: true,
    want: { state: 'started' },
  },
  'ready, of a container with a dot in its name': {
    reason: 'its pod calls it otherwise',
    spec: { containers: [{ name: 'app.v2', image: 'a', readinessProbe: { exec: { command: ['ready'] } } }] },
    pods: [pod({ name: podContainerName('app.v2'), state: { running: {} }, ready: true })],
    want: { state: 'started' },
  },
  'ended, of a container with a dot in its name': {
    reason: 'people know it by the name that they gave it',
    spec: { containers: [{ name: 'app.v2', image: 'a' }] },
    pods: [
      pod({ name: podContainerName('app.v2'), state: terminated({ reason: 'OOMKilled', exitCode: 137 }) }),
    ],
    want: {
      state: 'starting',
      reason: 'OutOfMemory',
      message: /container 'app\.v2' was stopped/,
    },
  },
  'never ready by its own word': {
    reason: 'the probe that did not pass is named, not the port, which answers',
    spec: { containers: [{ image: 'a', readinessProbe: { exec: { command: ['ready'] } } }] },
    pods: [pod({ state: { running: {} } })],
    passed: ['pod-x'],
    afterSeconds: 240,
    want: { state: 'failed', reason: 'HealthCheckContainerError', message: /readiness probe within 240 s/ },
  },
  'never ready, though it listens': {
    reason: 'the kubelet calls it ready once it listens; the probe that the controller runs did not pass',
    spec: { containers: [{ image: 'a', readinessProbe: { httpGet: { path: '/ready' } } }] },
    pods: [pod({ state: { running: {} }, ready: true })],
    afterSeconds: 240,
    want: { state: 'failed', reason: 'HealthCheckContainerError', message: /readiness probe within 240 s/ },
  },
  'probed once, but stopped since': {
    reason: 'a container that is not running cannot prove the revision',
    pods: [pod({ state: terminated() })],
    passed: ['pod-x'],
    want: { state: 'starting', reason: 'ExitCode1' },
  },
  'running, not listening yet': {
    reason: 'there are four minutes to listen',
    pods: [pod({ state: { running: {} } })],
    afterSeconds: 239,
    want: { state: 'starting', reason: 'Deploying', recheckMs: 1000 },
  },
  'never listens': {
    reason: 'after four minutes the message names the port and the address that are expected',
    pods: [pod({ state: { running: {} } })],
    afterSeconds: 240,
    want: {
      state: 'failed',
      reason: 'HealthCheckContainerError',
      message: /PORT=8080 within 240 s.*0\.0\.0\.0/,
    },
  },
  'exited once': {
    reason: 'one exit may be a passing problem; it is reported, and not final',
    pods: [pod({ state: terminated() })],
    afterSeconds: 60,
    want: { state: 'starting', reason: 'ExitCode1' },
  },
  'exits again and again': {
    reason: 'the second exit is final, with the exit code and the last log line',
    pods: [
      pod({
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: terminated({ exitCode: 3, message: 'starting\nno DATABASE_URL\n' }),
        restartCount: 2,
      }),
    ],
    afterSeconds: 15,
    want: {
      state: 'failed',
      reason: 'ExitCode3',
      message: /exited with code 3 .*last log line: no DATABASE_URL$/,
    },
  },
  'exits again within the grace': {
    reason: 'a sidecar or database may be a few seconds late',
    pods: [pod({ state: terminated(), restartCount: 1 })],
    afterSeconds: 4,
    want: { state: 'starting', recheckMs: 6000 },
  },
  'ends by signal': {
    reason: 'an exit code above 128 names its signal',
    pods: [pod({ state: terminated({ exitCode: 139 }), restartCount: 1 })],
    afterSeconds: 60,
    want: {
      state: 'failed',
      reason: 'ExitCode139',
      message: /code 139, which stands for signal 11 \(SIGSEGV\), before/,
    },
  },
  'ends with a code of its own above 128': {
    reason: 'exit(-1) is 255, which no signal makes',
    pods: [pod({ state: terminated({ exitCode: 255 }), restartCount: 1 })],
    afterSeconds: 60,
    want: { state: 'failed', reason: 'ExitCode255', message: /exited with code 255 before it was ready/ },
  },
  'out of memory': {
    reason: 'the limit that was too small is named',
    pods: [pod({ state: terminated({ exitCode: 137, reason: 'OOMKilled' }), restartCount: 1 })],
    afterSeconds: 60,
    want: {
      state: 'failed',
      reason: 'OutOfMemory',
      message: /^Memory limit of 512 MiB exceeded: container .user-container. was stopped/,
    },
  },
  'killed by its startup probe': {
    reason: 'signal 9 or 15 after the probe’s time is the probe’s doing, not the program’s',
    spec: {
      containers: [
        { image: 'a', startupProbe: { httpGet: { path: '/up' }, periodSeconds: 2, failureThreshold: 5 } },
      ],
    },
    pods: [
      pod({
        state: { running: {} },
        lastState: terminated({ exitCode: 143, finishedAt: '2026-01-01T00:00:11Z' }),
        restartCount: 1,
      }),
    ],
    afterSeconds: 12,
    want: {
      state: 'starting',
      reason: 'HealthCheckContainerError',
      message: /did not pass its startup probe within 10 s: GET \/up on port 8080 must answer with a status/,
    },
  },
  'a sidecar that never listens': {
    reason: 'a sidecar has no PORT: the port of its probe is reported',
    spec: {
      containers: [
        {
          image: 'a',
          startupProbe: { tcpSocket: { port: 5432 }, periodSeconds: 2, failureThreshold: 5 },
        },
      ],
    },
    pods: [
      pod({
        state: { running: {} },
        lastState: terminated({ exitCode: 137, finishedAt: '2026-01-01T00:00:11Z' }),
        restartCount: 1,
      }),
    ],
    afterSeconds: 12,
    want: {
      state: 'starting',
      reason: 'HealthCheckContainerError',
      message: /did not pass its startup probe within 10 s: it must accept connections on port 5432\.$/,
    },
  },
  'image is not there': {
    reason: 'the image and the kubelet’s own words are reported; it does not come by waiting',
    pods: [pod({ state: { waiting: { reason: 'ImagePullBackOff', message: NOT_FOUND } } })],
    afterSeconds: 10,
    want: { state: 'failed', reason: 'ContainerMissing', message: /registry\.example\/app:1.*Back-off/ },
  },
  'image was not there once': {
    reason: 'it may be pushed at this very moment; it is reported, and not final',
    pods: [pod({ state: { waiting: { reason: 'ErrImagePull', message: NOT_FOUND } } })],
    afterSeconds: 4,
    want: { state: 'starting', reason: 'ContainerMissing', recheckMs: 6000, message: /not found/ },
  },
  'too many pulls': {
    reason: 'a registry’s 429 passes; it is reported for as long as an instance may take to start',
    pods: [pod({ state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off: 429 Too Many' } } })],
    afterSeconds: 239,
    want: { state: 'starting', reason: 'ContainerMissing', recheckMs: 1000, message: /429 Too Many/ },
  },
  'too many pulls all the time': {
    reason: 'a revision must come to an end, and says why',
    pods: [pod({ state: { waiting: { reason: 'ErrImagePull', message: 'pull QPS exceeded' } } })],
    afterSeconds: 240,
    want: { state: 'failed', reason: 'ContainerMissing', message: /pull QPS exceeded/ },
  },
  'secret is missing': {
    reason: 'what the kubelet cannot set up is reported in its words',
    pods: [
      pod({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' } } }),
    ],
    afterSeconds: 240,
    want: { state: 'failed', reason: 'CreateContainerConfigError', message: /secret "x" not found/ },
  },
  'secret is not there yet': {
    reason: 'who applies a service and its secret together must not lose the service to their order',
    pods: [
      pod({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' } } }),
    ],
    afterSeconds: 15,
    want: {
      state: 'starting',
      reason: 'CreateContainerConfigError',
      recheckMs: 225_000,
      message: /create secret generic x/,
    },
  },
  'a node that never came to the first container': {
    reason: 'that is not for the program to mend, so its port is not spoken of',
    pods: [pod({ state: { waiting: { reason: 'ContainerCreating' } } })],
    afterSeconds: 240,
    want: { state: 'failed', reason: 'ProgressDeadlineExceeded', message: /kubectl describe pod hello/ },
  },
  'no such program': {
    reason: 'what the container runtime says is no log line, and 128 is no code of the program',
    pods: [
      pod({
        state: terminated({ exitCode: 128, reason: 'StartError', message: NO_PROGRAM }),
        restartCount: 1,
      }),
    ],
    afterSeconds: 60,
    want: {
      state: 'failed',
      reason: 'StartError',
      message:
        /^Container 'user-container' cannot be started: exec: "\/nope": stat \/nope: no such file or directory\.$/,
    },
  },
  'secret of a volume is missing': {
    reason: 'what the kubelet reports by an Event alone is reported too, with what to do',
    pods: [
      pod({
        state: {
          waiting: {
            reason: 'FailedMount',
            message: 'MountVolume.SetUp failed for volume "s" : secret "cert" not found',
          },
        },
      }),
    ],
    afterSeconds: 240,
    want: {
      state: 'failed',
      reason: 'FailedMount',
      message: /secret "cert" not found\. Create it.*: kubectl create secret generic cert --namespace demo/,
    },
  },
  'a file server does not answer': {
    reason: 'it may come back; it is reported meanwhile',
    pods: [pod({ state: { waiting: { reason: 'FailedMount', message: 'mount failed: exit status 32' } } })],
    afterSeconds: 239,
    want: { state: 'starting', reason: 'FailedMount', message: /exit status 32/ },
  },
  'a file server never answered': {
    reason: 'an instance has four minutes, and what kept it is reported, not its port',
    pods: [pod({ state: { waiting: { reason: 'FailedMount', message: 'mount failed: exit status 32' } } })],
    afterSeconds: 240,
    want: { state: 'failed', reason: 'FailedMount', message: /exit status 32/ },
  },
  'volumes are being mounted': {
    reason: 'it is looked again soon: a volume that cannot be mounted changes nothing of the pod',
    pods: [
      pod(
        { state: { waiting: { reason: 'ContainerCreating' } } },
        {
          phase: 'Pending',
          conditions: [
            { type: 'PodScheduled', status: 'True' },
            { type: 'PodReadyToStartContainers', status: 'False' },
          ],
        },
      ),
    ],
    afterSeconds: 1,
    want: { state: 'starting', reason: 'Deploying', recheckMs: 3000 },
  },
  'the kubelet is slow to read a ConfigMap': {
    reason: 'it exists, and the kubelet gets it by itself, however long the image took before',
    pods: [
      pod({
        state: {
          waiting: {
            reason: 'CreateContainerConfigError',
            message: 'failed to sync configmap cache: timed out waiting for the condition',
          },
        },
      }),
    ],
    afterSeconds: 60,
    want: { state: 'starting', reason: 'CreateContainerConfigError', recheckMs: 180_000 },
  },
  'no node has room': {
    reason: 'waiting for room is no failure of the revision',
    pods: [
      pod(
        {},
        {
          containerStatuses: [],
          conditions: [
            { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' },
          ],
        },
      ),
    ],
    want: { state: 'starting', reason: 'Unschedulable', message: /0\/1 nodes/ },
  },
  'a container that others wait for crashes': {
    reason: 'it is an init container to Kubernetes, and treated like the others',
    pods: [
      pod(
        { state: { waiting: { reason: 'PodInitializing' } } },
        {
          containerStatuses: [],
          initContainerStatuses: [
            {
              name: 'user-container',
              image: 'a',
              imageID: '',
              ready: false,
              restartCount: 2,
              state: terminated({ exitCode: 4 }),
            },
          ],
        },
      ),
    ],
    afterSeconds: 15,
    want: { state: 'failed', reason: 'ExitCode4' },
  },
  'one of two fails': {
    reason: 'one started instance proves the revision whatever the other does',
    pods: [
      pod({ state: { waiting: { reason: 'ImagePullBackOff' } } }),
      pod({ state: { running: {} }, ready: true }),
    ],
    want: { state: 'started' },
  },
  'one of two that are needed': {
    reason: 'the minimum is there before traffic is, and what keeps the second one is reported',
    needed: 2,
    pods: [
      pod({ state: { running: {} }, ready: true }),
      pod({ state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off: 429 Too Many' } } }),
    ],
    want: { state: 'starting', reason: 'ContainerMissing', message: /429 Too Many/ },
  },
  'one of two that are needed, no other yet': {
    reason: 'the second one is about to be made',
    needed: 2,
    pods: [pod({ state: { running: {} }, ready: true })],
    want: { state: 'starting', reason: 'Deploying' },
  },
  'two of two that are needed': {
    reason: 'so many are enough, whatever a third one does',
    needed: 2,
    pods: [
      pod({ state: { running: {} }, ready: true }),
      pod({ state: { waiting: { reason: 'ContainerCreating' } } }),
      pod({ state: { running: {} }, ready: true }),
    ],
    want: { state: 'started' },
  },
};

function stateOf(evidence: Evidence): Case['want']['state'] {
  const problem = diagnose(evidence);
  if (hasStarted(evidence)) return 'started';
  if (problem?.check === 'noPods') return 'none';
  return problem?.final ? 'failed' : 'starting';
}

describe('what keeps an instance from starting', () => {
  for (const [
    name,
    { reason, pods, passed = [], proven, needed, afterSeconds = 5, spec, want },
  ] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const { containers } = revision('hello-00001-abc', { spec }).spec;
      const now = EPOCH + afterSeconds * 1000;
      const seen = { pods, passed: new Set(passed), proven, needed };
      const evidence: Evidence = { runs: 'service', containers, ...seen, now, config };
      const problem = diagnose(evidence);
      assert.equal(stateOf(evidence), want.state);
      if (want.reason) assert.equal(problem?.reason, want.reason);
      if (want.recheckMs) assert.equal(problem?.recheckAfter, want.recheckMs);
      if (want.message) assert.match(problem?.message ?? '', want.message);
    });
  }
});
